package ngx

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// runAccess and runPreread are the handlers of access_by_lua* and preread_by_lua*.
func runAccess(s *stream.Session) stream.Result {
	return runPhase(s, inAccess, slot.Of(s.Server).access)
}
func runPreread(s *stream.Session) stream.Result {
	return runPhase(s, inPreread, slot.Of(s.Server).preread)
}

// runPhase runs a script that may wait before the content phase.
func runPhase(s *stream.Session, p phase, code *script) stream.Result {
	r, err := requestOf(s)
	if err != nil {
		return failSession(s, err)
	}
	r.phase = p
	chunk := r.code(code)
	if chunk == nil {
		return stream.StatusInternal
	}
	s.OnClient, s.OnTimer = clientReady, noTimer
	r.allowPeek()
	r.inHandler = true
	if err := r.begin(p, chunk); err != nil {
		r.inHandler = false
		return failSession(s, err)
	}
	r.inHandler = false
	if r.ended {
		return r.result
	}
	return stream.Taken
}

func failSession(s *stream.Session, err error) stream.Result {
	s.Log(logs.Error, "lua: failed to create new coroutine to handle request: "+err.Error())
	return stream.StatusInternal
}

func noTimer(*stream.Session) {}

// endPhase is the end of access_by_lua* or preread_by_lua* with a code (ngx_stream_lua_preread_handler).
func (r *request) endPhase(code int) {
	result := stream.Declined
	switch {
	case code == errorCode:
		result = stream.StatusInternal
	case code > okCode:
		result = stream.Result(code)
	case code == okCode:
		result = stream.Done
	}
	if r.phase == inAccess && result == stream.Done && r.exitCode != okCode {
		result = stream.Declined
	}
	r.lookAgain()
	if r.gone && (result == stream.Declined || result == stream.Done) {
		result = stream.StatusOK
	}
	if r.inHandler {
		r.ended, r.result = true, result
		return
	}
	r.session.Continue(result)
}

// runContent is the content handler of content_by_lua*.
func runContent(s *stream.Session) {
	r, err := requestOf(s)
	if err != nil {
		s.Finalize(int(failSession(s, err)))
		return
	}
	r.phase = inContent
	chunk := r.code(slot.Of(s.Server).content)
	if chunk == nil {
		s.Finalize(stream.StatusInternal)
		return
	}
	s.OnClient, s.OnTimer = clientReady, noTimer
	if err := r.begin(inContent, chunk); err != nil {
		s.Finalize(int(failSession(s, err)))
	}
}

// endContent is the end of content_by_lua* with a code (ngx_stream_lua_finalize_real_request).
func (r *request) endContent(code int) {
	s := r.session
	switch {
	case code == errorCode || code == stream.StatusInternal:
		s.Finalize(stream.StatusInternal)
	case code <= okCode:
		r.out.finalize(r, stream.StatusOK)
	default:
		r.out.finalize(r, code)
	}
}

// runLog is the handler of log_by_lua*.
func runLog(s *stream.Session) stream.Result {
	code := slot.Of(s.Server).log
	r, err := requestOf(s)
	if err != nil {
		return failSession(s, err)
	}
	r.phase = inLog
	chunk := r.code(code)
	if chunk == nil {
		return stream.Declined
	}
	if err := r.m.call(r, chunk.Ref(), nil, nil); err != nil {
		r.log(logs.Error, "failed to run log_by_lua*: "+err.Error())
	}
	return stream.Declined
}

// clientReady is told of events of the client's connection while Lua drives the session.
func clientReady(s *stream.Session) {
	r := requests.Get(s)
	if r == nil {
		return
	}
	id := r.id
	if r.writable != nil && s.Client.Writable() {
		if r.writable(r); r.id != id || r.session != s {
			return
		}
	}
	if r.readable != nil && s.Client.Readable() {
		if r.readable(r); r.id != id || r.session != s {
			return
		}
	}
	r.checkAbort()
}
