package handoff

import (
	"net"
	"net/netip"
	"syscall"
)

// pack makes the message for a connection.
func pack(conn syscall.Conn, m *Message) ([]byte, error) {
	var told Message
	handed, _ := conn.(*Conn)
	switch {
	case m != nil:
		told = *m
	case handed != nil:
		told.Metadata = handed.Metadata
	}
	if handed != nil {
		told.Consumed = append(told.Consumed[:len(told.Consumed):len(told.Consumed)], handed.Before()...)
	}
	if c, ok := conn.(net.Conn); ok {
		fill(&told.Source, &told.SourcePath, c.RemoteAddr())
		fill(&told.Destination, &told.DestinationPath, c.LocalAddr())
	}
	return told.Append(nil)
}

// fill sets an address of a message that has none.
func fill(ap *netip.AddrPort, path *string, addr net.Addr) {
	if ap.IsValid() || *path != "" {
		return
	}
	switch a := addr.(type) {
	case *net.TCPAddr:
		*ap = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), uint16(a.Port))
	case *net.UnixAddr:
		*path = a.Name
	}
}
