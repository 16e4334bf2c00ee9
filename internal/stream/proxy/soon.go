package proxy

import "github.com/weirproxy/weir/internal/stream"

// The peers of sessions that begin in one round of the loop are connected to together, when all events of the round have
// been handled: who accepts them is woken once and finds the others there (as netio.Conn.WriteLate).

// connectMost is after how many the rest of the round is not awaited.
const connectMost = 32

// connects are a worker's links that are to connect.
type connects struct {
	links []pendingConnect
	run   func()
}

type pendingConnect struct {
	link    *link
	session uint64 // tells whether the link is still that session's
}

var connectSlot = stream.NewWorkerSlot[connects]()

// connectSoon has connect called when the round's events have been handled; at once for the last one.
func (l *link) connectSoon() {
	c := connectSlot.Of(l.s.Worker)
	if l.loop.LastEvent() && len(c.links) == 0 {
		l.connect()
		return
	}
	if c.run == nil {
		c.run = c.connectAll
	}
	if len(c.links) == 0 {
		l.loop.AtEnd(c.run)
	}
	c.links = append(c.links, pendingConnect{l, l.s.ID})
	if len(c.links) == connectMost {
		c.connectAll()
	}
}

func (c *connects) connectAll() {
	all := c.links
	c.links = c.links[len(c.links):]
	for i, p := range all {
		all[i].link = nil
		if p.link.s != nil && p.link.s.ID == p.session {
			p.link.connect()
		}
	}
	if len(c.links) == 0 {
		c.links = all[:0]
	}
}
