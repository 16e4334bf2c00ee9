package stream

import (
	"strconv"

	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/upstream"
)

// ErrNoPeer says that a balancer has no peer for the session.
var ErrNoPeer = upstream.ErrNoLive

// StatusError is a status that a balancer ends the session with.
type StatusError int

func (e StatusError) Error() string { return "status " + strconv.Itoa(int(e)) }

// Balancer chooses a peer for a session's next attempt.
type Balancer interface {
	// Choose sets p.Addr and p.Name, or has p.Next do so, and may change p's limits. An error ends the session: ErrNoPeer
	// with StatusBadGateway, a StatusError with its status, any other, which the balancer has logged, with StatusInternal.
	Choose(s *Session, p *Peering) error
}

// Peering is a session's way to a peer: the present choice and what is left to try. It is used again after End.
type Peering struct {
	Upstream *Upstream
	Addr     netio.Addr
	// Name is Addr for logs and $upstream_addr.
	Name string
	// MaxTries is proxy_next_upstream_tries, which no balancer goes beyond; 0: no limit.
	MaxTries int
	// Failures counts attempts that failed.
	Failures int
	// Timeouts in milliseconds that take the place of proxy_connect_timeout and proxy_timeout; 0: the directives hold.
	ConnectTimeout, Timeout int64
	// Local is the address to bind to, when Bind is set.
	Local netio.Addr
	Bind  bool

	selection upstream.Selection // of a group's peers, and the count of attempts
}

// Begin starts with the peers of u. key is what a hash is computed over; it is copied.
func (p *Peering) Begin(w *Worker, u *Upstream, key []byte, maxTries int) {
	p.Upstream, p.MaxTries = u, maxTries
	p.selection.Init(u.Instance(w), key)
	p.selection.LimitTries(maxTries)
}

// Next chooses the next of the group's own peers, and holds it. now is in seconds. The only error is ErrNoPeer.
func (p *Peering) Next(now int64) error {
	peer, err := p.selection.Next(now)
	if err != nil {
		return err
	}
	p.Addr, p.Name = peer.Addr, peer.Name
	return nil
}

// Tries is how many attempts are left, the present one included.
func (p *Peering) Tries() int { return p.selection.Tries() }

// AddTries allows n more attempts.
func (p *Peering) AddTries(n int) { p.selection.AddTries(n) }

// Connected tells that the peer has accepted the connection, which clears its failures.
func (p *Peering) Connected() { p.selection.Connected() }

// GiveBack ends an attempt, and the hold of a peer that Next chose. It tells how many attempts are left, and whether
// this failure made the peer unavailable.
func (p *Peering) GiveBack(now int64, failed bool) (left int, disabled bool) {
	if p.selection.Current() == nil {
		p.selection.AddTries(-1)
		return p.Tries(), false
	}
	disabled = p.selection.Free(now, failed)
	return p.Tries(), disabled
}

// End forgets everything but the buffers. The peer must have been given back.
func (p *Peering) End() {
	p.selection.Reset()
	*p = Peering{selection: p.selection}
}
