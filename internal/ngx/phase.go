package ngx

// phase is where Lua code runs, a bit each so that a primitive can name several.
type phase int32

const (
	inInit phase = 1 << iota
	inInitWorker
	inAccess
	inPreread
	inContent
	inBalancer
	inLog
	inTimer
	inClientHello
	inCertificate

	// yieldable are the phases in which a call may wait (NGX_STREAM_LUA_CONTEXT_YIELDABLE).
	yieldable = inAccess | inPreread | inContent | inTimer | inClientHello | inCertificate
	// inClient are the phases of a session that may use its connection.
	inClient = inAccess | inPreread | inContent
	// peekable are those of them before the content phase, where the client's first bytes are for others, too.
	peekable = inAccess | inPreread
	// anywhere allows all phases that have a request.
	anywhere phase = 1<<16 - 1
)

// phaseNames are what ngx.get_phase returns, and what "API disabled in the context of …" names.
var phaseNames = map[phase][2]string{
	inInit:        {"init", "init_by_lua*"},
	inInitWorker:  {"init_worker", "init_worker_by_lua*"},
	inAccess:      {"access", "access_by_lua*"},
	inPreread:     {"preread", "preread_by_lua*"},
	inContent:     {"content", "content_by_lua*"},
	inBalancer:    {"balancer", "balancer_by_lua*"},
	inLog:         {"log", "log_by_lua*"},
	inTimer:       {"timer", "ngx.timer"},
	inClientHello: {"ssl_client_hello", "ssl_client_hello_by_lua*"},
	inCertificate: {"ssl_cert", "ssl_certificate_by_lua*"},
}

// context is how messages name the phase.
func (p phase) context() string {
	if names, ok := phaseNames[p]; ok {
		return names[1]
	}
	return "(unknown)"
}
