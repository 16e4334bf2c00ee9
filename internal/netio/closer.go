package netio

import (
	"slices"

	"github.com/weirproxy/weir/internal/loop"
)

// A closer has the descriptor of a Conn that was closed while something was unsent, until it is sent, at most
// for closeWithin. It does not outlive the loop.
type closer struct {
	Conn
	timer loop.Timer
}

// closeWithin is in milliseconds; lua_socket_send_timeout is as long.
const closeWithin = 60_000

func (c *Conn) closeBehind() {
	k := &closer{Conn: Conn{loop: c.loop, fd: c.fd, state: open | writable | unwatched | c.state&shared, unsent: c.unsent}}
	k.owner = k
	k.unsent.fin = false
	k.timer.Handler = k
	c.loop.Remove(int(c.fd))
	d := deskOf(k.loop)
	if d.dropped || k.Watch() != nil {
		k.unsent = nil
		k.Close()
		return
	}
	k.loop.Arm(&k.timer, closeWithin)
	d.closers = append(d.closers, k)
}

// ConnReady implements Owner.
func (k *closer) ConnReady(*Conn) {
	if k.unsent == nil || k.unsent.err != nil {
		k.Expired()
	}
}

// Expired implements loop.Expirer.
func (k *closer) Expired() {
	k.loop.Disarm(&k.timer)
	k.unsent = nil
	k.Close()
	d := deskOf(k.loop)
	d.closers = slices.DeleteFunc(d.closers, func(other *closer) bool { return other == k })
	if fn := d.onSent; fn != nil && len(d.closers) == 0 {
		d.onSent = nil
		fn()
	}
}

// WhenSent has fn called once there is no connection of the loop that was closed before the kernel had taken what was
// written late. When there is none now, it answers false and fn is not called. The last fn counts.
func WhenSent(l *loop.Loop, fn func()) (wait bool) {
	d := deskOf(l)
	if len(d.closers) == 0 {
		return false
	}
	d.onSent = fn
	return true
}

// DropUnsent closes all such connections at once, and so every one that is closed from now on.
func DropUnsent(l *loop.Loop) {
	d := deskOf(l)
	d.dropped = true
	for _, k := range slices.Clone(d.closers) {
		k.Expired()
	}
}
