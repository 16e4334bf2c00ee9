package stream

import (
	"github.com/weirproxy/weir/internal/conf"
)

// Module is a part of the stream subsystem: what it adds to the configuration, to the phases of a session and to
// the variables. It is a value that its package exports and cmd/weir lists; the order of that list is the order in
// which handlers of one phase run.
type Module struct {
	Name       string
	Directives []conf.Directive
	// Config is the module's Slot, where it has a configuration of its own in stream{} and server{}.
	Config SlotDecl
	// Handlers are run for every session of every server, unless Active says otherwise.
	Handlers  []PhaseHandler
	Variables []Variable
	// Finish is called once when the whole of stream{} has been read and merged.
	Finish func(b *Builder) error
	// Generation is the module's GenerationSlot, where it has something for each worker of a generation.
	Generation GenerationDecl
}

// PhaseHandler is a handler in its phase.
type PhaseHandler struct {
	Phase Phase
	Run   Handler
	// Active tells whether the handler has anything to do for sessions of this server; nil: always. A server's list
	// of handlers holds the active ones only.
	Active func(s *Server) bool
	// Last puts the handler behind the phase's other handlers.
	Last bool
}

// Handler does a module's work for one session in one phase.
type Handler func(s *Session) Result

// Phase is a step of a session's way.
type Phase uint8

// The phases in their order. Content is not a list: a server has one content handler.
const (
	PostAccept Phase = iota
	Preaccess
	Access
	SSL
	Preread
	Content
	Log
)

// Result is what a handler returns: one of the constants below, or a Status that ends the session.
type Result int

const (
	// Declined lets the next handler run.
	Declined Result = -iota
	// Done skips the phase's other handlers.
	Done
	// Again says that the handler has armed an event and will call Session.Resume, after which it runs again.
	Again
	// Taken says that the handler now drives the session: it will call Session.Continue or Session.Finalize.
	Taken
)

// Status is a session's final status ($status, ngx_stream.h).
const (
	StatusOK                 = 200
	StatusBadRequest         = 400
	StatusForbidden          = 403
	StatusInternal           = 500
	StatusBadGateway         = 502
	StatusServiceUnavailable = 503
)
