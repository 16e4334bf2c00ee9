package ngx

import (
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
)

// pipeFamily is the module "ngx.pipe": processes whose standard streams are read and written without blocking.
// Primitives take the number of a child that pipe_spawn has returned.
var pipeFamily = family{
	name:    "pipe",
	modules: map[string]string{"ngx.pipe": "pipe.lua"},
	primitives: []primitive{
		{name: "pipe_spawn", run: spawnChild},
		{name: "pipe_timeouts", run: setPipeTimeouts},
		{name: "pipe_read", run: readPipe, in: yieldable, waits: true},
		{name: "pipe_write", run: writePipe, in: yieldable, waits: true},
		{name: "pipe_wait", run: waitChild, in: yieldable, waits: true},
		{name: "pipe_shutdown", run: shutdownPipe},
		{name: "pipe_kill", run: killChild},
		{name: "pipe_drop", run: dropChild},
	},
	open: func(m *machine) error {
		m.closers = append(m.closers, func() { children.of(m).closeAll() })
		return nil
	},
}

// childTable is a machine's children by number; they go with the machine, or when Lua has collected them.
type childTable struct {
	all  map[int]*child
	last int
}

var children = newMachineSlot[childTable]()

// child is a process that Lua has spawned.
type child struct {
	m       *machine
	process *os.Process // nil when it could not be started
	pid     int
	merged  bool // stderr goes where stdout goes
	streams [3]*pipeEnd
	waiting *coroutine
	timeout int64 // of wait, in milliseconds
	exited  bool
	reaped  bool // Lua has been told
	gone    bool // dropped: nobody is to be told
	status  syscall.WaitStatus
}

// The standard streams, by descriptor.
const (
	stdin = iota
	stdout
	stderr
)

// childOf is the child that the call's first argument names.
func childOf(m *machine, c *luajit.Call) *child { return children.of(m).all[c.Int(1)] }

// spawnChild(arguments, environ, merge stderr, buffer size, timeouts…) returns a number and the process's; arguments
// and environ are joined by zero bytes, environ may be nil.
func spawnChild(m *machine, c *luajit.Call) luajit.Outcome {
	if m.worker == nil {
		return c.Raise("API disabled in the current context")
	}
	ch := &child{m: m, merged: c.Bool(3)}
	theirs, err := ch.open(c.Int(4))
	if err == nil {
		var environ []string
		if c.Type(2) == luajit.String {
			environ = strings.Split(c.String(2), "\x00")
		}
		err = ch.start(strings.Split(c.String(1), "\x00"), environ, theirs)
	}
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		ch.close()
		return failure(c, err.Error())
	}
	ch.setTimeouts(c, 5)
	table := children.of(m)
	if table.all == nil {
		table.all = map[int]*child{}
	}
	table.last++
	table.all[table.last] = ch
	c.PushInt(table.last)
	c.PushInt(ch.pid)
	return luajit.Return
}

// open makes the pipes and returns the child's ends of them.
func (ch *child) open(bufferSize int) (theirs []*os.File, err error) {
	for i := range ch.streams {
		if i == stderr && ch.merged {
			return append(theirs, theirs[stdout]), nil
		}
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return theirs, os.NewSyscallError("pipe", err)
		}
		mine, other := fds[0], fds[1]
		if i == stdin {
			mine, other = other, mine
		}
		theirs = append(theirs, os.NewFile(uintptr(other), "pipe"))
		end := &pipeEnd{child: ch, fd: mine, bufferSize: bufferSize}
		ch.streams[i] = end
		if err := unix.SetNonblock(mine, true); err != nil {
			return theirs, os.NewSyscallError("fcntl", err)
		}
		if err := ch.m.worker.Loop.Add(mine, end, loop.In|loop.Out|loop.Edge); err != nil {
			return theirs, err
		}
	}
	return theirs, nil
}

// start runs the program. One that cannot be executed is a child that has exited with status 1, as after a fork.
func (ch *child) start(args, environ []string, files []*os.File) error {
	path, err := lookPath(args[0])
	if err == nil {
		ch.process, err = os.StartProcess(path, args, &os.ProcAttr{Env: environ, Files: files})
	}
	if err != nil {
		errno := syscall.ENOENT
		if failed, ok := errnoIn(err); ok {
			errno = failed
		}
		ch.m.log(logs.Crit, "lua pipe child execvp() failed while executing "+args[0]+
			logs.ErrnoText("", errno))
		ch.exited, ch.status = true, 1<<8
		return nil
	}
	ch.pid = ch.process.Pid
	worker := ch.m.worker
	go func() {
		state, err := ch.process.Wait()
		worker.Loop.Post(func() { ch.onExit(state, err) })
	}()
	return nil
}

