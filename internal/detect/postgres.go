package detect

// isPostgres sees a StartupMessage of protocol 3, or a request for TLS, for GSSAPI encryption or to cancel (PostgreSQL
// manual, Message Formats).
func isPostgres(first []byte) Verdict {
	const (
		protocol3 = 3
		requests  = 1234
		cancel    = 5678
		tls       = 5679
		gss       = 5680
		minLength = 8
		maxLength = 10000
	)
	if isNot(first, 0, 0) || isNot(first, 1, 0) {
		return No
	}
	if len(first) < 8 {
		return atLeast(first, 8)
	}
	length, major, minor := int(uint32At(first, 0)), uint16At(first, 4), uint16At(first, 6)
	switch {
	case length < minLength || length > maxLength:
		return No
	case major == protocol3:
		return startupParameters(first[8:], length)
	case major == requests && (minor == tls || minor == gss) && length == 8:
		return Yes
	case major == requests && minor == cancel && length >= 16:
		return Yes
	}
	return No
}

// startupParameters sees the first byte of a parameter's name, or the end of the list.
func startupParameters(b []byte, length int) Verdict {
	switch {
	case len(b) == 0:
		return NeedMore(1)
	case b[0] == 0 && length == 9, 'a' <= b[0] && b[0] <= 'z', b[0] == '_':
		return Yes
	}
	return No
}
