package main

// workload is one row of the table.
type workload struct {
	name  string   // matched by -only
	title string   // first column of the table
	unit  string   // of a sample
	conf  string   // conf/<conf>.nginx and conf/<conf>.haproxy
	calls int      // for conf: what a message has the script do
	kinds []string // kinds of targets that can run it
	goal  goal

	// workers is how many the server has where conf leaves it open.
	workers int

	// backend gets the connections that the proxy opens; nil when the
	// workload has no backend.
	backend acceptFunc

	// sample loads the server once and returns one figure.
	sample func(*run) (sample, error)
}

// goal is what weir has to reach; a zero field asks nothing.
type goal struct {
	ratio    float64 // of the better peer's figure
	absolute float64 // in the workload's unit
}

var (
	proxies = []string{kindWeir, kindNginx, kindHAProxy}
	luas    = []string{kindWeir, kindOpenResty}
)

// workloads are run in this order.
var workloads = append([]workload{
	connectWorkload,
	pingPongWorkload(64, 1.0),
	pingPongWorkload(1000, 0.85),
	bulkWorkload,
	idleWorkload,
	luaEchoWorkload(64),
	luaEchoWorkload(1000),
	hookWorkload,
	detectWorkload,
	handoffWorkload,
	handedWorkload,
}, luaCalls...)
