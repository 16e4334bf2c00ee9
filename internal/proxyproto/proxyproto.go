// Package proxyproto reads and writes the PROXY protocol, versions 1 and 2: the header by which a proxy tells whose
// connection it passes on (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt).
//
// Reading is for bytes that were peeked at, as they come in:
//
//	var h proxyproto.Header
//	n, err := proxyproto.Parse(peeked, &h)
//	switch {
//	case err == proxyproto.ErrMore: // look again when there are more bytes
//	case err != nil: // no header, and never will be
//	default: // n bytes are the header
//	}
//
// It is our own and not one of the libraries because those read from a connection: they block, consume what they do
// not need, and allocate; this is a function of bytes that allocates nothing.
//
// What it does not do: check CRC32C (neither does nginx), or tell addresses of unix sockets and datagrams.
package proxyproto

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
)

// MaxSize is the size in bytes of the longest header that Parse takes, as in nginx (NGX_PROXY_PROTOCOL_MAX_HEADER).
const MaxSize = 4096

// ErrMore says that the bytes are the beginning of a header.
var ErrMore = errors.New("incomplete PROXY protocol header")

// ErrTooLarge says that a header is larger than MaxSize, or than the protocol allows.
var ErrTooLarge = errors.New("header is too large")

// Header is what a header says.
type Header struct {
	// Source and Destination are the client's address and the one that it connected to. They are not valid when the
	// header tells none: UNKNOWN in version 1, in version 2 LOCAL, or addresses that are not those of TCP.
	Source, Destination netip.AddrPort
	// TLVs are the additions of version 2 as they came, for Lookup. They alias the bytes that were parsed.
	TLVs []byte
	// Version is 1 or 2.
	Version int
}

// Parse reads the header that data begins with and returns its size in bytes. The error is ErrMore as long as data
// may become a header; any other is final and worded for the log.
func Parse(data []byte, h *Header) (size int, err error) {
	*h = Header{}
	switch {
	case begins(data, signature):
		return h.parseV2(data)
	case begins(data, "PROXY "):
		return h.parseV1(data)
	}
	return 0, Broken(data)
}

// begins tells whether data begins with prefix, or prefix with data.
func begins(data []byte, prefix string) bool {
	n := min(len(data), len(prefix))
	return string(data[:n]) == prefix[:n]
}

// Broken is the error for data that is no header, or the beginning of one that has ended there. It quotes the first line, as
// nginx does.
func Broken(data []byte) error {
	if end := bytes.IndexAny(data, "\r\n"); end >= 0 {
		data = data[:end]
	}
	return fmt.Errorf(`broken header: "%s"`, data)
}
