package netio

import "slices"

// Unread puts bytes before what the kernel holds: Read and Peek return them first. They are copied. That is for bytes
// that were read of this stream before the Conn had it, such as those that come with a connection handed over.
func (c *Conn) Unread(p []byte) {
	if len(p) == 0 {
		return
	}
	before := slices.Clone(p)
	if c.before != nil {
		before = append(before, *c.before...)
	}
	c.before = &before
	c.state |= readable
}

// Before is what Unread has put there and nobody has read yet. It is valid until the next Read.
func (c *Conn) Before() []byte {
	if c.before == nil {
		return nil
	}
	return *c.before
}

// readBefore is Read while there are bytes before the kernel's. What fits is filled up from the kernel, so that a short
// read means the same as ever: drained.
func (c *Conn) readBefore(p []byte) (int, error) {
	n := copy(p, *c.before)
	if n < len(*c.before) {
		*c.before = (*c.before)[n:]
		return n, nil
	}
	c.before = nil
	if n == len(p) || !c.Readable() {
		return n, nil
	}
	m, _ := c.Read(p[n:]) // the next Read tells of an error again
	return n + m, nil
}

// peekBefore is Peek while there are such bytes.
func (c *Conn) peekBefore(p []byte) (int, error) {
	n := copy(p, *c.before)
	if n == len(p) {
		return n, nil
	}
	m, err := c.recv(p[n:], peek)
	if err == ErrAgain {
		c.state |= readable
	}
	return n + m, nil
}
