package main

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// loop is the epoll loop that carries clients and backend alike, on one thread.
type loop struct {
	epoll    int
	handlers []handler // by descriptor
	events   [512]unix.EpollEvent
	buf      [256 << 10]byte // scratch for whoever reads
	err      error           // the first failure; ends run
}

// handler reacts to readiness of one descriptor. Descriptors are reused within
// a batch of events, so a handler must bear a call with nothing to do.
type handler interface {
	ready(events uint32)
}

func newLoop() (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &loop{epoll: ep}, nil
}

const bothEdges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// add registers fd, which the loop now owns, for both directions, edge-triggered.
func (l *loop) add(fd int, h handler) { l.register(fd, h, bothEdges) }

// register is add for the events that the caller names.
func (l *loop) register(fd int, h handler, events uint32) {
	for fd >= len(l.handlers) {
		l.handlers = append(l.handlers, make([]handler, 1024)...)
	}
	l.handlers[fd] = h
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		l.fail(err)
	}
}

// remove closes fd.
func (l *loop) remove(fd int) {
	l.handlers[fd] = nil
	unix.Close(fd)
}

// fail ends the run with err; the first failure counts.
func (l *loop) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// run serves events for d, or until done says so; done may be nil.
func (l *loop) run(d time.Duration, done func() bool) error {
	end := time.Now().Add(d)
	for l.err == nil && time.Now().Before(end) {
		if done != nil && done() {
			return nil
		}
		l.turn(min(time.Until(end), 50*time.Millisecond))
	}
	if l.err == nil && done != nil && !done() {
		return errTimeout
	}
	return l.err
}

var errTimeout = errors.New("the server does not answer any more")

// turn waits for events once and serves them.
func (l *loop) turn(wait time.Duration) {
	n, err := epollWait(l.epoll, l.events[:], int(wait.Milliseconds()))
	if err != nil && err != unix.EINTR {
		l.fail(err)
	}
	for _, ev := range l.events[:max(n, 0)] {
		if h := l.handlers[ev.Fd]; h != nil {
			h.ready(ev.Events)
		}
	}
}

// close closes the loop and every descriptor in it.
func (l *loop) close() {
	for fd, h := range l.handlers {
		if h != nil {
			unix.Close(fd)
		}
	}
	unix.Close(l.epoll)
}
