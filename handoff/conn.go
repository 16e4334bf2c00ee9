package handoff

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Conn is a client's connection that was handed over. It is a net.Conn like the one that the sender had accepted:
// addresses are the client's, deadlines work, and closing it ends the client's connection.
type Conn struct {
	net.Conn // the client's socket; reading from it directly misses what Before returns
	// Metadata is what the sender knows of the connection.
	Metadata

	remote, local net.Addr

	mu     sync.Mutex
	before []byte // to be read before the socket
}

// halfCloser is a stream socket.
type halfCloser interface {
	CloseRead() error
	CloseWrite() error
}

// RemoteAddr is the client's address, as the sender knows it: behind another proxy it need not be the socket's.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// Before is what the sender has read of the client's stream and Read has not returned yet; the caller must not change
// it.
func (c *Conn) Before() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.before
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if len(c.before) > 0 {
		defer c.mu.Unlock()
		n := copy(p, c.before)
		if c.before = c.before[n:]; len(c.before) == 0 {
			c.before = nil
		}
		return n, nil
	}
	c.mu.Unlock()
	return c.Conn.Read(p)
}

// WriteTo lets io.Copy move the rest within the kernel once Before is written.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	c.mu.Lock()
	before := c.before
	c.before = nil
	c.mu.Unlock()
	if len(before) > 0 {
		if n, err := w.Write(before); err != nil {
			return int64(n), err
		}
	}
	n, err := io.Copy(w, c.Conn)
	return int64(len(before)) + n, err
}

// ReadFrom lets io.Copy move bytes to the client within the kernel.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite tells the client that nothing more will be sent; reading goes on.
func (c *Conn) CloseWrite() error { return c.Conn.(halfCloser).CloseWrite() }

// CloseRead stops reading.
func (c *Conn) CloseRead() error { return c.Conn.(halfCloser).CloseRead() }

// SyscallConn is the socket's: see syscall.Conn.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.Conn.(syscall.Conn).SyscallConn() }

// address is an address of a message; otherwise is the socket's own, for when the message tells nothing.
func address(ap netip.AddrPort, path string, other bool, otherwise net.Addr) net.Addr {
	switch {
	case ap.IsValid():
		return net.TCPAddrFromAddrPort(ap)
	case path != "" || other:
		return &net.UnixAddr{Name: path, Net: "unix"}
	}
	return otherwise
}
