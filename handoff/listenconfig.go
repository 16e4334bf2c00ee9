package handoff

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
)

// ListenConfig says who may hand connections to a listener. The zero value is what Listen uses.
type ListenConfig struct {
	// Mode is the permissions of the socket file; whoever may write to it may connect. 0: 0600.
	Mode os.FileMode
	// UIDs and GIDs are whose processes may hand over, as the kernel tells (SO_PEERCRED): those of any of these users
	// or, with their primary group, groups. Both empty: root and this process's own user.
	UIDs, GIDs []int
}

// Listen listens on a unix socket. A socket file that a process has left behind is replaced; one that another process
// still listens on is an error.
func (lc *ListenConfig) Listen(path string) (*Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	mode := lc.Mode.Perm()
	if mode == 0 {
		mode = 0o600
	}
	// bind makes the file with the socket's own mode: it is never more open than it shall be.
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), uint32(mode)) }); e != nil {
			return e
		}
		return err
	}}
	listener, err := config.Listen(context.Background(), "unixpacket", path)
	if err != nil {
		return nil, err
	}
	if path[0] != '@' {
		if err := os.Chmod(path, mode); err != nil { // what the umask has taken away
			listener.Close()
			return nil, err
		}
	}
	l := &Listener{unix: listener.(*net.UnixListener), allowed: lc.allows, arrived: make(chan *arrival),
		closed: make(chan struct{}), senders: map[*net.UnixConn]struct{}{}}
	go l.serve()
	return l, nil
}

// removeStale removes the file of a socket that nobody listens on.
func removeStale(path string) error {
	if path == "" {
		return errors.New("handoff: no path to listen on")
	}
	if stat, err := os.Lstat(path); path[0] == '@' || err != nil || stat.Mode()&os.ModeSocket == 0 {
		return nil
	}
	c, err := net.Dial("unixpacket", path)
	if err == nil {
		c.Close()
		return nil
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return os.Remove(path)
	}
	return nil
}

// peer is who is at the other end of a unix socket.
type peer struct{ uid, gid int }

func peerOf(c *net.UnixConn) (p peer, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	e := raw.Control(func(fd uintptr) {
		var cred *syscall.Ucred
		if cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			p = peer{int(cred.Uid), int(cred.Gid)}
		}
	})
	if err = errors.Join(e, err); err != nil {
		return p, fmt.Errorf("ask who is connected: %w", err)
	}
	return p, nil
}

func (lc *ListenConfig) allows(p peer) bool {
	if len(lc.UIDs) == 0 && len(lc.GIDs) == 0 {
		return p.uid == 0 || p.uid == os.Geteuid()
	}
	return slices.Contains(lc.UIDs, p.uid) || slices.Contains(lc.GIDs, p.gid)
}
