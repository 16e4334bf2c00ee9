package netio

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrRights says that a message did not bring exactly one descriptor.
var ErrRights = errors.New("not exactly one descriptor in the message")

// rightsSize holds a control message with the most descriptors that are looked for: all but one are closed.
const rightsSize = unix.SizeofCmsghdr + 4*16

// SendRights sends p with a copy of the descriptor pass, as one message over the unix socket fd (SCM_RIGHTS). It does
// not wait: ErrAgain.
func SendRights(fd int, p []byte, pass int) error {
	var control [unix.SizeofCmsghdr + 8]byte // CMSG_SPACE(sizeof(int))
	head := (*unix.Cmsghdr)(unsafe.Pointer(&control))
	head.Level, head.Type, head.Len = unix.SOL_SOCKET, unix.SCM_RIGHTS, unix.SizeofCmsghdr+4
	*(*int32)(unsafe.Pointer(&control[unix.SizeofCmsghdr])) = int32(pass)
	vec := unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &vec, Iovlen: 1, Control: &control[0], Controllen: uint64(len(control))}
	for {
		_, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)),
			unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch {
		case errno == 0:
			return nil
		case errno == unix.EAGAIN:
			return ErrAgain
		case errno != unix.EINTR:
			return os.NewSyscallError("sendmsg", errno)
		}
	}
}

// RecvRights receives a message of at most len(p) bytes and the descriptor that comes with it, which is the caller's:
// ErrRights when there is none or more than one (they are closed), io.EOF at the end, ErrAgain when nothing is there.
func RecvRights(fd int, p []byte) (n, passed int, err error) {
	var control [rightsSize]byte
	vec := unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &vec, Iovlen: 1, Control: &control[0], Controllen: uint64(len(control))}
	for {
		got, _, errno := syscall.RawSyscall(syscall.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)),
			unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		switch {
		case errno == 0 && got == 0 && msg.Controllen == 0:
			return 0, -1, io.EOF
		case errno == 0:
			passed, err = rights(control[:msg.Controllen], msg.Flags)
			return int(got), passed, err
		case errno == unix.EAGAIN:
			return 0, -1, ErrAgain
		case errno != unix.EINTR:
			return 0, -1, os.NewSyscallError("recvmsg", errno)
		}
	}
}

// rights is the one descriptor of a control message.
func rights(control []byte, flags int32) (int, error) {
	var fds []int
	messages, err := unix.ParseSocketControlMessage(control)
	for i := range messages {
		if got, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	if err == nil && len(fds) == 1 && flags&unix.MSG_CTRUNC == 0 {
		return fds[0], nil
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	if flags&unix.MSG_CTRUNC != 0 && len(fds) == 0 {
		return -1, os.NewSyscallError("recvmsg", unix.EMFILE)
	}
	return -1, ErrRights
}

// RecvByte receives a message's first byte: io.EOF at the end, ErrAgain when nothing is there.
func RecvByte(fd int) (byte, error) {
	var buf [1]byte
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf)), 1,
			unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0 && n == 0:
			return 0, io.EOF
		case errno == 0:
			return buf[0], nil
		case errno == unix.EAGAIN:
			return 0, ErrAgain
		case errno != unix.EINTR:
			return 0, os.NewSyscallError("recv", errno)
		}
	}
}

// SendByte sends one byte: ErrAgain when there is no room.
func SendByte(fd int, b byte) error {
	for {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1,
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch {
		case errno == 0:
			return nil
		case errno == unix.EAGAIN:
			return ErrAgain
		case errno != unix.EINTR:
			return os.NewSyscallError("send", errno)
		}
	}
}
