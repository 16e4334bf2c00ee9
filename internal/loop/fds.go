package loop

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Events is a set of epoll's event bits.
type Events uint32

// What a descriptor is watched for, and what Ready reports.
const (
	In        Events = unix.EPOLLIN
	Out       Events = unix.EPOLLOUT
	ReadHup   Events = unix.EPOLLRDHUP // the peer has shut down its sending side
	Hup       Events = unix.EPOLLHUP
	Err       Events = unix.EPOLLERR
	Edge      Events = unix.EPOLLET
	Exclusive Events = unix.EPOLLEXCLUSIVE // one of several waiting workers is woken (listeners)
)

// Handler is told when a watched descriptor is ready.
type Handler interface {
	Ready(ev Events)
}

// slot is what a descriptor number means to the loop. gen tells a number that was closed and opened again within
// one batch of events from its successor.
type slot struct {
	handler Handler
	gen     int32
}

// Add watches fd. The descriptor stays the caller's, who calls Forget before closing it.
func (l *Loop) Add(fd int, h Handler, ev Events) error {
	for fd >= len(l.slots) {
		l.slots = append(l.slots, make([]slot, max(64, len(l.slots)))...)
	}
	s := &l.slots[fd]
	s.gen++
	s.handler = h
	event := unix.EpollEvent{Events: uint32(ev), Fd: int32(fd), Pad: s.gen}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(l.epfd), unix.EPOLL_CTL_ADD, uintptr(fd),
		uintptr(unsafe.Pointer(&event)), 0, 0)
	if errno != 0 {
		s.handler = nil
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

// Change has the loop tell of ev, and no longer of what Add was given. It cannot fail for a descriptor that is watched.
func (l *Loop) Change(fd int, ev Events) {
	event := unix.EpollEvent{Events: uint32(ev), Fd: int32(fd), Pad: l.slots[fd].gen}
	syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(l.epfd), unix.EPOLL_CTL_MOD, uintptr(fd),
		uintptr(unsafe.Pointer(&event)), 0, 0)
}

// Forget drops events for fd that are still to be dispatched. It does not tell the kernel: closing the last copy of
// a descriptor does.
func (l *Loop) Forget(fd int) {
	s := &l.slots[fd]
	s.handler = nil
	s.gen++
}

// Remove stops watching fd, which stays open (a listener that pauses, a connection that is handed over).
func (l *Loop) Remove(fd int) {
	l.Forget(fd)
	syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(l.epfd), unix.EPOLL_CTL_DEL, uintptr(fd), 0, 0, 0)
}

// handlerOf is whom the event is for; nil: its descriptor was closed meanwhile.
func (l *Loop) handlerOf(event *unix.EpollEvent) Handler {
	s := &l.slots[event.Fd]
	if s.gen != event.Pad {
		return nil
	}
	return s.handler
}

func epollWaitRaw(epfd int, events []unix.EpollEvent) int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// epollWaitBlocking waits up to timeout milliseconds, for ever when it is negative.
func epollWaitBlocking(epfd int, events []unix.EpollEvent, timeout int) int {
	n, _, errno := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(timeout), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
