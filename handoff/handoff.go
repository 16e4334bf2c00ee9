// Package handoff passes live connections from one process to another: the socket itself, not its bytes.
//
// A program that is to take connections over listens on a unix socket. What it accepts are the clients' own
// connections, as if it had accepted them from the network:
//
//	l, err := handoff.Listen("/run/app.sock") // weir: handoff unix:/run/app.sock;
//	for {
//		conn, err := l.Accept()
//		go serve(conn) // conn.RemoteAddr() is the client
//	}
//
// Any server that takes a net.Listener can have it: http.Serve(l, handler). The concrete type is *Conn, which also has
// what the sender knows of the connection: its SNI, its protocol, and what its configuration adds.
//
// A program that has connections to give sends them:
//
//	err := handoff.Send("/run/app.sock", conn, nil)
//	if err == nil {
//		conn.Close() // this copy; the connection lives on in the receiver
//	}
//
// Whoever hands over owns the connection until the receiver has accepted it: Accept is what accepts. When Send returns an
// error, the connection is still the caller's, whole, and may go elsewhere. A receiver that dies before it has
// answered loses nothing.
//
// Bytes that the sender has read already travel in the message and are the first that Conn.Read returns.
//
// What travels is described in docs/handoff.md, well enough to write a receiver in any language. The package uses
// nothing but the standard library; it is for Linux. It does not pass datagram sockets, and it does not pass the state
// of a TLS session: a connection can be handed over before its handshake, not after.
package handoff

import "errors"

var (
	// ErrRefused says that the receiver has answered that it does not want the connection.
	ErrRefused = errors.New("refused by the receiver")
	// ErrTimeout says that the receiver has not answered in time. It will not get the connection any more.
	ErrTimeout = errors.New("receiver timed out")
	// ErrGone says that the receiver has closed its end before it answered.
	ErrGone = errors.New("receiver closed the connection before it answered")
	// ErrMessage says that a message is not one that this package could have sent.
	ErrMessage = errors.New("malformed hand-over message")
	// ErrTooLarge says that a message does not fit: see MaxConsumed and MaxHeader.
	ErrTooLarge = errors.New("hand-over message too large")
)

// The receiver's answers. Any other byte means the same as Refused.
const (
	Accepted byte = 'A'
	Refused  byte = 'R'
)
