package detect

// isDNS sees a query over TCP: its length and a header with one question and no answers (RFC 1035 §4.1.1, §4.2.2).
func isDNS(first []byte) Verdict {
	const (
		header     = 12
		question   = 5
		recursion  = 0x01 // RD, in the first byte of the flags
		authentic  = 0x30 // AD and CD, in the second
		maxQuery   = 1024 // with all padding
		maxRecords = 4    // EDNS, TSIG, cookies
	)
	if len(first) > 0 && first[0] >= maxQuery>>8 || len(first) >= 2 && uint16At(first, 0) < header+question {
		return No
	}
	if len(first) > 4 && first[4]&^byte(recursion) != 0 || len(first) > 5 && first[5]&^byte(authentic) != 0 {
		return No
	}
	for i, want := range []byte{0, 1, 0, 0, 0, 0, 0} { // QDCOUNT, ANCOUNT, NSCOUNT, half of ARCOUNT
		if isNot(first, 6+i, want) {
			return No
		}
	}
	if len(first) > 13 && first[13] > maxRecords {
		return No
	}
	return atLeast(first, 14)
}
