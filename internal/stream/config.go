package stream

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/resolver"
)

// Config is one generation of stream{}: never changed once its sessions begin (Runtime.Apply).
type Config struct {
	Servers   []*Server
	Listeners []*Listener
	Upstreams []*Upstream
	// Log is the error log of the main context.
	Log *logs.Log
	// WorkerProcesses is how many workers serve the generation: at least 1.
	WorkerProcesses int
	// WorkerConnections limits the connections of one worker, to clients and to peers.
	WorkerConnections int
	// MultiAccept has a worker accept all that waits at once.
	MultiAccept bool
	// Transparent tells that peers may be connected to from foreign addresses, which takes CAP_NET_RAW.
	Transparent bool
	// Detector and Giver are modules'; nil: there is no such module.
	Detector Detector
	Giver    Giver

	modules   []*Module
	conf      []any // by Slot
	vars      map[string]*Var
	prefix    []*Variable
	cached    int // how many variables keep their value
	workers   []workerScope
	closers   []func()
	resolving []func() // stop what startResolving began
	freed     int32    // workers that have freed their scope; atomic
}

// workerScope is what one worker has of a generation. The worker owns it.
type workerScope struct {
	scope   []any // by GenerationSlot
	holders int   // sessions and others that still use the generation
	retired bool
}

// Server is a server{} block.
type Server struct {
	// Content does the work of the content phase; it calls Finalize in the end.
	Content func(s *Session)
	// ContentBy is the directive that set Content.
	ContentBy string
	// Names are the arguments of server_name; of ".example.com" and "~regex" without their first character.
	Names    []string
	ErrorLog *logs.Log
	Resolver *resolver.Resolver
	// Times are in milliseconds, sizes in bytes.
	ResolverTimeout      int64
	PrereadTimeout       int64
	PrereadBufferSize    int
	ProxyProtocolTimeout int64
	TCPNoDelay           bool
	LingeringClose       Lingering
	LingeringTime        int64
	LingeringTimeout     int64
	NextUpstream         NextUpstream

	// allowed is handoff_allow: who may hand connections over.
	allowed []credentials

	config   *Config
	conf     []any // by Slot
	steps    []step
	logSteps []Handler
	names    []serverName
}

// Config is the generation that the server belongs to.
func (s *Server) Config() *Config { return s.config }

// OnClose has fn called when no worker uses the generation any more. It may be called on any goroutine.
func (c *Config) OnClose(fn func()) { c.closers = append(c.closers, fn) }
