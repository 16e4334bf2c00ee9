package detect

// isSSH sees the beginning of an identification string (RFC 4253 §4.2), which clients send without waiting for the
// server's.
func isSSH(first []byte) Verdict { return hasPrefix(first, "SSH-") }
