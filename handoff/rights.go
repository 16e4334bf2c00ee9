package handoff

import (
	"fmt"
	"os"
	"syscall"
)

// maxRights is how many descriptors are looked for in a message, which should have one: the others must be closed.
const maxRights = 16

// takeRights is the one descriptor of a control message. When there is not exactly one, those that are there are closed.
func takeRights(control []byte, flags int) (fd int, err error) {
	var fds []int
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return -1, ErrMessage
	}
	for i := range messages {
		if got, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	if len(fds) == 1 && flags&syscall.MSG_CTRUNC == 0 {
		return fds[0], nil
	}
	for _, fd := range fds {
		syscall.Close(fd)
	}
	if flags&syscall.MSG_CTRUNC != 0 {
		return -1, fmt.Errorf("receive a descriptor: %w", os.NewSyscallError("recvmsg", syscall.EMFILE))
	}
	return -1, fmt.Errorf("%w: %d descriptors", ErrMessage, len(fds))
}
