package detect

// isProxyProtocol sees a PROXY protocol header, version 1 or 2 (haproxy, proxy-protocol.txt §2).
func isProxyProtocol(first []byte) Verdict {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	return anyPrefix(first, "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", signature+"\x20", signature+"\x21")
}
