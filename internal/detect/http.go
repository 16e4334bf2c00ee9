package detect

import "bytes"

// maxMethod bounds a method's name; the longest registered is UPDATEREDIRECTREF.
const maxMethod = 24

// isHTTP sees a request line of HTTP/1: a method, a target and the version (RFC 9112 §3). Methods are upper case, as all
// registered ones are.
func isHTTP(first []byte) Verdict {
	method := 0
	for method < len(first) && isMethodByte(first[method]) {
		method++
	}
	switch {
	case method > maxMethod:
		return No
	case method == len(first):
		return NeedMore(len("G / HTTP/1.") - min(method, 1))
	case first[method] != ' ' || method == 0:
		return No
	}
	rest := first[method+1:]
	target := 0
	for target < len(rest) && rest[target] > ' ' && rest[target] != 0x7f {
		target++
	}
	switch {
	case target == len(rest):
		return NeedMore(len("/ HTTP/1.") - min(target, 1))
	case rest[target] != ' ' || target == 0:
		return No
	}
	return hasPrefix(rest[target:], " HTTP/1.")
}

func isMethodByte(c byte) bool { return 'A' <= c && c <= 'Z' || c == '-' || c == '_' }

// readHead reads the rest of a request's head, which says what host the request is for and whether it asks for
// WebSocket.
func readHead(first []byte) (Result, Verdict) {
	result := Result{Protocol: HTTP}
	line, rest, ok := cutLine(first)
	if !ok {
		return result, NeedMore(1)
	}
	result.Host = targetHost(line)
	named, upgrade := result.Host != nil, false
	for {
		line, rest, ok = cutLine(rest)
		switch {
		case !ok:
			return result, NeedMore(1)
		case len(line) == 0:
			return result, Yes
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case !named && foldEqual(name, "host"):
			result.Host = withoutPort(bytes.Trim(value, " \t"))
			named = true
		case !upgrade && foldEqual(name, "upgrade") && hasToken(value, "websocket"):
			upgrade = true
			result.Protocol = WebSocket
		}
	}
}

// cutLine cuts the first line off, without its end.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, b, false
	}
	return trimCR(b[:end]), b[end+1:], true
}

// targetHost is the host that the target itself names, which then counts and not the Host header (RFC 9112 §3.2): in
// absolute form, or CONNECT's. nil: none.
func targetHost(line []byte) []byte {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	if string(method) == "CONNECT" {
		return withoutPort(target)
	}
	_, authority, ok := bytes.Cut(target, []byte("://"))
	if !ok || target[0] == '/' {
		return nil
	}
	if end := bytes.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	return withoutPort(authority)
}

// withoutPort is the host of host:port, an IPv6 address with its brackets.
func withoutPort(host []byte) []byte {
	from := max(bytes.IndexByte(host, ']'), 0)
	if colon := bytes.IndexByte(host[from:], ':'); colon >= 0 {
		return host[:from+colon]
	}
	return host
}

// hasToken tells whether a list separated by commas has the token, whatever its case and with a version after it or not.
func hasToken(list []byte, token string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		name, _, _ := bytes.Cut(bytes.Trim(item, " \t"), []byte("/"))
		if foldEqual(name, token) {
			return true
		}
	}
	return false
}

// foldEqual compares with a text in lower case.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
