package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// signals are nginx's (ngx_process.c), and what the log says of each. CHLD is Go's own.
var signals = map[os.Signal]string{
	syscall.SIGHUP:   "(SIGHUP) received, reconfiguring",
	syscall.SIGUSR1:  "(SIGUSR1) received, reopening logs",
	syscall.SIGQUIT:  "(SIGQUIT) received, shutting down",
	syscall.SIGTERM:  "(SIGTERM) received, exiting",
	syscall.SIGINT:   "(SIGINT) received, exiting",
	syscall.SIGWINCH: "(SIGWINCH) received, ignored",
	syscall.SIGUSR2:  "(SIGUSR2) received, ignored: the binary of a running process is not changed",
}

// ends are the signals after which the process ends.
var ends = []os.Signal{syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT}

// carryOut does what a signal asks for.
func (p *process) carryOut(s os.Signal) {
	switch s {
	case syscall.SIGHUP:
		p.reload()
	case syscall.SIGUSR1:
		p.reopen()
	case syscall.SIGQUIT:
		p.quit()
	case syscall.SIGTERM, syscall.SIGINT:
		p.runtime.Stop()
	}
}

// catchSignals begins to collect signals: one that comes while the server starts is carried out afterwards, and those
// that end the process cut short what waits meanwhile.
func (p *process) catchSignals() {
	signal.Ignore(syscall.SIGPIPE)
	caught := make(chan os.Signal, len(signals))
	for s := range signals {
		signal.Notify(caught, s)
	}
	p.signals = make(chan os.Signal)
	go fold(caught, p.signals)
	p.ending, _ = signal.NotifyContext(context.Background(), ends...)
	go p.exitAtLast()
}

// fold passes signals on in their order, each once however often it has come before it is taken: as many as may come while
// a reload takes its time, none is lost.
func fold(caught <-chan os.Signal, to chan<- os.Signal) {
	var waiting []os.Signal
	for {
		var out chan<- os.Signal
		var first os.Signal
		if len(waiting) > 0 {
			out, first = to, waiting[0]
		}
		select {
		case s := <-caught:
			if !slices.Contains(waiting, s) {
				waiting = append(waiting, s)
			}
		case out <- first:
			waiting = waiting[1:]
		}
	}
}

// endStart carries out the signal that has cut the start short, and is the exit code.
func (p *process) endStart() int {
	for s := range p.signals {
		p.tellSignal(s)
		if slices.Contains(ends, s) {
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
	go func() { // whatever holds up the others may hold up this, too
		p.files.Log().Write(logs.Alert, 0, "still not stopped, ending without waiting any longer")
		p.unlinkPid()
		p.files.Flush(flushTimeout)
		os.Exit(1)
	}()
	time.Sleep(flushTimeout)
	os.Exit(1)
}

func (p *process) tellSignal(s os.Signal) {
	p.notice(fmt.Sprintf("signal %d %s", s, signals[s]))
}

// run carries out signals until one ends the process, and is the exit code.
func (p *process) run() int {
	for ended := false; !ended; {
		select {
		case old := <-p.overdue:
			p.runtime.EndSessions(old.stream)
		case s := <-p.signals:
			p.tellSignal(s)
			p.carryOut(s)
			ended = slices.Contains(ends, s)
		}
	}
	p.removePid()
	p.notice("exit")
	return 0
}

func (p *process) reopen() {
	p.notice("reopening logs")
	p.files.Reopen() // tells its failures itself
	p.ready.redirect(p.current)
	p.log.Printf(logs.Debug, 0, "%d goroutines", runtime.NumGoroutine())
}

// quit lets the sessions finish. TERM and INT meanwhile end it at once.
func (p *process) quit() {
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
		case s := <-p.signals:
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
