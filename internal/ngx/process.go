package ngx

import (
	"os"
	"syscall"

	"github.com/weirproxy/weir/internal/luajit"
)

// processFamily is the module "ngx.process".
var processFamily = family{
	name:    "process",
	modules: map[string]string{"ngx.process": "process.lua"},
	primitives: []primitive{
		{name: "process_pid", run: func(_ *machine, c *luajit.Call) luajit.Outcome {
			c.PushInt(os.Getpid())
			return luajit.Return
		}},
		{name: "process_quit", run: quitProcess},
	},
}

// quitProcess ends the process gracefully, as the signal does.
func quitProcess(_ *machine, _ *luajit.Call) luajit.Outcome {
	_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
	return luajit.Return
}
