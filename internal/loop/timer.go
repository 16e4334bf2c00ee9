package loop

// Expirer is told when its timer expires.
type Expirer interface {
	Expired()
}

// Timer calls its Handler once when its time has come. It is meant to be embedded; the zero value, with Handler
// set, is ready to be armed. It is the owner's for as long as it is not armed.
type Timer struct {
	Handler Expirer
	when    int64 // Loop.Millis
	armed   int64 // Loop.armed: of two with one time the one armed first expires first
	index   int32 // place in the heap plus one; 0: not armed
}

// Armed tells whether the timer is to expire.
func (t *Timer) Armed() bool { return t.index != 0 }

// When is the Loop.Millis at which an armed timer expires.
func (t *Timer) When() int64 { return t.when }

func (t *Timer) before(other *Timer) bool {
	return t.when < other.when || t.when == other.when && t.armed < other.armed
}

// Arm has t expire after the given milliseconds, in place of what it was armed for before.
func (l *Loop) Arm(t *Timer, after int64) {
	t.when = l.clock.mono + max(after, l.soonest)
	l.armed++
	t.armed = l.armed
	if t.index == 0 {
		l.timers = append(l.timers, t)
		t.index = int32(len(l.timers))
		l.timers.up(len(l.timers) - 1)
		return
	}
	at := int(t.index) - 1
	if !l.timers.up(at) {
		l.timers.down(at)
	}
}

// Disarm takes t out; nothing happens when it is not armed.
func (l *Loop) Disarm(t *Timer) {
	if t.index != 0 {
		l.timers.remove(int(t.index) - 1)
	}
}

// expire runs the timers whose time has come. A timer armed by a handler for at once runs in the next round.
func (l *Loop) expire() {
	now := l.clock.mono
	l.soonest = 1
	defer func() { l.soonest = 0 }()
	for len(l.timers) > 0 && l.timers[0].when <= now {
		t := l.timers[0]
		l.timers.remove(0)
		t.Handler.Expired()
		if l.stopped.Load() {
			return
		}
	}
}

// timerHeap is a 4-ary heap by expiry: shallower than a binary one, and its children share a cache line.
type timerHeap []*Timer

// timeout is how long epoll_wait may sleep, in milliseconds; -1 for ever.
func (h timerHeap) timeout(now int64) int {
	if len(h) == 0 {
		return -1
	}
	return int(min(max(h[0].when-now, 0), 1<<30))
}

func (h timerHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = int32(i)+1, int32(j)+1
}

// up reports whether the timer moved.
func (h timerHeap) up(i int) bool {
	from := i
	for i > 0 {
		parent := (i - 1) / 4
		if h[parent].before(h[i]) {
			break
		}
		h.swap(i, parent)
		i = parent
	}
	return i != from
}

func (h timerHeap) down(i int) {
	for {
		least := i
		for child := 4*i + 1; child <= 4*i+4 && child < len(h); child++ {
			if h[child].before(h[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h *timerHeap) remove(i int) {
	old := *h
	last := len(old) - 1
	t := old[i]
	if i != last {
		old.swap(i, last)
	}
	old[last] = nil
	*h = old[:last]
	if i != last && !h.up(i) {
		h.down(i)
	}
	t.index = 0
}
