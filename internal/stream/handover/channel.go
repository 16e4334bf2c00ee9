package handover

import (
	"slices"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// channel is a connection to a receiver. One session at a time is on it: an answer can be nobody else's.
type channel struct {
	to     *receiver
	fd     int
	t      *transfer // that waits for its answer; nil: idle
	unsent bool      // there was no room: t has not been sent yet
	used   bool      // an answer has come on it
}

func (r *receiver) connect() (*channel, error) {
	fd, err := netio.ConnectUnix(r.path, unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	c := &channel{to: r, fd: fd}
	if err := r.loop.Add(fd, c, loop.In); err != nil {
		unix.Close(fd)
		return nil, err
	}
	r.open++
	return c, nil
}

// send sends a session. After an error it is not on the channel.
func (c *channel) send(t *transfer) error {
	buf, err := t.message(t.s.Worker.LendText())
	if err == nil {
		err = netio.SendRights(c.fd, buf, t.s.Client.Fd())
	}
	t.s.Worker.KeepText(buf)
	if err != nil && err != netio.ErrAgain {
		return err
	}
	t.s.Client.Share()
	c.t, t.on = t, c
	if c.unsent != (err == netio.ErrAgain) {
		c.unsent = !c.unsent
		c.watch()
	}
	return nil
}

// watch has the loop tell of room as long as there is something unsent.
func (c *channel) watch() {
	events := loop.In
	if c.unsent {
		events |= loop.Out
	}
	c.to.loop.Change(c.fd, events)
}

// Ready implements loop.Handler. The descriptor is watched level-triggered.
func (c *channel) Ready(loop.Events) {
	answer, err := c.receive()
	switch {
	case err == netio.ErrAgain && c.unsent:
		t := c.t
		if err := c.send(t); err != nil {
			c.lost()
		}
	case err == netio.ErrAgain:
	case err != nil || c.t == nil || c.unsent: // nobody has asked
		c.lost()
	default:
		t := c.t
		c.used = true
		if _, err := c.receive(); err == netio.ErrAgain {
			c.release()
		} else {
			c.close() // what else it says could be taken for the next session's answer
		}
		t.on = nil
		t.answered(answer)
	}
}

// receive reads an answer: netio.ErrAgain when there is none, handoff.ErrGone at the end.
func (c *channel) receive() (answer byte, err error) {
	answer, err = netio.RecvByte(c.fd)
	if err != nil && err != netio.ErrAgain {
		err = handoff.ErrGone
	}
	return answer, err
}

// lost closes the channel. The session on it is weir's; when the channel has served before, the receiver may only have
// been restarted, and is asked once more.
func (c *channel) lost() {
	t, used := c.t, c.used
	c.close()
	switch {
	case t == nil:
	case used && !t.again:
		t.again, t.on = true, nil
		t.to.send(t)
	default:
		t.failed("gone", handoff.ErrGone)
	}
}

// abort takes the session back. After it the receiver cannot answer any more: either its answer is there by now, which
// is true for accepted, or its sending fails and it knows that the connection is not its own.
func (c *channel) abort() (accepted bool) {
	unix.Shutdown(c.fd, unix.SHUT_RD)
	answer, err := c.receive()
	accepted = err == nil && answer == handoff.Accepted && !c.unsent
	c.close()
	return accepted
}

// park makes the channel free for another session.
func (c *channel) park() {
	c.t = nil
	c.to.idle = append(c.to.idle, c)
}

// release parks the channel, and has a session that waits for one go on.
func (c *channel) release() {
	c.park()
	if len(c.to.queue) > 0 {
		c.to.serveQueue(1)
	}
}

// close closes the channel, whatever is on it.
func (c *channel) close() {
	r := c.to
	if i := slices.Index(r.idle, c); i >= 0 {
		r.idle = slices.Delete(r.idle, i, i+1)
	}
	r.open--
	r.loop.Forget(c.fd)
	unix.Close(c.fd)
	c.t = nil
	if len(r.queue) > 0 && !r.retry.Armed() {
		r.loop.Arm(&r.retry, 0)
	}
}
