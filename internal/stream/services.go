package stream

import "github.com/weirproxy/weir/handoff"

// What modules do for each other, and for Lua, is agreed upon here, so that none has to know another: a module puts its
// part into the Config or the Servers in Module.Finish.

// Detector tells what a client speaks, where the phase that does so by itself is switched off (preread_protocol).
type Detector interface {
	// Protocol is the session's protocol as $preread_protocol has it; "" when it has not been looked for, or not found
	// yet.
	Protocol(s *Session) string
	// Look looks at what the client has sent, of which nothing is consumed. final says that Protocol has the answer;
	// otherwise the caller looks again when the client has sent more, or gives up with Settle after Timeout.
	Look(s *Session) (final bool)
	// Settle has Protocol answer what is known by now.
	Settle(s *Session)
	// Timeout is how long a client may take, in milliseconds.
	Timeout(s *Server) int64
}

// Giver gives clients' connections to other processes (handoff).
type Giver interface {
	// Describe is what receivers are told of a session besides its addresses: what preread has found out, what came
	// with it when it was handed over itself, and the handoff_meta of its server.
	Describe(s *Session) handoff.Metadata
	// Give hands a session's connection over. done is called on the session's loop, never before Give has returned, and
	// not at all when the session has ended in between. With nil the connection is the receiver's: weir's copy of the
	// descriptor is closed, and what is left to do is to Finalize the session. Otherwise the session is as it was, and
	// the caller's.
	//
	// Meanwhile nobody may read from or write to the client. Give leaves the session's events and timer alone.
	Give(s *Session, h Handover, done func(err error))
	// Abandon ends what Give has begun: done is not called any more. It answers true when the receiver has accepted
	// already, so that the connection is no longer the session's.
	Abandon(s *Session) (handedOver bool)
}

// Handover says to whom a session is handed over, and what they are told. The zero value of each but Receivers is fine.
type Handover struct {
	// Receivers are unix sockets, "unix:/path" or "/path", that are tried in this order.
	Receivers []string
	// Raw sends one byte with the descriptor, and nothing else, to receivers that do not answer.
	Raw bool
	// Timeout is how long each receiver may take, in milliseconds; 0: as long as the handoff directive gives them.
	Timeout int64
	// Metadata is told to the receiver; see Giver.Describe.
	Metadata handoff.Metadata
	// Consumed is what the caller has read of the client's stream and wants the receiver to read again.
	Consumed []byte
}

// NextUpstream is what proxy_next_upstream and the like say for a server.
type NextUpstream struct {
	On      bool  // another peer is tried when one cannot be reached
	Tries   int   // how many attempts there are; 0: as many as peers
	Timeout int64 // for how long others are tried, in milliseconds; 0: no limit
}
