package stream

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/proxyproto"
)

var proxyHeader = NewSessionSlot[proxyproto.Header]()

// ProxyHeader is the PROXY protocol header that the session began with; nil when it began with none. Its Source is not
// valid when it told no address.
func (s *Session) ProxyHeader() *proxyproto.Header { return proxyHeader.Get(s) }

// readProxyHeader reads the PROXY protocol header that the listener expects, and goes on
// (ngx_stream_proxy_protocol_handler). Unlike nginx it waits for a header that comes in pieces.
func (s *Session) readProxyHeader() {
	s.Action = "reading PROXY protocol"
	s.OnClient, s.OnTimer = (*Session).peekProxyHeader, proxyHeaderTimedOut
	s.peekProxyHeader()
}

func proxyHeaderTimedOut(s *Session) {
	s.Log(logs.Info, logs.ErrnoText("client timed out", syscall.ETIMEDOUT))
	s.Finalize(StatusOK)
}

func (s *Session) peekProxyHeader() {
	n, err := s.Client.Peek(s.Worker.Scratch[:proxyproto.MaxSize])
	if err != nil && err != netio.ErrAgain && err != io.EOF {
		s.LogIOError(err, "")
		s.Finalize(StatusOK)
		return
	}
	data := s.Worker.Scratch[:n]
	var h proxyproto.Header
	size, wrong := proxyproto.Parse(data, &h)
	if wrong == proxyproto.ErrMore && !s.Client.PeerFinished() {
		if !s.Timer.Armed() {
			s.Arm(s.Server.ProxyProtocolTimeout)
		}
		return
	}
	if wrong != nil {
		if wrong == proxyproto.ErrMore {
			wrong = proxyproto.Broken(data)
		}
		s.Log(logs.Error, wrong.Error())
		s.Finalize(StatusBadRequest)
		return
	}
	s.takeProxyHeader(size, h)
}

// takeProxyHeader reads the header's bytes, which are the first of Scratch, and begins the session proper.
func (s *Session) takeProxyHeader(size int, h proxyproto.Header) {
	h.TLVs = slices.Clone(h.TLVs)
	if n, err := s.Client.Read(s.Worker.Scratch[:size]); n != size || err != nil {
		s.Finalize(StatusInternal)
		return
	}
	proxyHeader.Set(s, &h)
	s.Disarm()
	s.OnClient, s.OnTimer = ignore, ignore
	s.Action = "initializing session"
	s.Resume()
}

// proxyHeaderVariables are $proxy_protocol_*: those of ngx_stream_variables.c.
var proxyHeaderVariables = []Variable{
	{Name: "proxy_protocol_addr", Get: ofHeader(func(h *proxyproto.Header, dst []byte) []byte {
		return h.Source.Addr().AppendTo(dst)
	})},
	{Name: "proxy_protocol_port", Get: ofHeader(func(h *proxyproto.Header, dst []byte) []byte {
		return appendPort(dst, h.Source.Port())
	})},
	{Name: "proxy_protocol_server_addr", Get: ofHeader(func(h *proxyproto.Header, dst []byte) []byte {
		return h.Destination.Addr().AppendTo(dst)
	})},
	{Name: "proxy_protocol_server_port", Get: ofHeader(func(h *proxyproto.Header, dst []byte) []byte {
		return appendPort(dst, h.Destination.Port())
	})},
	{Name: tlvPrefix, Prefix: true, Cached: true, Get: appendTLV},
}

const tlvPrefix = "proxy_protocol_tlv_"

// proxied is the session's PROXY protocol header if it tells an address.
func (s *Session) proxied() *proxyproto.Header {
	h := proxyHeader.Get(s)
	if h == nil || !h.Source.IsValid() {
		return nil
	}
	return h
}

// ofHeader is the Get of a variable that tells of it.
func ofHeader(get func(h *proxyproto.Header, dst []byte) []byte) func(*Session, *Var, []byte) ([]byte, bool) {
	return func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		h := s.proxied()
		if h == nil {
			return dst, false
		}
		return get(h, dst), true
	}
}

func appendPort(dst []byte, port uint16) []byte {
	if port == 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(port), 10)
}

func appendTLV(s *Session, v *Var, dst []byte) ([]byte, bool) {
	h := s.proxied()
	if h == nil {
		return dst, false
	}
	value, err := h.AppendNamed(dst, strings.TrimPrefix(v.Name, tlvPrefix))
	if err != nil {
		if err != proxyproto.ErrNoTLV {
			s.Log(logs.Error, err.Error())
		}
		return dst, false
	}
	return value, true
}
