package detect

// isHTTP2 sees the preface of a client that knows beforehand that the server speaks HTTP/2 (RFC 9113 §3.4).
func isHTTP2(first []byte) Verdict { return hasPrefix(first, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }
