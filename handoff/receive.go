package handoff

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
)

// errEnd says that the sender has finished, or that its connection is broken.
var errEnd = errors.New("the sender has finished")

// buffers are used while a message is read, not while one is waited for.
var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, MaxMessage+1), make([]byte, syscall.CmsgSpace(4*maxRights))} }}

type buffer struct{ message, control []byte }

// receive takes one connection from a sender: errEnd, or another error after which the next may come.
func receive(from *net.UnixConn) (c *Conn, err error) {
	raw, err := from.SyscallConn()
	if err != nil {
		return nil, errEnd
	}
	e := raw.Read(func(fd uintptr) bool {
		buf := buffers.Get().(*buffer)
		defer buffers.Put(buf)
		n, control, flags, _, errno := syscall.Recvmsg(int(fd), buf.message, buf.control, syscall.MSG_CMSG_CLOEXEC)
		switch {
		case errno == syscall.EAGAIN || errno == syscall.EINTR:
			return false
		case errno != nil || n == 0 && control == 0:
			err = errEnd
		default:
			c, err = unpack(buf.message[:n], buf.control[:control], flags)
		}
		return true
	})
	if e != nil {
		return nil, errEnd
	}
	return c, err
}

// awaitInput waits until there is something to receive, be it the end, or the deadline is over.
func awaitInput(from *net.UnixConn) {
	raw, err := from.SyscallConn()
	if err != nil {
		return
	}
	raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
}

// unpack makes a connection of a message.
func unpack(message, control []byte, flags int) (*Conn, error) {
	fd, err := takeRights(control, flags)
	if err != nil {
		return nil, err
	}
	var m Message
	if err := m.Parse(message); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "")
	inner, err := net.FileConn(file)
	file.Close()
	if err != nil {
		return nil, err
	}
	if _, stream := inner.(halfCloser); !stream {
		inner.Close()
		return nil, ErrMessage
	}
	c := &Conn{Conn: inner, Metadata: m.Metadata, before: slices.Clone(m.Consumed)}
	c.remote = address(m.Source, m.SourcePath, m.Destination.IsValid(), inner.RemoteAddr())
	c.local = address(m.Destination, m.DestinationPath, m.Source.IsValid(), inner.LocalAddr())
	return c, nil
}
