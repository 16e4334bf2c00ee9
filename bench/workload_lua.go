package main

// calls is a workload of calls to the ngx.* API: a message has the script
// conf/lua_<name>.nginx do so many of them and come back. A figure is the server's
// CPU time per call.
type calls struct {
	name  string
	title string
	unit  string
	ratio float64 // the goal

	each    int // calls per message, so many that the message's own cost is lost in theirs
	clients int // connections that send messages
	workers int
	backend acceptFunc
	// sessions makes each message a connection of its own: OpenResty's light threads
	// get dearer with each that a session has had.
	sessions bool
}

var luaCalls = []workload{
	calls{name: "re", title: `ngx.re.match, "jo"`, unit: "ns", ratio: 1.2, each: 20_000}.workload(),
	calls{name: "get", title: "ngx.shared: get", unit: "ns", ratio: 1.2, each: 20_000}.workload(),
	calls{name: "incr", title: "ngx.shared: incr", unit: "ns", ratio: 1.2, each: 20_000}.workload(),
	calls{name: "get", title: "ngx.shared: get by two workers", unit: "ns", ratio: 1.2, each: 20_000, workers: 2}.workload(),
	calls{name: "incr", title: "ngx.shared: incr by two workers", unit: "ns", ratio: 1.2, each: 20_000, workers: 2}.workload(),
	calls{name: "thread", title: "ngx.thread.spawn and wait", unit: "µs", ratio: 1.2, each: 100, sessions: true}.workload(),
	calls{name: "var", title: "ngx.var.remote_addr", unit: "ns", ratio: 1.2, each: 20_000}.workload(),
	calls{name: "now", title: "ngx.now", unit: "ns", ratio: 1.2, each: 200_000}.workload(),
	calls{name: "cosocket", title: "cosocket round trip, 64 B, pooled", unit: "µs", ratio: 1, each: 20,
		clients: 16, backend: serveEcho}.workload(),
}

// workload is c as a row of the table.
func (c calls) workload() workload {
	c.clients, c.workers = max(c.clients, 1), max(c.workers, 1)
	name := "lua_" + c.name
	w := workload{name: name, title: c.title, unit: c.unit, conf: name, kinds: luas, goal: goal{ratio: c.ratio},
		workers: c.workers, calls: c.each, backend: c.backend, sample: c.sample}
	if c.workers > 1 {
		w.name += "_workers"
	}
	return w
}

// manyClients are enough that each of two workers has some of their connections.
const manyClients = 16

func (c calls) sample(r *run) (sample, error) {
	s, err := c.messages(r)
	s.Figure /= float64(c.each)
	s.Ops *= int64(c.each)
	if c.unit == "ns" {
		s.Figure *= 1000
	}
	return s, err
}

// messages measures the server's CPU time per message.
func (c calls) messages(r *run) (sample, error) {
	if c.sessions {
		g := startDialers(r.loop, r.front(), c.clients)
		s, err := r.cpuPerOp(&g.ops)
		if err != nil {
			return s, err
		}
		return s, g.drain()
	}
	if c.workers > 1 {
		c.clients = manyClients
	}
	g, err := openPingers(r.loop, r.front(), c.clients)
	if err != nil {
		return sample{}, err
	}
	if c.workers > 1 {
		if err := r.server.spread(); err != nil {
			return sample{}, err
		}
	}
	g.start()
	s, err := r.cpuPerOp(&g.ops)
	if err != nil {
		return s, err
	}
	return s, g.drain()
}
