package conf

// AppendLower appends text to dst with the letters of ASCII in lower case; other bytes stay as they are (ngx_strlow).
// text may be a part of dst.
func AppendLower(dst, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
