package ngx

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
)

// posting is a coroutine that is to run, with what its waiting call returns: what push pushes, or the light thread it
// has spawned, or the results of one that has ended.
type posting struct {
	co      *coroutine
	birth   uint64
	push    func(v *luajit.Values)
	spawned *coroutine
	ended   *coroutine
	lends   *socket // that C may use in this slice
}

// run runs p, and then what is posted, until all threads wait or the request's phase has ended. The request may be freed
// by then; only a handler that has set r.inHandler may use it, and r.ended tells it which of both it was. The order is
// that of ngx_stream_lua_run_thread: a spawned thread runs at once and its parent is posted; a thread that another
// waits for hands over to it directly.
func (r *request) run(p posting) {
	for {
		if r.slice(&p) {
			return
		}
		for {
			if len(r.posted) == r.firstPosted {
				r.posted, r.firstPosted = r.posted[:0], 0
				return
			}
			p = r.posted[r.firstPosted]
			r.posted[r.firstPosted] = posting{}
			r.firstPosted++
			if p.co.birth == p.birth && p.co.isAlive() {
				break
			}
		}
	}
}

// post puts p behind what is to run.
func (r *request) post(p posting) {
	p.birth = p.co.birth
	r.m.vm.MaySpawn(false)
	r.posted = append(r.posted, p)
}

// slice runs p and those that take over from it directly. It answers true when the request's phase has ended.
func (r *request) slice(p *posting) bool {
	for {
		state, stopped := r.enterThread(p)
		if r.exited {
			return r.end(r.exitCode)
		}
		*p = posting{}
		next := takesOver
		switch state {
		case luajit.Parked:
			return false
		case luajit.Yielded:
			if len(r.posted) > r.firstPosted {
				r.post(posting{co: stopped})
				return false
			}
			p.co = stopped
		case luajit.Done:
			next = r.finished(stopped, p)
		default:
			next = r.aborted(stopped, p)
		}
		if next != takesOver {
			return next == phaseEnded
		}
	}
}

// after is what comes after a light thread's end.
type after uint8

const (
	takesOver  after = iota // another runs at once
	othersRun               // what is posted runs
	phaseEnded              // the request's phase has ended
)

// enterThread runs one slice of Lua, and answers which light thread stopped, or which coroutine of it parked.
func (r *request) enterThread(p *posting) (luajit.State, *coroutine) {
	m, t := r.m, p.co.thread
	switch {
	case p.push != nil:
		p.push(t.Args())
	case p.spawned != nil:
		t.Args().PushThread(p.spawned.thread)
	case p.ended != nil:
		p.ended.giveResults(t.Args())
	}
	if p.lends != nil {
		p.lends.lend()
	}
	before := m.enter(r)
	m.vm.MaySpawn(len(r.posted) == r.firstPosted)
	state := t.Resume()
	if m.lent != nil && m.depth == 1 {
		m.lent.takeBack(t)
	}
	m.leave(before)
	if state == luajit.Parked {
		return state, nil
	}
	stopped := t.Stopped()
	if stopped == t {
		return state, p.co
	}
	return state, m.coroutineOf(stopped)
}

// finished is called when a light thread has returned. p becomes what takes over.
func (r *request) finished(co *coroutine, p *posting) after {
	co.dropZombies()
	if co == r.entry {
		r.entry = nil
		co.release()
		r.live--
		return r.endIfNone()
	}
	return r.handOver(co, true, p)
}

// aborted is called when an error has ended a light thread.
func (r *request) aborted(co *coroutine, p *posting) after {
	message := co.thread.Err().Error()
	text := "runtime error: " + message + "\n" + r.m.traceback(co, message)
	if co == r.entry {
		r.log(logs.Error, "lua entry thread aborted: "+text)
		r.end(errorCode)
		return phaseEnded
	}
	r.log(logs.Error, "stream lua user thread aborted: "+text)
	co.dropZombies()
	return r.handOver(co, false, p)
}

// handOver gives an ended thread's results to the parent that waits for it, or keeps them for the parent to ask.
func (r *request) handOver(co *coroutine, ok bool, p *posting) after {
	r.live--
	parent := co.livingParent()
	if parent == nil {
		co.release()
		return r.endIfNone()
	}
	if parent.parked && parent.parks == co.waitedAt {
		co.failed = !ok
		parent.unpark()
		p.co, p.ended = parent, co
		return takesOver
	}
	co.zombie, co.failed = true, !ok
	co.thread.SetStatus(luajit.StatusZombie)
	parent.zombies = append(parent.zombies, co)
	if !parent.light {
		r.dropOrphans()
	}
	return r.endIfNone()
}

// dropOrphans releases light threads that have ended and whose parents, coroutines that Lua code made, have ended
// since, of which nobody tells. It is called for each that may become one, and looks once for many.
func (r *request) dropOrphans() {
	const often = 64
	if r.strays++; r.strays < max(often, 2*r.straysLeft) {
		return
	}
	r.strays, r.straysLeft = 0, 0
	for co := r.threads; co != nil; {
		next := co.next
		switch {
		case !co.zombie || co.parent.light:
		case co.livingParent() == nil:
			co.release()
		default:
			r.straysLeft++
		}
		co = next
	}
}

func (co *coroutine) dropZombies() {
	for i, child := range co.zombies {
		co.zombies[i] = nil
		if child.zombie && child.parent == co && child.parentBirth == co.birth {
			child.release()
		}
	}
	co.zombies = co.zombies[:0]
}

// endIfNone ends the phase when no light thread is left.
func (r *request) endIfNone() after {
	if r.live > 0 {
		return othersRun
	}
	r.end(okCode)
	return phaseEnded
}

// giveResults pushes what the light thread, which has ended, has returned or its error, and releases it.
func (co *coroutine) giveResults(v *luajit.Values) {
	v.PushEnded(co.thread, !co.failed)
	co.release()
}
