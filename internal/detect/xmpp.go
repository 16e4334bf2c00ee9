package detect

import "bytes"

// isXMPP sees the opening tag of a stream, with or without an XML declaration before it (RFC 6120 §4.2).
func isXMPP(first []byte) Verdict {
	const declaration, maxDeclaration = "<?xml", 256
	if v := hasPrefix(first, "<stream:stream"); v != No {
		return v
	}
	if v := hasPrefix(first, declaration); v != Yes {
		return v
	}
	within := first[:min(len(first), maxDeclaration)]
	end := bytes.Index(within, []byte("?>"))
	if end < 0 {
		return waitIf(len(first) < maxDeclaration)
	}
	rest := first[end+2:]
	for i := 0; i < len(rest) && i < maxDeclaration; i++ {
		if c := rest[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return hasPrefix(rest[i:], "<stream:stream")
		}
	}
	return waitIf(len(rest) < maxDeclaration)
}
