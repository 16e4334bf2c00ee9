package ngx

import (
	"os"

	"github.com/weirproxy/weir/internal/luajit"
)

// workerFamily is ngx.worker (lib/resty/core/worker.lua).
var workerFamily = family{
	name: "worker",
	lua:  "worker.lua",
	primitives: []primitive{
		{name: "worker_pid", run: func(_ *machine, c *luajit.Call) luajit.Outcome {
			c.PushInt(os.Getpid())
			return luajit.Return
		}},
		{name: "worker_id", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			if m.worker == nil {
				c.PushNil()
			} else {
				c.PushInt(m.id)
			}
			return luajit.Return
		}},
		{name: "worker_count", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			c.PushInt(m.workerCount())
			return luajit.Return
		}},
		{name: "worker_exiting", run: func(m *machine, c *luajit.Call) luajit.Outcome {
			c.PushBool(m.exiting())
			return luajit.Return
		}},
	},
}

// workerCount is how many workers there are.
func (m *machine) workerCount() int { return m.config.WorkerProcesses }
