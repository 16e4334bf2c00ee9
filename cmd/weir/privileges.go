package main

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/stream"
)

// A server that root has started and that becomes another user (user directive) still has to open ports below 1024 when it
// is reloaded, and to change the workers' priorities, which is why nginx's master stays root, and to connect from clients'
// addresses, for which nginx's workers keep CAP_NET_RAW (ngx_worker_process_init). A capability is a thread's
// (capabilities(7)). So one thread, on which nothing else runs, keeps the first rights, and the workers' threads the last,
// where `proxy_bind … transparent` asks for it.

// privileges is the thread that keeps rights for the process; nil: every thread may do what the process may.
type privileges struct {
	jobs chan func()
	// transparent is how many workers, the first ones, can connect from foreign addresses. A thread that is started later
	// cannot.
	transparent int
}

// keepPrivileges is called before the process becomes another user; reduce afterwards.
func keepPrivileges(r *stream.Runtime, transparent bool) (*privileges, error) {
	p := &privileges{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for job := range p.jobs {
			job()
		}
	}()
	var err error
	p.run(func() { err = keepCapabilities() })
	if err == nil && transparent {
		p.transparent = len(r.Workers())
		err = onEach(r, keepCapabilities)
	}
	return p, err
}

func (p *privileges) reduce(r *stream.Runtime) error {
	var err error
	p.run(func() { err = keepOnly(unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_NICE) })
	if err == nil && p.transparent > 0 {
		err = onEach(r, func() error { return keepOnly(unix.CAP_NET_RAW) })
	}
	return err
}

// onEach runs fn on the threads of all workers. The error is one of theirs.
func onEach(r *stream.Runtime, fn func() error) (failed error) {
	var mu sync.Mutex
	r.Each(func(*stream.Worker) {
		if err := fn(); err != nil {
			mu.Lock()
			failed = err
			mu.Unlock()
		}
	})
	return failed
}

// limit is told how many workers there are now.
func (p *privileges) limit(workers int) {
	if p != nil {
		p.transparent = min(p.transparent, workers)
	}
}

// run has the thread run fn, and waits for it.
func (p *privileges) run(fn func()) {
	if p == nil {
		fn()
		return
	}
	done := make(chan struct{})
	p.jobs <- func() {
		defer close(done)
		fn()
	}
	<-done
}

// keepCapabilities has the thread keep its capabilities, out of effect, when its user changes.
func keepCapabilities() error {
	return os.NewSyscallError("prctl(PR_SET_KEEPCAPS)", unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0))
}

// keepOnly takes all other capabilities from the thread, and puts those, as far as they are there, into effect.
func keepOnly(capabilities ...uint) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return os.NewSyscallError("capget()", err)
	}
	var kept uint32
	for _, c := range capabilities {
		kept |= sets[0].Permitted & (1 << c)
	}
	sets = [2]unix.CapUserData{{Effective: kept, Permitted: kept}}
	return os.NewSyscallError("capset()", unix.Capset(&header, &sets[0]))
}
