package clienthello

// Parse reads the hello that a connection begins with. more is how many bytes are missing at least; 0 when the hello is
// whole. The error is ErrNotHello or ErrMalformed.
func (h *Hello) Parse(first []byte) (more int, err error) {
	*h = Hello{types: h.types[:0], records: h.records[:0]}
	var message []byte // as far as there
	for rest := first; !whole(message); {
		length, missing, err := h.record(rest)
		switch {
		case err != nil:
			return 0, err
		case h.SSL2 && len(rest) < len(first):
			return 0, ErrNotHello // not behind a TLS record
		case h.SSL2:
			return 0, nil
		}
		if missing > 0 {
			more = missing
			break
		}
		fragment := rest[recordHeader : recordHeader+length]
		rest = rest[recordHeader+length:]
		message = h.join(message, fragment)
	}
	if err := h.message(message); err != nil {
		return 0, err
	}
	return more, nil
}

// join is the message with a fragment more; the first one stays where it is.
func (h *Hello) join(message, fragment []byte) []byte {
	if len(message) == 0 {
		return fragment
	}
	if len(h.records) == 0 {
		h.records = append(h.records, message...)
	}
	h.records = append(h.records, fragment...)
	return h.records
}

// whole tells whether a handshake message is there to its end.
func whole(message []byte) bool {
	return len(message) >= messageHeader && len(message)-messageHeader >= messageLength(message)
}

func messageLength(message []byte) int {
	return int(message[1])<<16 | int(message[2])<<8 | int(message[3])
}

const (
	recordHeader  = 5
	messageHeader = 4
	handshake     = 0x16
	clientHello   = 1
	majorVersion  = 3
	ssl2HighBit   = 0x80
	extServerName = 0
	extGroups     = 10
	extSignatures = 13
	extALPN       = 16
	extVersions   = 43
	extECH        = 0xfe0d
)

// record reads a record's header: the length of what follows, all of which is there, unless more is not 0.
func (h *Hello) record(b []byte) (length, more int, err error) {
	if len(b) > 0 && b[0] != handshake && b[0]&ssl2HighBit == 0 {
		return 0, 0, ErrNotHello
	}
	if len(b) < recordHeader {
		return 0, recordHeader - len(b), nil
	}
	switch {
	case isSSL2(b):
		h.SSL2, h.Version = true, uint16(b[3])<<8|uint16(b[4])
		return 0, 0, nil
	case b[0] != handshake || b[1] != majorVersion:
		return 0, 0, ErrNotHello
	}
	length = int(b[3])<<8 | int(b[4])
	return length, max(recordHeader+length-len(b), 0), nil
}

// isSSL2 recognizes an SSL 2 CLIENT-HELLO with a two-byte header (RFC 5246 §E.2).
func isSSL2(b []byte) bool {
	return b[0]&ssl2HighBit != 0 && b[2] == clientHello && (b[3] == 0 || b[3] == majorVersion)
}

// message reads the handshake message as far as it is there, so that one that makes no sense is not waited for.
func (h *Hello) message(b []byte) error {
	if len(b) > 0 && b[0] != clientHello {
		return ErrNotHello
	}
	if len(b) < messageHeader {
		return nil
	}
	r := &reader{there: b[messageHeader:], left: messageLength(b)}
	h.hello(r)
	h.Extensions = h.types
	if r.malformed {
		return ErrMalformed
	}
	return nil
}

// hello reads the message's body (RFC 8446 §4.1.2).
func (h *Hello) hello(r *reader) {
	h.Version = r.uint16()
	r.take(32) // random
	r.take(r.uint8())
	h.Ciphers = r.take(r.uint16Len())
	r.take(r.uint8()) // compression methods
	if r.left == 0 {
		return
	}
	r.uint16() // the extensions end with the message
	for r.left > 0 && r.good() {
		h.extension(r)
	}
}

func (h *Hello) extension(r *reader) {
	header := r.take(4)
	if header == nil {
		return
	}
	kind, length := uint16(header[0])<<8|uint16(header[1]), int(header[2])<<8|int(header[3])
	h.types = append(h.types, header[0], header[1])
	switch {
	case kind == extServerName && !h.HasServerName:
		h.serverName(r)
	case kind == extALPN && h.ALPN == nil:
		h.protocols(r)
	case kind == extVersions:
		h.HasVersions = true
		h.Versions = r.take(r.uint8())
	case kind == extGroups:
		h.Groups = list(r.take(length))
	case kind == extSignatures:
		h.Signatures = list(r.take(length))
	case kind == extECH:
		body := r.take(length)
		h.ECH = len(body) > 0 && body[0] == 0 // outer
	default:
		r.take(length)
	}
}

// serverName reads the first name, which must be a host's (RFC 6066 §3).
func (h *Hello) serverName(r *reader) {
	list := r.uint16Len()
	if kind := r.uint8(); kind != 0 {
		r.malformed = true
	}
	length := r.uint16Len()
	rest := list - 3 - length
	if r.good() && rest < 0 {
		r.malformed = true
	}
	h.HasServerName = true
	h.ServerName = r.take(length)
	r.take(rest)
}

// protocols reads the whole list and checks that every name is one (RFC 7301 §3.1).
func (h *Hello) protocols(r *reader) {
	length := r.uint16Len()
	list := r.take(length)
	if r.good() && length == 0 {
		r.malformed = true
	}
	for rest := list; len(rest) > 0; rest = rest[1+int(rest[0]):] {
		if rest[0] == 0 || int(rest[0]) >= len(rest) {
			r.malformed = true
			return
		}
	}
	h.ALPN = list
}

// list is the codes in an extension's body that is such a list and nothing else; otherwise nothing.
func list(body []byte) Codes {
	if len(body) < 2 || int(body[0])<<8|int(body[1]) != len(body)-2 {
		return nil
	}
	return body[2:]
}
