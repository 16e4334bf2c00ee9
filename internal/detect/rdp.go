package detect

// isRDP sees a TPKT header with an X.224 Connection Request ([MS-RDPBCGR] 2.2.1.1), which has no other user on TCP.
func isRDP(first []byte) Verdict {
	const (
		version           = 3
		connectionRequest = 0xe0
		minLength         = 11
	)
	if isNot(first, 0, version) || isNot(first, 1, 0) || isNot(first, 5, connectionRequest) ||
		isNot(first, 6, 0) || isNot(first, 7, 0) || isNot(first, 10, 0) {
		return No
	}
	if len(first) >= 5 && (uint16At(first, 2) < minLength || uint16At(first, 2) != int(first[4])+5) {
		return No
	}
	return atLeast(first, 11)
}
