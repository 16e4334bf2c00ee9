package handover

import (
	"errors"
	"slices"
	"strings"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
	"golang.org/x/sys/unix"
)

// maxChannels bounds a worker's connections to one receiver: as many sessions wait for an answer at a time; others wait
// for a channel. All stay open when nothing is to be sent: to connect costs more than the hand-over itself.
const maxChannels = 64

// retryAfter is how long a session waits for room in a receiver's queue before it asks again, in milliseconds.
const retryAfter = 5

// receiver is a unix socket that sessions are handed over to, as one worker sees it.
type receiver struct {
	path  string
	loop  *loop.Loop
	idle  []*channel
	open  int // channels, idle or not
	queue []*transfer
	retry loop.Timer // armed while there is a queue
	kind  int        // of a raw receiver's socket, once known
}

// mostReceivers is how many receivers a worker knows before it forgets those that nothing is sent to: their names may be
// of the clients' making.
const mostReceivers = 1024

// worker is what a worker keeps for all generations.
type worker struct {
	receivers map[string]*receiver // by name
	most      int                  // of them, before some are to be forgotten
	unused    stream.FreeList[transfer]
}

var workers = stream.NewWorkerSlot[worker]()

// receiverAt is the worker's receiver of that name, "unix:/path" or "/path".
func receiverAt(w *stream.Worker, name string) (*receiver, error) {
	mine := workers.Of(w)
	if r := mine.receivers[name]; r != nil {
		return r, nil
	}
	path, err := receiverPath(name)
	if err != nil {
		return nil, err
	}
	if mine.receivers == nil {
		mine.receivers, mine.most = map[string]*receiver{}, mostReceivers
	}
	if len(mine.receivers) >= mine.most {
		mine.closeIdle()
		mine.most = max(mostReceivers, 2*len(mine.receivers))
	}
	r := &receiver{path: path, loop: w.Loop}
	r.retry.Handler = r
	mine.receivers[name] = r
	return r, nil
}

func receiverPath(text string) (string, error) {
	if text == "" {
		return "", errReceiver
	}
	if strings.HasPrefix(text, "/") {
		text = "unix:" + text
	}
	parsed, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil {
		return "", err
	}
	if len(parsed.Addrs) != 1 || !parsed.Addrs[0].IsUnix() {
		return "", errReceiver
	}
	return parsed.Addrs[0].Path, nil
}

// WorkerEnded implements stream.Ender.
func (own *worker) WorkerEnded() { own.closeIdle() }

// closeIdle closes what another generation may not need any more, and forgets receivers that nothing is sent to.
func (own *worker) closeIdle() {
	for name, r := range own.receivers {
		for len(r.idle) > 0 {
			r.idle[0].close()
		}
		if r.open == 0 && len(r.queue) == 0 {
			delete(own.receivers, name)
		}
	}
}

// sendInTurn sends a session when those that came before it are sent.
func (r *receiver) sendInTurn(t *transfer) {
	if len(r.queue) > 0 {
		r.enqueue(t)
		return
	}
	r.send(t)
}

// send sends a session as soon as it can.
func (r *receiver) send(t *transfer) {
	if t.raw {
		r.sendRaw(t)
		return
	}
	for {
		c, err := r.channel(t.again)
		if err == netio.ErrAgain {
			r.enqueue(t)
			return
		}
		if err != nil {
			t.failed("failed", err)
			return
		}
		err = c.send(t)
		switch {
		case err == nil:
			return
		case !isGone(err):
			c.park()
			if errors.Is(err, unix.ETOOMANYREFS) { // more descriptors in flight than the user may have
				r.enqueue(t)
			} else {
				t.failed("failed", err)
			}
			return
		case !c.used:
			c.close()
			t.failed("gone", handoff.ErrGone)
			return
		}
		c.close() // the receiver was restarted: its other channels are no better
	}
}

func isGone(err error) bool { return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) }

// channel is one that nothing waits on. fresh wants one that has not been used.
func (r *receiver) channel(fresh bool) (*channel, error) {
	if last := len(r.idle) - 1; last >= 0 && !fresh {
		c := r.idle[last]
		r.idle = r.idle[:last]
		return c, nil
	}
	if r.open >= maxChannels {
		if len(r.idle) == 0 {
			return nil, netio.ErrAgain
		}
		r.idle[0].close() // in favour of a fresh one
	}
	return r.connect()
}

// enqueue has t wait for a channel, or for room in the receiver's queue.
func (r *receiver) enqueue(t *transfer) {
	t.on = nil
	r.queue = append(r.queue, t)
	if !r.retry.Armed() {
		r.loop.Arm(&r.retry, retryAfter)
	}
}

func (r *receiver) unqueue(t *transfer) {
	if i := slices.Index(r.queue, t); i >= 0 {
		r.queue = slices.Delete(r.queue, i, i+1)
	}
}

// Expired implements loop.Expirer.
func (r *receiver) Expired() { r.serveQueue(len(r.queue)) }

// serveQueue sends up to n of the sessions that wait.
func (r *receiver) serveQueue(n int) {
	for range n {
		if len(r.queue) == 0 {
			return
		}
		t := r.queue[0]
		r.queue = slices.Delete(r.queue, 0, 1)
		before := len(r.queue)
		if r.send(t); len(r.queue) > before { // there is no room yet: it stays the first
			copy(r.queue[1:], r.queue[:before])
			r.queue[0] = t
			return
		}
	}
}
