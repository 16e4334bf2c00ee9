package detect

// isSOCKS5 sees a greeting: a version and a list of methods (RFC 1928 §3).
func isSOCKS5(first []byte) Verdict {
	const version, noAcceptable = 5, 0xff
	if isNot(first, 0, version) || len(first) > 1 && first[1] == 0 {
		return No
	}
	if len(first) < 2 {
		return NeedMore(3 - len(first))
	}
	methods := first[2:min(len(first), 2+int(first[1]))]
	for _, method := range methods {
		if method == noAcceptable {
			return No
		}
	}
	return atLeast(first, 2+int(first[1]))
}
