package detect

// hasPrefix says whether first begins with want.
func hasPrefix(first []byte, want string) Verdict {
	n := min(len(first), len(want))
	if string(first[:n]) != want[:n] {
		return No
	}
	return Verdict(len(want) - n)
}

// anyPrefix says whether first begins with any of want, none of which begins another.
func anyPrefix(first []byte, want ...string) Verdict {
	result := No
	for _, w := range want {
		switch v := hasPrefix(first, w); {
		case v == Yes:
			return Yes
		case v > 0 && (result == No || v < result):
			result = v
		}
	}
	return result
}

// atLeast says how many bytes are missing to n; Yes when there are as many.
func atLeast(first []byte, n int) Verdict { return Verdict(max(n-len(first), 0)) }

// isNot tells whether the ith byte is there and is not c: then it rules a protocol out.
func isNot(first []byte, i int, c byte) bool { return i < len(first) && first[i] != c }

func uint16At(b []byte, i int) int { return int(b[i])<<8 | int(b[i+1]) }

func uint32At(b []byte, i int) uint32 {
	return uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3])
}

// lineEnd is the index of the first line feed in the first limit bytes. Without one, more says whether to wait for it.
func lineEnd(first []byte, limit int) (end int, more bool) {
	for i, c := range first[:min(len(first), limit)] {
		if c == '\n' {
			return i, false
		}
	}
	return -1, len(first) < limit
}

// trimCR is a line without the carriage return at its end.
func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
