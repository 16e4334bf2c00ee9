package netio

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ConnectUnix connects to a unix socket of a kind: unix.SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM. It does not wait:
// ErrAgain when the other side's queue is full. The descriptor, non-blocking, is the caller's.
func ConnectUnix(path string, kind int) (int, error) {
	fd, err := socket(unix.AF_UNIX, kind)
	if err != nil {
		return -1, err
	}
	var sa unix.RawSockaddrAny
	size := rawUnix(&sa, path)
	_, _, errno := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	if errno == 0 {
		return fd, nil
	}
	closeFd(fd)
	if errno == unix.EAGAIN {
		return -1, ErrAgain
	}
	return -1, os.NewSyscallError("connect", errno)
}