// lookPath finds a program as execvp does: without a PATH, which nginx does not pass on, there is a default.
func lookPath(name string) (string, error) {
	if _, ok := os.LookupEnv("PATH"); ok || strings.Contains(name, "/") {
		return exec.LookPath(name)
	}
	path, err := exec.LookPath("/bin/" + name)
	if err != nil {
		return exec.LookPath("/usr/bin/" + name)
	}
	return path, nil
}

func (ch *child) onExit(state *os.ProcessState, err error) {
	if ch.gone {
		return
	}
	ch.exited = true
	if err == nil {
		ch.status = state.Sys().(syscall.WaitStatus)
	}
	if co := ch.waiting; co != nil {
		ch.waiting = nil
		co.resume(ch.reap)
	}
}

// reap pushes what wait returns. The streams are closed but for those that are being read.
func (ch *child) reap(v *luajit.Values) {
	ch.reaped = true
	for _, end := range ch.streams {
		if end != nil && end.co == nil {
			end.close()
		}
	}
	if ch.status.Signaled() {
		v.PushBool(false)
		v.PushString("signal")
		v.PushInt(int(ch.status.Signal()))
		return
	}
	v.PushBool(ch.status.ExitStatus() == 0)
	v.PushString("exit")
	v.PushInt(ch.status.ExitStatus())
}

// waitChild(child) is proc:wait.
func waitChild(m *machine, c *luajit.Call) luajit.Outcome {
	ch := childOf(m, c)
	switch {
	case ch.reaped:
		return failure(c, "exited")
	case ch.waiting != nil:
		return failure(c, "pipe busy waiting")
	case ch.exited:
		ch.reap(&c.Values)
		return luajit.Return
	}
	co := m.running(c)
	ch.waiting = co
	if ch.timeout > 0 {
		co.after(ch.timeout, func(co *coroutine) {
			ch.waiting = nil
			co.resume(pushFailure("timeout"))
		})
	}
	return co.park(ch)
}

// cancel implements waiter.
func (ch *child) cancel(*coroutine) { ch.waiting = nil }

// killChild(child, signal) is proc:kill.
func killChild(m *machine, c *luajit.Call) luajit.Outcome {
	ch := childOf(m, c)
	if ch.exited {
		return failure(c, "exited")
	}
	if err := ch.process.Signal(syscall.Signal(c.Int(2))); err != nil {
		switch errno, _ := errnoIn(err); {
		case errno == syscall.EINVAL:
			return failure(c, "invalid signal")
		case errno == syscall.ESRCH || err == os.ErrProcessDone:
			return failure(c, "exited")
		}
		return failure(c, err.Error())
	}
	return succeeded(c)
}

// dropChild(child) is called when Lua has collected it.
func dropChild(m *machine, c *luajit.Call) luajit.Outcome {
	if m.closed {
		return luajit.Return
	}
	if ch := childOf(m, c); ch != nil {
		ch.close()
		delete(children.of(m).all, c.Int(1))
	}
	return luajit.Return
}

// close kills the child and forgets it.
func (ch *child) close() {
	ch.gone = true
	if ch.process != nil && !ch.exited {
		_ = ch.process.Kill()
	}
	for _, end := range ch.streams {
		if end != nil {
			end.close()
		}
	}
}

func (t *childTable) closeAll() {
	for _, ch := range t.all {
		ch.close()
	}
	t.all = nil
}

// setPipeTimeouts(child, write, stdout read, stderr read, wait): milliseconds, nil for no change, 0 for none.
func setPipeTimeouts(m *machine, c *luajit.Call) luajit.Outcome {
	childOf(m, c).setTimeouts(c, 2)
	return luajit.Return
}

func (ch *child) setTimeouts(c *luajit.Call, first int) {
	for i, end := range ch.streams {
		if end != nil && c.Type(first+i) == luajit.Number {
			end.timeout = int64(c.Number(first + i))
		}
	}
	if c.Type(first+3) == luajit.Number {
		ch.timeout = int64(c.Number(first + 3))
	}
}
