package upstream

import "github.com/weirproxy/weir/internal/resolver/addr"

// Method is a load balancing method.
type Method uint8

// The methods, named after their directives.
const (
	RoundRobin     Method = iota
	LeastConn             // least_conn
	Hash                  // hash key
	ConsistentHash        // hash key consistent
	Random                // random
	RandomTwo             // random two [least_conn]
)

// allowsBackup tells whether "backup" may be written after the method's directive (the upstream modules' flags).
func (m Method) allowsBackup() bool { return m == RoundRobin || m == LeastConn }

// ServerConf is one server line of an upstream block.
type ServerConf struct {
	// Name is the address as written; it is what a consistent hash is computed over.
	Name string
	// Addrs are the addresses to connect to; each becomes a peer. With Resolve they are found at run time instead.
	Addrs []addr.Addr
	// Weight is at least 1; 0 stands for 1.
	Weight int
	// MaxConns bounds the connections at one time; 0 means no bound.
	MaxConns int
	// MaxFails is how many failures within FailTimeout make the peer unavailable for FailTimeout; 0 means never.
	MaxFails int
	// FailTimeout is in seconds.
	FailTimeout int64
	Backup      bool
	Down        bool

	// Resolve asks for Host to be looked up again whenever its answer expires.
	Resolve bool
	// Host is the name to resolve, and Port the port of what is found.
	Host string
	Port uint16
	// Service asks for SRV records of _service._tcp.host (or of service.host, when it has a dot) instead of addresses.
	Service string
}

// GroupConf is one upstream block, or the implicit one of an address in proxy_pass.
type GroupConf struct {
	Name    string
	Servers []ServerConf
	Method  Method
	// Zone is the shared memory zone's name; when it is not empty all workers share the group's state, and a reload
	// keeps it.
	Zone string
}

// Implicit is the group nginx makes for an address written directly in proxy_pass or resolved from its variables.
func Implicit(name string, addrs []addr.Addr) GroupConf {
	return GroupConf{
		Name:    name,
		Servers: []ServerConf{{Name: name, Addrs: addrs, Weight: 1, MaxFails: 1, FailTimeout: 10}},
	}
}
