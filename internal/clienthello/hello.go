// Package clienthello reads a TLS ClientHello out of the first bytes of a connection, as they are peeked:
//
//	var h clienthello.Hello
//	more, err := h.Parse(first)
//	switch {
//	case err != nil: // not TLS, or not a hello that a server would take
//	case more > 0:   // a hello so far; at least that many bytes are missing
//	default:         // h.ServerName, h.ALPN, h.AppendJA4(nil), …
//	}
//
// The hello may be cut anywhere: over several segments, in which case Parse is called again with all bytes that are
// there by then, and over several records, which Parse puts together. What Parse says of some bytes does not change
// with those that follow, once it is an error or a whole hello.
//
// It reads by the same rules as nginx's ssl_preread, which takes the lengths inside server_name, ALPN and
// supported_versions for true and not those of the extensions around them, judges a record when all of it is there, and
// takes an SSL 2 hello for its version alone. Nothing is decrypted: of an Encrypted Client Hello one sees the outer
// hello, whose server name is the public one.
package clienthello

import (
	"errors"
	"iter"
)

// What makes Parse fail.
var (
	// ErrNotHello says that the bytes are no TLS handshake that begins with a ClientHello.
	ErrNotHello = errors.New("not a ClientHello")
	// ErrMalformed says that they claim to be one and contradict themselves.
	ErrMalformed = errors.New("malformed ClientHello")
)

// Versions as they are on the wire (RFC 8446 §4.1.2, RFC 6101).
const (
	SSL2  = 0x0002
	SSL3  = 0x0300
	TLS10 = 0x0301
	TLS11 = 0x0302
	TLS12 = 0x0303
	TLS13 = 0x0304
)

// Hello is what a client offers. Its slices belong to the bytes that were parsed, or to the Hello when those were not in
// one piece, and are valid until either changes; CopyTo makes them last. A Hello is meant to be used again, which
// saves its buffers; it must not be copied.
type Hello struct {
	// Version is legacy_version, or the version of an SSL 2 hello; see Highest.
	Version uint16
	// SSL2 says that the hello has the form that was used before TLS; then nothing but Version is known.
	SSL2 bool
	// ECH says that there is an encrypted inner hello, or that the client pretends so (GREASE): ServerName may be the
	// public name of another.
	ECH bool
	// HasServerName and HasVersions say that the extensions are there, even if they are empty.
	HasServerName, HasVersions bool
	// ServerName is the host name as sent, neither lowered nor checked.
	ServerName []byte
	// ALPN is the list of protocols as sent: each with its length before it. See Protocols.
	ALPN []byte
	// Ciphers, Versions (supported_versions), Groups and Signatures are as sent, GREASE included.
	Ciphers, Versions, Groups, Signatures Codes
	// Extensions are the types of all extensions in their order.
	Extensions Codes

	types   []byte // what Extensions points to
	records []byte // the handshake's fragments put together
}

// Codes is a list of numbers of two bytes each.
type Codes []byte

// Len is how many there are.
func (c Codes) Len() int { return len(c) / 2 }

// At is the ith.
func (c Codes) At(i int) uint16 { return uint16(c[2*i])<<8 | uint16(c[2*i+1]) }

// IsGREASE tells whether a code stands for nothing and is there to keep servers tolerant (RFC 8701).
func IsGREASE(code uint16) bool { return code&0x0f0f == 0x0a0a && code>>8 == code&0xff }

// Protocols are the names that ALPN lists.
func (h *Hello) Protocols() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for list := h.ALPN; len(list) > 0; {
			name := list[1 : 1+int(list[0])]
			list = list[1+len(name):]
			if !yield(name) {
				return
			}
		}
	}
}

// Highest is the highest version that the client offers.
func (h *Hello) Highest() uint16 {
	if !h.HasVersions {
		return h.Version
	}
	var highest uint16
	for i := range h.Versions.Len() {
		if v := h.Versions.At(i); v > highest && !IsGREASE(v) {
			highest = v
		}
	}
	return highest
}

// CopyTo makes to a copy that stands for itself. What to held before is gone, and its memory is used again.
func (h *Hello) CopyTo(to *Hello) {
	room := to.records[:0]
	*to = *h
	to.types = nil
	for _, part := range []*[]byte{&to.ServerName, &to.ALPN, (*[]byte)(&to.Ciphers), (*[]byte)(&to.Versions),
		(*[]byte)(&to.Groups), (*[]byte)(&to.Signatures), (*[]byte)(&to.Extensions)} {
		from := len(room)
		room = append(room, *part...) // what was placed before stays where it is when room grows
		*part = room[from:len(room):len(room)]
	}
	to.records = room
}
