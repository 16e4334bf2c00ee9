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
	_, err := retry("sendmsg", syscall.SYS_SENDMSG, fd, unsafe.Pointer(&msg), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0)
	return err
}

// RecvRights receives a message of at most len(p) bytes and the descriptor that comes with it, which is the caller's:
// ErrRights when there is none or more than one (they are closed), io.EOF at the end, ErrAgain when nothing is there.
func RecvRights(fd int, p []byte) (n, passed int, err error) {
	var control [rightsSize]byte
	vec := unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &vec, Iovlen: 1, Control: &control[0], Controllen: uint64(len(control))}
	n, err = retry("recvmsg", syscall.SYS_RECVMSG, fd, unsafe.Pointer(&msg), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC, 0)
	switch {
	case err != nil:
		return 0, -1, err
	case n == 0 && msg.Controllen == 0:
		return 0, -1, io.EOF
	}
	passed, err = rights(control[:msg.Controllen], msg.Flags)
	return n, passed, err
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
		closeFd(fd)
	}
	if flags&unix.MSG_CTRUNC != 0 && len(fds) == 0 {
		return -1, os.NewSyscallError("recvmsg", unix.EMFILE)
	}
	return -1, ErrRights
}

// RecvByte receives a message's first byte: io.EOF at the end, ErrAgain when nothing is there.
func RecvByte(fd int) (byte, error) {
	var b byte
	n, err := retry("recv", syscall.SYS_RECVFROM, fd, unsafe.Pointer(&b), 1, unix.MSG_DONTWAIT)
	if err == nil && n == 0 {
		err = io.EOF
	}
	return b, err
}

// SendByte sends one byte: ErrAgain when there is no room.
func SendByte(fd int, b byte) error {
	_, err := retry("send", syscall.SYS_SENDTO, fd, unsafe.Pointer(&b), 1, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return err
}

// retry makes a call that does not wait, again while a signal interrupts it: ErrAgain when it would have to wait. Its
// arguments are fd, p, a, b and zeros. A Conn has loops of its own, as it takes note of what the kernel says.
func retry(name string, call uintptr, fd int, p unsafe.Pointer, a, b uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(p), a, b, 0, 0)
		switch {
		case errno == 0:
			return int(n), nil
		case errno == unix.EAGAIN:
			return 0, ErrAgain
		case errno != unix.EINTR:
			return 0, os.NewSyscallError(name, errno)
		}
	}
}
