package netio

import "golang.org/x/sys/unix"

// TCP_NODELAY of a connection that was dialed is set when it first matters. Nagle's algorithm (RFC 9293, 3.7.4) holds a packet
// back only while another is not acknowledged, so a first write that fits one packet goes out without it, and a connection
// for one short request is spared the system call.

// onePacket is what fits one packet unless the peer says otherwise (the default MSS of IPv4, RFC 9293, 3.7.1), in bytes.
const onePacket = 536

// beforeSend is called before n bytes are sent, while delays is set.
func (c *Conn) beforeSend(n int) {
	if c.state&spoken == 0 && n <= onePacket {
		c.state |= spoken
		return
	}
	c.setNoDelay()
}

// setNoDelay leaves the connection as it is when the kernel refuses: then small writes may be slow.
func (c *Conn) setNoDelay() {
	c.state &^= delays
	setsockopt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}
