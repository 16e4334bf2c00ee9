// Package stream is the core of the stream subsystem: servers, sessions, the phases that a session goes through, and
// variables. It knows no module.
//
// A session's way is always the same (docs/architecture.md follows one):
//
//	accept (acceptor.go) → Worker.arrive (worker.go) → Session.enter (session.go) → the handlers of its server, phase
//	  by phase (engine.go) → Server.Content → Session.Finalize: the log phase, lingering (linger.go), freed
//
// What runs in the phases comes from modules. A module is one package that exports one Module: its directives, its
// configuration's Slot, its handlers and variables. cmd/weir lists them in the order in which they run:
//
//	var slot = stream.NewSlot[config]()
//
//	var Module = &stream.Module{
//		Name:   "access",
//		Config: slot.Decl(nil, merge),
//		Directives: []conf.Directive{
//			{Name: "allow", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(addRule)},
//		},
//		Handlers: []stream.PhaseHandler{{Phase: stream.Access, Run: check, Active: hasRules}},
//	}
//
// What one module does for another, or for Lua, is agreed upon in services.go.
//
// A handler returns Declined, Done, Again, Taken or a status; it never calls the next one, and never blocks.
//
// A configuration becomes a generation: Directives reads it into a Config, Runtime.Listen opens what is not open yet,
// Runtime.Build makes the workers' states, Runtime.Apply switches the workers over. Until Apply nothing has changed.
//
// A Worker is one event loop, and everything of a session belongs to it. What comes from other goroutines comes through
// Worker.Loop.Post.
package stream
