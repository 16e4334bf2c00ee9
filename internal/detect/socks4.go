package detect

import "bytes"

// isSOCKS4 sees a request of SOCKS 4 or 4a to connect or to bind, as far as the user's name.
func isSOCKS4(first []byte) Verdict {
	const (
		version = 4
		connect = 1
		bind    = 2
		fixed   = 8
		maxUser = 255
	)
	if isNot(first, 0, version) || len(first) > 1 && first[1] != connect && first[1] != bind {
		return No
	}
	if len(first) <= fixed {
		return NeedMore(fixed + 1 - len(first))
	}
	user := first[fixed:min(len(first), fixed+maxUser+1)]
	switch {
	case bytes.IndexByte(user, 0) >= 0:
		return Yes
	case len(user) > maxUser:
		return No
	}
	return NeedMore(1)
}
