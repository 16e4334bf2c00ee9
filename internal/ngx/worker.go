package ngx

import (
	"errors"
	"runtime"
	"strings"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

var machines = stream.NewGenerationSlot[machine]()

// build makes a worker's machine and runs init_by_lua*, on any thread but the process's first (luajit: stack.go).
func build(c *stream.Config, worker int) (m *machine, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, err = buildMachine(c, worker)
	}()
	<-done
	return m, err
}

func buildMachine(c *stream.Config, worker int) (*machine, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	main := slot.Main(c)
	if worker == 0 {
		warnCacheOff(c)
	}
	m, err := newMachine(c, main, worker)
	if err != nil {
		return nil, errors.New("failed to initialize Lua VM: " + err.Error())
	}
	if err := m.runInit(); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func warnCacheOff(c *stream.Config) {
	warnings := []string{slot.Main(c).cacheOff}
	for _, s := range c.Servers {
		warnings = append(warnings, slot.Of(s).cacheOff)
	}
	for _, warning := range warnings {
		if warning != "" {
			c.Log.Write(logs.Alert, 0, warning)
		}
	}
}

// runInit runs init_by_lua*; its error is logged as ngx_stream_lua_report does.
func (m *machine) runInit() error {
	s := m.main.init
	if s == nil {
		return nil
	}
	name := "init_by_lua"
	if s.file != nil {
		name = "init_by_lua_file"
	}
	chunk, err := m.chunkOf(s, nil)
	if err == nil {
		err = m.call(nil, chunk.Ref(), nil, nil)
	}
	m.vm.Collect()
	if err != nil {
		return errors.New(initError(name, err))
	}
	return nil
}

// initError is what ngx_stream_lua_report logs.
func initError(name string, err error) string {
	if err == errNoText {
		return name + " error: unknown error"
	}
	return name + " error: " + err.Error()
}

// start runs init_worker_by_lua*.
func start(w *stream.Worker, m *machine) {
	m.worker = w
	s := m.main.initWorker
	if s == nil {
		return
	}
	name := "init_worker_by_lua"
	if s.file != nil {
		name = "init_worker_by_lua_file"
	}
	r := m.newRequest()
	r.phase = inInitWorker
	chunk, err := m.chunkOf(s, nil)
	if err == nil {
		err = m.call(r, chunk.Ref(), nil, nil)
	}
	m.vm.Collect()
	if err != nil {
		r.log(logs.Error, initError(name, err))
	}
	r.free()
}

// retire runs pending timers at once, as premature ones, and closes idle connections.
func retire(_ *stream.Worker, m *machine) {
	m.retired = true
	m.abortTimers()
	m.closePools()
}

func free(_ *stream.Worker, m *machine) { m.close() }

// machineFor is the machine that runs a session's code.
func machineFor(s *stream.Session) (*machine, error) {
	shared := machines.Of(s.Worker, s.Config())
	if slot.Of(s.Server).codeCache.V {
		return shared, nil
	}
	m, err := newMachine(s.Config(), shared.main, shared.id)
	if err != nil {
		return nil, err
	}
	m.worker, m.session, m.users = s.Worker, true, 1
	m.parent = shared
	if err := m.runInit(); err != nil {
		m.logf(logs.Error, "%s", err)
	}
	return m, nil
}

// drop gives up one use of a session's machine; with the last one it is closed.
func (m *machine) drop() {
	m.users--
	if m.users == 0 {
		m.worker.Loop.Next(m.close)
	}
}

// setPaths sets package.path and cpath as lua_package_path and lua_package_cpath say: ";;" is Lua's default.
func (m *machine) setPaths() error {
	if m.main.path != "" {
		if err := m.vm.SetPath(expandPath(m.main.path, m.vm.Path(), m.main.prefix)); err != nil {
			return err
		}
	}
	if m.main.cpath != "" {
		return m.vm.SetCPath(expandPath(m.main.cpath, m.vm.CPath(), m.main.prefix))
	}
	return nil
}

// expandPath puts the default where ";;" stands and the prefix where $prefix stands (ngx_stream_lua_set_path).
func expandPath(path, original, prefix string) string {
	path = strings.ReplaceAll(path, ";;", ";\x01;")
	path = strings.ReplaceAll(path, "$prefix", prefix)
	path = strings.ReplaceAll(path, "${prefix}", prefix)
	return strings.ReplaceAll(path, "\x01", original)
}
