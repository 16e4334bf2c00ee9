package handoff

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// DefaultTimeout is how long a Sender waits for an answer when its Timeout is 0.
const DefaultTimeout = 2 * time.Second

// Send hands conn over to the receiver that listens at path: a *net.TCPConn, *net.UnixConn or *Conn. When it returns
// nil the connection is the receiver's, and the caller closes its own copy; otherwise it is the caller's as before.
//
// m says what to tell the receiver; nil: the addresses, and of a *Conn all that it came with. Addresses that m does not
// have are conn's.
//
// The caller must not read from conn meanwhile. Besides ErrRefused, ErrTimeout, ErrGone and ErrTooLarge there are the
// errors of connecting and sending.
func Send(path string, conn syscall.Conn, m *Message) error {
	s := Sender{Path: path}
	defer s.Close()
	return s.Send(conn, m)
}

// Sender hands connections over to one receiver. It keeps its connections to the receiver open and uses them again;
// when the receiver has been restarted it connects anew. It may be used by several goroutines at a time.
type Sender struct {
	Path    string        // where the receiver listens
	Timeout time.Duration // for one hand-over; 0: DefaultTimeout

	mu   sync.Mutex
	idle []*net.UnixConn
}

// Send is the function Send on a connection that is kept.
func (s *Sender) Send(conn syscall.Conn, m *Message) error {
	message, err := pack(conn, m)
	if err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	until := time.Now().Add(timeout)
	to, used, err := s.take(until)
	if err != nil {
		return err
	}
	err = handOver(to, raw, message, until)
	if used && errors.Is(err, ErrGone) { // the receiver was restarted, or closes what is idle
		to.Close()
		if to, err = s.dial(until); err != nil {
			return err
		}
		err = handOver(to, raw, message, until)
	}
	if err == nil || err == ErrRefused {
		s.keep(to)
	} else {
		to.Close()
	}
	return err
}

// Close closes the connections to the receiver. The Sender may be used again.
func (s *Sender) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		c.Close()
	}
	s.idle = nil
	return nil
}

// take is a connection that nobody uses. used tells that it has served before.
func (s *Sender) take(until time.Time) (c *net.UnixConn, used bool, err error) {
	s.mu.Lock()
	if last := len(s.idle) - 1; last >= 0 {
		c, s.idle = s.idle[last], s.idle[:last]
		s.mu.Unlock()
		return c, true, nil
	}
	s.mu.Unlock()
	c, err = s.dial(until)
	return c, false, err
}

func (s *Sender) keep(c *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, c)
}

func (s *Sender) dial(until time.Time) (*net.UnixConn, error) {
	d := net.Dialer{Deadline: until}
	c, err := d.Dial("unixpacket", s.Path)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// handOver sends one message with a descriptor and waits for the answer.
func handOver(to *net.UnixConn, conn syscall.RawConn, message []byte, until time.Time) error {
	to.SetDeadline(until)
	var sent error
	err := conn.Control(func(fd uintptr) {
		_, _, sent = to.WriteMsgUnix(message, syscall.UnixRights(int(fd)), nil)
	})
	switch {
	case err != nil:
		return err
	case errors.Is(sent, syscall.EPIPE), errors.Is(sent, syscall.ECONNRESET):
		return ErrGone
	case errors.Is(sent, os.ErrDeadlineExceeded):
		return ErrTimeout
	case sent != nil:
		return fmt.Errorf("send a descriptor: %w", sent)
	}
	return await(to)
}

// await reads the answer. After the deadline the receiver cannot answer any more: either its answer is there by then, or
// its sending fails and it knows that the connection is not its own.
func await(to *net.UnixConn) error {
	var answer [1]byte
	n, err := to.Read(answer[:])
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if late {
		to.CloseRead()
		to.SetDeadline(time.Time{})
		n, err = to.Read(answer[:])
	}
	switch {
	case n == 1 && answer[0] == Accepted:
		return nil
	case n == 1:
		return ErrRefused
	case late:
		return ErrTimeout
	case err == nil || err == io.EOF || errors.Is(err, syscall.ECONNRESET):
		return ErrGone
	}
	return fmt.Errorf("wait for the receiver's answer: %w", err)
}
