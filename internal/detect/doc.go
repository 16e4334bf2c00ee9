// Package detect tells a protocol by the first bytes that a client sends:
//
//	result, verdict := detect.Detect(first)
//	switch {
//	case verdict == detect.Yes:     // result.Protocol; for HTTP also result.Host
//	case verdict == detect.No:      // none of those known here
//	default:                         // it takes verdict.More() bytes more at least
//	}
//
// first is everything that has come so far. It is only read, and what Detect says does not depend on how the bytes were
// cut into segments: once it is Yes or No, more bytes change nothing.
//
// Each protocol is a detector, a function of the first bytes that says yes, no, or how many bytes it needs at least; it
// needs no more than what tells its protocol from others. Where several say yes, the first one in the order of
// Detectors has it, and a detector that may still say yes holds up those behind it. So
//
//   - http is before redis, because "GET x" is a command of redis until the line ends without a version;
//   - http2, whose preface is made to look like HTTP, and websocket, which is HTTP that asks for an upgrade, are told
//     apart from http and never both;
//   - memcached is before redis: its commands are lower case only ("get key"), redis's may be any case, and a line that
//     is right for both is taken for memcached's;
//   - dns is before openvpn: both begin with a length of two bytes, and a DNS query is the stricter form.
//
// Protocols in which the server speaks first (MySQL, SMTP, FTP, IMAP, POP3, VNC) have no first bytes to look at: whoever
// waits for them must give up after some time and take the client for Unknown.
//
// It does not say that what follows is valid: a client that means to lie can send any protocol's first bytes.
package detect
