package detect

const (
	recordHandshake = 0x16
	maxRecord       = 1<<14 + 2048
	clientHello     = 1
)

// isTLS sees the header of a handshake record that holds the beginning of a ClientHello (RFC 8446 §5.1), or a hello in
// the form of SSL 2 that offers SSL 3 or TLS (RFC 5246 §E.2).
func isTLS(first []byte) Verdict {
	switch {
	case len(first) == 0:
		return NeedMore(6)
	case first[0]&0x80 != 0:
		return isSSL2(first)
	case first[0] != recordHandshake, isNot(first, 1, 3), len(first) > 2 && first[2] > 4, isNot(first, 5, clientHello):
		return No
	case len(first) >= 5 && (uint16At(first, 3) == 0 || uint16At(first, 3) > maxRecord):
		return No
	}
	return atLeast(first, 6)
}

func isSSL2(first []byte) Verdict {
	const maxLength = 1 << 10
	if first[0]&0x7f >= maxLength>>8 || isNot(first, 2, clientHello) || len(first) >= 5 && !isSSL2Version(first[3], first[4]) {
		return No
	}
	return atLeast(first, 5)
}

func isSSL2Version(major, minor byte) bool {
	return major == 0 && minor == 2 || major == 3 && minor <= 4
}
