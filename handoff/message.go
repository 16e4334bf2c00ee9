package handoff

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Sizes of a message's parts in bytes. A buffer of MaxMessage takes any message.
const (
	// MaxHeader is the most that addresses and metadata may take: a PROXY protocol header counts its length in 16 bits.
	MaxHeader = fixedSize + 1<<16 - 1
	// MaxConsumed is the most bytes that may travel with a connection.
	MaxConsumed = 64 << 10
	MaxMessage  = MaxHeader + MaxConsumed
)

// Message is what is told of a connection that is handed over.
type Message struct {
	// Source and Destination are the client's address and the one that it connected to. They are not valid when they
	// are unix sockets, or unknown.
	Source, Destination netip.AddrPort
	// SourcePath and DestinationPath are unix sockets' paths, "@name" for abstract ones; mostly a client has none.
	SourcePath, DestinationPath string
	Metadata
	// Consumed is what the sender has read of the client's stream: at most MaxConsumed bytes.
	Consumed []byte
}

// Metadata is what the sender has found out about a connection; each part may be empty.
type Metadata struct {
	SNI      string // the server name that a TLS client asks for
	ALPN     string // the protocols that it offers, in order, with commas
	Protocol string // what the first bytes look like: tls, ssh, http, … (weir: preread_protocol)
	UniqueID string // names the connection in the sender's log; at most 128 bytes
	// Meta is what the sender's user adds (weir: handoff_meta). Names are not empty and have no "=".
	Meta map[string]string
}

// signature begins a PROXY protocol version 2 header (proxy-protocol.txt §2.2).
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// fixedSize is the header without addresses and TLVs.
const fixedSize = len(signature) + 4

// versions and commands, address families and transports
const (
	localCommand = 0x20
	proxyCommand = 0x21

	unspecified = 0x00
	tcp4        = 0x11
	tcp6        = 0x21
	unixStream  = 0x31
)

// pathSize is the size of a unix socket's path in a header.
const pathSize = 108

// Append appends the message as it travels. ErrTooLarge: then nothing was appended.
func (m *Message) Append(dst []byte) ([]byte, error) {
	begin := len(dst)
	dst = append(dst, signature...)
	dst = append(dst, proxyCommand, 0, 0, 0)
	dst = m.appendAddrs(dst, begin+len(signature)+1)
	dst, err := m.Metadata.append(dst)
	size := len(dst) - begin
	if err != nil || size > MaxHeader || len(m.Consumed) > MaxConsumed {
		return dst[:begin], ErrTooLarge
	}
	binary.BigEndian.PutUint16(dst[begin+fixedSize-2:], uint16(size-fixedSize))
	return append(dst, m.Consumed...), nil
}

// appendAddrs appends the addresses and puts their family at dst[family].
func (m *Message) appendAddrs(dst []byte, family int) []byte {
	from, to := m.Source, m.Destination
	switch {
	case !from.IsValid() && !to.IsValid() && m.SourcePath == "" && m.DestinationPath == "":
		return dst
	case !from.IsValid() || !to.IsValid():
		dst[family] = unixStream
		return appendPath(appendPath(dst, m.SourcePath), m.DestinationPath)
	case from.Addr().Is4() && to.Addr().Is4():
		dst[family] = tcp4
		a, b := from.Addr().As4(), to.Addr().As4()
		dst = append(append(dst, a[:]...), b[:]...)
	default:
		dst[family] = tcp6
		a, b := from.Addr().As16(), to.Addr().As16()
		dst = append(append(dst, a[:]...), b[:]...)
	}
	dst = binary.BigEndian.AppendUint16(dst, from.Port())
	return binary.BigEndian.AppendUint16(dst, to.Port())
}

// appendPath appends a unix socket's path as sockaddr_un has it.
func appendPath(dst []byte, path string) []byte {
	var field [pathSize]byte
	copy(field[:pathSize-1], path)
	if path != "" && path[0] == '@' {
		field[0] = 0
	}
	return append(dst, field[:]...)
}

// Parse reads a message. m.Consumed refers to data; all else is copied. Errors are ErrMessage, also for an address
// family that Append does not write. Addresses of a header that stands for the sender itself (LOCAL) are left out.
func (m *Message) Parse(data []byte) error {
	*m = Message{}
	if len(data) < fixedSize || string(data[:len(signature)]) != signature {
		return ErrMessage
	}
	command, family := data[len(signature)], data[len(signature)+1]
	size := fixedSize + int(binary.BigEndian.Uint16(data[fixedSize-2:]))
	if command != proxyCommand && command != localCommand || size > len(data) || len(data)-size > MaxConsumed {
		return ErrMessage
	}
	addrs, ok := m.parseAddrs(family, data[fixedSize:size])
	if !ok {
		return ErrMessage
	}
	if command == localCommand {
		*m = Message{}
	}
	if !m.Metadata.parse(data[fixedSize+addrs : size]) {
		return ErrMessage
	}
	m.Consumed = data[size:]
	return nil
}

// parseAddrs reads the addresses and tells how many bytes they take.
func (m *Message) parseAddrs(family byte, data []byte) (size int, ok bool) {
	switch family {
	case unspecified:
		return 0, true
	case tcp4, tcp6:
		ip := 4
		if family == tcp6 {
			ip = 16
		}
		if size = 2*ip + 4; len(data) < size {
			return 0, false
		}
		m.Source, m.Destination = addrPort(data, 0, 2*ip, ip), addrPort(data, ip, 2*ip+2, ip)
		m.unmap()
		return size, true
	case unixStream:
		if size = 2 * pathSize; len(data) < size {
			return 0, false
		}
		m.SourcePath, m.DestinationPath = parsePath(data[:pathSize]), parsePath(data[pathSize:size])
		return size, true
	}
	return 0, false
}

// unmap undoes what appendAddrs does to an IPv4 address beside an IPv6 one. Two mapped addresses are a real connection's.
func (m *Message) unmap() {
	if m.Source.Addr().Is4In6() != m.Destination.Addr().Is4In6() {
		m.Source = netip.AddrPortFrom(m.Source.Addr().Unmap(), m.Source.Port())
		m.Destination = netip.AddrPortFrom(m.Destination.Addr().Unmap(), m.Destination.Port())
	}
}

func addrPort(data []byte, ip, port, size int) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(data[ip : ip+size])
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(data[port:]))
}

func parsePath(field []byte) string {
	abstract := field[0] == 0
	if abstract {
		field = field[1:]
	}
	if end := bytes.IndexByte(field, 0); end >= 0 {
		field = field[:end]
	}
	if abstract && len(field) > 0 {
		return "@" + string(field)
	}
	return string(field)
}
