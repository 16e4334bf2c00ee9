package handover

import (
	"errors"

	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// rawPayload is what comes with the descriptor: a message cannot be empty.
var rawPayload = []byte{0}

// sendRaw sends a session to a receiver that does not answer. Such receivers take one descriptor per connection, so
// each session has its own: on one that is kept, a descriptor could be lost between the receiver's last look and its
// closing.
func (r *receiver) sendRaw(t *transfer) {
	fd, err := r.connectRaw()
	if err == nil {
		err = netio.SendRights(fd, rawPayload, t.s.Client.Fd())
		unix.Close(fd)
	}
	switch {
	case err == nil:
		t.accepted()
	case err == netio.ErrAgain, errors.Is(err, unix.ETOOMANYREFS):
		r.enqueue(t)
	default:
		t.failed("failed", err)
	}
}

// kinds are those of sockets that raw receivers have, the most frequent first.
var kinds = [...]int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET}

// connectRaw connects to a receiver with a socket of its own kind, which is found out once.
func (r *receiver) connectRaw() (fd int, err error) {
	if r.kind != 0 {
		fd, err = netio.ConnectUnix(r.path, r.kind)
		if !errors.Is(err, unix.EPROTOTYPE) {
			return fd, err
		}
	}
	for _, kind := range kinds {
		fd, err = netio.ConnectUnix(r.path, kind)
		if !errors.Is(err, unix.EPROTOTYPE) {
			r.kind = kind
			return fd, err
		}
	}
	return fd, err
}
