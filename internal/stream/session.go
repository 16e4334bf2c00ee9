package stream

import (
	"net/netip"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
)

// Session is one client's connection and what is known of it. It belongs to one worker and is reused for another
// connection after it was freed: whoever keeps a reference over an event must compare ID.
type Session struct {
	// Client is the connection that was accepted.
	Client netio.Conn
	// Timer is for the handler that drives the session; OnTimer is called when it expires.
	Timer loop.Timer
	// OnClient is called when Client is readable, writable or broken; OnTimer when Timer expires.
	OnClient, OnTimer EventFunc

	scope  []any // by SessionSlot; here since it is looked at with each event
	Worker *Worker
	Server *Server
	// ID is the connection's number, unique in the process ($connection).
	ID uint64
	// Remote is the client's address, as realip may have changed it; not valid for a unix socket's client.
	Remote netip.AddrPort
	// Started is the wall clock at accept in milliseconds since 1970.
	Started int64
	// Received and Sent count bytes from and to the client.
	Received, Sent int64
	// Status is the final status; 0 while the session runs.
	Status int
	// Action is what is being done, for log lines: "… while connecting to upstream".
	Action string
	// Upstreams are the attempts to reach a peer, in order ($upstream_*).
	Upstreams []UpstreamState
	// LogSuffix adds what the content handler knows to log lines (", upstream: …"); nil: nothing.
	LogSuffix func(s *Session, line []byte) []byte

	listener    *Listener
	handed      *handoff.Message // of a connection that another process handed over
	local       netip.AddrPort   // set when asked for or when the listener has several addresses
	values      []value          // cached variables, by Var.index
	captures    captures         // of the last regex that matched
	cleanups    []func(*Session)
	prev        *Session // the worker's list of sessions
	next        *Session
	lingerUntil int64 // Loop.Millis
	at          uint8 // place in Server.steps
	passes      uint8 // how often Pass was called
	flags       sessionFlags
}

// EventFunc continues a session after an event.
type EventFunc func(s *Session)

type sessionFlags uint8

const (
	ended    sessionFlags = 1 << iota // Finalize was called
	atOnce                            // the client is closed without lingering, and nothing is done to the connection
	noLinger                          // the client is closed without lingering
	released                          // Client was detached: the connection is another's now
	moved                             // ChooseServer has changed the server, and not yet the place
)

// clientEvents is a session seen as the owner of its client connection.
type clientEvents Session

// ConnReady implements netio.Owner.
func (e *clientEvents) ConnReady(*netio.Conn) {
	s := (*Session)(e)
	s.OnClient(s)
}

// Expired implements loop.Expirer.
func (e *clientEvents) Expired() {
	s := (*Session)(e)
	s.OnTimer(s)
}

// ignore is the event handler of a session that waits for something else.
func ignore(*Session) {}

// Arm has OnTimer called after the given milliseconds.
func (s *Session) Arm(after int64) { s.Worker.Loop.Arm(&s.Timer, after) }

// Disarm takes the timer out.
func (s *Session) Disarm() { s.Worker.Loop.Disarm(&s.Timer) }

// OnFree has fn called when the session is freed, after the log phase; the last one added is called first.
func (s *Session) OnFree(fn func(*Session)) { s.cleanups = append(s.cleanups, fn) }

// Config is the generation that the session began with.
func (s *Session) Config() *Config { return s.Server.config }

// LocalAddr is the address that the client connected to; for a unix socket, its path.
func (s *Session) LocalAddr() netio.Addr {
	switch {
	case s.local.IsValid():
	case s.listener.Handoff() && s.handed != nil && s.handed.DestinationPath != "":
		return netio.Addr{Path: s.handed.DestinationPath}
	case s.listener.Addr.IsUnix():
		return s.listener.Addr
	default:
		s.local = s.listener.Addr.AddrPort
		if s.listener.Addr.AddrPort.Addr().IsUnspecified() && s.Client.IsOpen() {
			s.local = netio.LocalAddr(s.Client.Fd()).AddrPort
		}
	}
	return netio.Addr{AddrPort: s.local}
}

// Listener is the listening socket that the session came by.
func (s *Session) Listener() *Listener { return s.listener }

// appendRemote appends the client's address as logs and $remote_addr have it: without port, "unix:" for a unix socket.
func (s *Session) appendRemote(dst []byte) []byte {
	if !s.Remote.IsValid() {
		return append(dst, "unix:"...)
	}
	return s.Remote.Addr().AppendTo(dst)
}

// Logs tells whether a line of this level would be written.
func (s *Session) Logs(level logs.Level) bool { return s.Server.ErrorLog.Enabled(level) }

// Log writes a line to the server's error log, with what the session is doing, its client, server and upstream, as
// ngx_stream_log_error does.
func (s *Session) Log(level logs.Level, message string) {
	if !s.Logs(level) {
		return
	}
	line := make([]byte, 0, len(message)+160)
	line = append(line, message...)
	if s.Action != "" {
		line = append(append(line, " while "...), s.Action...)
	}
	line = s.appendRemote(append(line, ", client: "...))
	line = append(append(line, ", server: "...), s.listener.Addr.String()...)
	if s.LogSuffix != nil {
		line = s.LogSuffix(s, line)
	}
	s.Server.ErrorLog.Write(level, s.ID, string(line))
}

// LogBare writes a line without what Log adds.
func (s *Session) LogBare(level logs.Level, message string) {
	s.Server.ErrorLog.Write(level, s.ID, message)
}

// enter begins the session's way at its listener.
func (s *Session) enter() {
	s.Action = "initializing session"
	if s.Logs(logs.Info) {
		s.logBegin()
	}
	if s.listener.ProxyProtocol {
		s.readProxyHeader()
		return
	}
	s.Resume()
}

func (s *Session) logBegin() {
	client := "unix:"
	if s.Remote.IsValid() {
		client = s.Remote.String()
	}
	s.Server.ErrorLog.Write(logs.Info, s.ID, "client "+client+" connected to "+s.listener.Addr.String())
}
