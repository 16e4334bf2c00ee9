package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// action is what a signal does, and how the log says so.
type action struct {
	name string
	told string
	do   func(p *process) (ended bool)
}

// actions are nginx's signals (ngx_process.c). CHLD is Go's own.
var actions = map[os.Signal]action{
	syscall.SIGHUP:   {"SIGHUP", ", reconfiguring", func(p *process) bool { p.reload(); return false }},
	syscall.SIGUSR1:  {"SIGUSR1", ", reopening logs", func(p *process) bool { p.reopen(); return false }},
	syscall.SIGQUIT:  {"SIGQUIT", ", shutting down", nil},
	syscall.SIGTERM:  {"SIGTERM", ", exiting", func(p *process) bool { p.stop(); return true }},
	syscall.SIGINT:   {"SIGINT", ", exiting", func(p *process) bool { p.stop(); return true }},
	syscall.SIGWINCH: {"SIGWINCH", ", ignored", nil},
	syscall.SIGUSR2:  {"SIGUSR2", ", ignored: the binary of a running process is not changed", nil},
}

// catchSignals begins to collect signals: one that comes while the server starts is carried out afterwards, and those
// that end the process cut short what waits meanwhile.
func (p *process) catchSignals() <-chan os.Signal {
	signal.Ignore(syscall.SIGPIPE)
	caught := make(chan os.Signal, 16)
	for s := range actions {
		signal.Notify(caught, s)
	}
	p.ending, _ = signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	go p.exitAtLast()
	return caught
}

// endStart carries out the signal that has cut the start short, and is the exit code.
func (p *process) endStart(caught <-chan os.Signal) int {
	for s := range caught {
		p.tellSignal(s)
		if s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGQUIT {
			break
		}
	}
	p.notice("exit")
	return 0
}

// stopTimeout is how long a worker may take to stop. Lua code that does not end can not be interrupted.
const stopTimeout = 5 * time.Second

// exitAtLast ends the process when TERM or INT have not done so in time, whatever the workers are doing.
func (p *process) exitAtLast() {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT)
	<-caught
	time.Sleep(stopTimeout)
	complain("[alert] a worker does not stop, weir ends without it")
	p.removePid() // whoever else would do it waits for that worker
	os.Exit(1)
}

func (p *process) tellSignal(s os.Signal) {
	p.notice(fmt.Sprintf("signal %d (%s) received%s", s.(syscall.Signal), actions[s].name, actions[s].told))
}

// run carries out signals until one ends the process, and is the exit code.
func (p *process) run(caught <-chan os.Signal) int {
	for ended := false; !ended; {
		select {
		case old := <-p.overdue:
			p.runtime.EndSessions(old.stream)
		case s := <-caught:
			p.tellSignal(s)
			if s == syscall.SIGQUIT {
				p.quit(caught)
				ended = true
			} else if do := actions[s].do; do != nil {
				ended = do(p)
			}
		}
	}
	p.removePid()
	p.notice("exit")
	return 0
}

func (p *process) stop() { p.runtime.Stop() }

func (p *process) reopen() {
	p.notice("reopening logs")
	p.files.Reopen() // tells its failures itself
	p.ready.redirect(p.current)
	p.log.Printf(logs.Debug, 0, "%d goroutines", runtime.NumGoroutine())
}

// quit lets the sessions finish. TERM and INT meanwhile end it at once.
func (p *process) quit(caught <-chan os.Signal) {
	p.notice("gracefully shutting down")
	expedite := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.runtime.Quit(p.current.settings.shutdown(), expedite)
	}()
	hurried := false
	for {
		select {
		case <-done:
			return
		case <-p.overdue: // the timeout of the shutdown holds for all
		case s := <-caught:
			p.tellSignal(s)
			switch s {
			case syscall.SIGUSR1:
				p.reopen()
			case syscall.SIGTERM, syscall.SIGINT:
				if !hurried {
					hurried = true
					close(expedite)
				}
			}
		}
	}
}
