package sslpreread

import (
	"github.com/weirproxy/weir/internal/clienthello"
	"github.com/weirproxy/weir/internal/stream"
)

// hello is what a session's client has offered.
type hello struct {
	clienthello.Hello
	have  int  // bytes that are known not to suffice
	known bool // it has been decided whether there is a hello
	valid bool // there is one
}

// worker is what a worker keeps to parse with, and hellos that may be used again.
type worker struct {
	parser clienthello.Hello
	unused stream.FreeList[hello]
}

var (
	hellos  = stream.NewSessionSlot[hello]()
	workers = stream.NewWorkerSlot[worker]()
)

func preread(s *stream.Session) stream.Result {
	h := of(s)
	for !h.known {
		first, result, ok := s.Peek(h.have)
		if !ok {
			return result
		}
		Read(s, first)
	}
	ChooseServer(s)
	return stream.Declined
}

// ChooseServer gives the session to the server that has the name in the ClientHello, for a handler that returns Declined
// next.
func ChooseServer(s *stream.Session) {
	if h := found(s); h != nil {
		s.ChooseServer(h.ServerName)
	}
}

// Read looks for a ClientHello in the first bytes of a session's client. more is how many bytes are missing at least; at 0
// the variables have what there is. first is not kept.
func Read(s *stream.Session, first []byte) (more int) {
	h, parser := of(s), &workers.Of(s.Worker).parser
	more, err := parser.Parse(first)
	if more > 0 {
		h.have = len(first) + more - 1
		return more
	}
	h.known, h.valid = true, err == nil
	if h.valid {
		parser.CopyTo(&h.Hello)
	}
	return 0
}

// Skip decides that the session's client has sent no ClientHello that can be read, and that none is to be waited for.
func Skip(s *stream.Session) { of(s).known = true }

// of is the session's hello, not known at first.
func of(s *stream.Session) *hello {
	if h := hellos.Get(s); h != nil {
		return h
	}
	h := workers.Of(s.Worker).unused.Take()
	h.have, h.known, h.valid = 0, false, false
	hellos.Set(s, h)
	s.OnFree(release)
	return h
}

func release(s *stream.Session) {
	workers.Of(s.Worker).unused.Put(hellos.Get(s))
	hellos.Set(s, nil)
}

// found is the session's hello; nil when there is none.
func found(s *stream.Session) *clienthello.Hello {
	if h := hellos.Get(s); h != nil && h.valid {
		return &h.Hello
	}
	return nil
}

// version is in the words of OpenSSL's SSL_get_version. A client that sends supported_versions is taken for one of TLS
// 1.3, whatever they are, as nginx does.
func version(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	h := found(s)
	if h == nil {
		return dst, false
	}
	v := h.Version
	if h.HasVersions {
		v = clienthello.TLS13
	}
	switch v {
	case clienthello.SSL2:
		dst = append(dst, "SSLv2"...)
	case clienthello.SSL3:
		dst = append(dst, "SSLv3"...)
	case clienthello.TLS10:
		dst = append(dst, "TLSv1"...)
	case clienthello.TLS11:
		dst = append(dst, "TLSv1.1"...)
	case clienthello.TLS12:
		dst = append(dst, "TLSv1.2"...)
	case clienthello.TLS13:
		dst = append(dst, "TLSv1.3"...)
	}
	return dst, true
}

func serverName(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	h := found(s)
	if h == nil {
		return dst, false
	}
	return append(dst, h.ServerName...), true
}

func protocols(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	h := found(s)
	if h == nil {
		return dst, false
	}
	from := len(dst)
	for name := range h.Protocols() {
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	return dst, true
}

func ja4(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	h := found(s)
	if h == nil {
		return dst, false
	}
	return h.AppendJA4(dst), true
}
