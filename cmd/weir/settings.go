package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
)

// settings are what the directives outside of stream{} say. It is the Data of their scopes. masterProcess, pcreJIT, lockFile,
// timerResolution and debugPoints have no effect: they are kept so that a second one is refused.
type settings struct {
	loading *loading

	daemon           conf.Value[bool]
	masterProcess    conf.Value[bool]
	pcreJIT          conf.Value[bool]
	pid              conf.Value[string]
	lockFile         conf.Value[string]
	workingDirectory conf.Value[string]
	workers          conf.Value[int64]
	nofile           conf.Value[int64]
	core             conf.Value[int64]
	shutdownTimeout  conf.Value[int64] // milliseconds
	timerResolution  conf.Value[int64]
	debugPoints      conf.Value[bool]
	priority         conf.Value[int64]
	affinity         *affinity
	user             *account
	env              []string // NAME or NAME=value
	errorLog         []logs.Target
	events           *events
}

// workerCount is worker_processes; zero workers, which nginx allows, would serve nobody.
func (s *settings) workerCount() int {
	if !s.workers.Given {
		return 1
	}
	return max(1, int(s.workers.V))
}

// shutdown is worker_shutdown_timeout, which holds for the sessions of a generation that was replaced, too.
func (s *settings) shutdown() time.Duration {
	return time.Duration(s.shutdownTimeout.V) * time.Millisecond
}

func setter(fn func(c *settings, n *conf.Node) error) conf.Setter {
	return func(s *conf.Scope, n *conf.Node) error { return fn(s.Data.(*settings), n) }
}

// mainDirectives are those of ngx_core_module and a few of other modules that stand in the main context.
var mainDirectives = []conf.Directive{
	{Name: "daemon", In: conf.InMain, Args: conf.Flag,
		Set: conf.Field(func(c *settings) *conf.Value[bool] { return &c.daemon }, (*conf.Node).Flag)},
	{Name: "master_process", In: conf.InMain, Args: conf.Flag,
		Set: conf.Field(func(c *settings) *conf.Value[bool] { return &c.masterProcess }, (*conf.Node).Flag)},
	{Name: "pcre_jit", In: conf.InMain, Args: conf.Flag,
		Set: conf.Field(func(c *settings) *conf.Value[bool] { return &c.pcreJIT }, (*conf.Node).Flag)},
	{Name: "pid", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[string] { return &c.pid }, (*conf.Node).Str)},
	{Name: "lock_file", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[string] { return &c.lockFile }, (*conf.Node).Str)},
	{Name: "working_directory", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[string] { return &c.workingDirectory }, (*conf.Node).Str)},
	{Name: "worker_processes", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.workers }, readWorkers)},
	{Name: "worker_rlimit_nofile", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.nofile }, (*conf.Node).Int)},
	{Name: "worker_rlimit_core", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.core }, (*conf.Node).Offset)},
	{Name: "worker_shutdown_timeout", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.shutdownTimeout }, (*conf.Node).Msec)},
	{Name: "timer_resolution", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.timerResolution }, (*conf.Node).Msec)},
	{Name: "debug_points", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[bool] { return &c.debugPoints }, readDebugPoints)},
	{Name: "worker_priority", In: conf.InMain, Args: conf.Take1,
		Set: conf.Field(func(c *settings) *conf.Value[int64] { return &c.priority }, readPriority)},
	{Name: "worker_cpu_affinity", In: conf.InMain, Args: conf.OneMore, Set: setter(setAffinity)},
	{Name: "user", In: conf.InMain, Args: conf.Take12, Set: setter(setUser)},
	{Name: "env", In: conf.InMain, Args: conf.Take1, Set: setter(setEnv)},
	{Name: "error_log", In: conf.InMain, Args: conf.OneMore, Set: setter(setErrorLog)},
	{Name: "load_module", In: conf.InMain, Args: conf.Take1, Set: setter(setLoadModule)},
	{Name: "thread_pool", In: conf.InMain, Args: conf.Take23, Set: accept},
	{Name: "ssl_engine", In: conf.InMain, Args: conf.Take1, Set: accept},
	{Name: "http", In: conf.InMain, Args: conf.Block | conf.NoArgs, Set: notServed},
	{Name: "mail", In: conf.InMain, Args: conf.Block | conf.NoArgs, Set: notServed},
	{Name: "events", In: conf.InMain, Args: conf.Block | conf.NoArgs, Set: setEvents},
}

// accept takes a directive for something that weir has no need of.
func accept(*conf.Scope, *conf.Node) error { return nil }

func notServed(_ *conf.Scope, n *conf.Node) error {
	return n.Errorf(`"%s" is not served by weir, which serves "stream" only,`, n.Name)
}

func readWorkers(n *conf.Node) (int64, error) {
	if n.Args[0] == "auto" {
		return int64(runtime.NumCPU()), nil
	}
	workers, ok := conf.ParseInt(n.Args[0])
	if !ok {
		return 0, n.Directivef("invalid value")
	}
	if workers > maxWorkers {
		return 0, n.Directivef("must be at most %d", maxWorkers)
	}
	return workers, nil
}

// maxWorkers bounds worker_processes: each is a thread with a loop and a Lua VM.
const maxWorkers = 1024

func readDebugPoints(n *conf.Node) (bool, error) {
	if n.Args[0] != "stop" && n.Args[0] != "abort" {
		return false, n.InvalidValue(n.Args[0])
	}
	return true, nil
}

func readPriority(n *conf.Node) (int64, error) {
	digits := n.Args[0]
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	priority, ok := conf.ParseInt(digits)
	if !ok {
		return 0, n.Directivef("invalid number")
	}
	if negative {
		priority = -priority
	}
	return priority, nil
}

func setEnv(c *settings, n *conf.Node) error {
	c.env = append(c.env, n.Args[0])
	return nil
}

func setErrorLog(c *settings, n *conf.Node) error {
	target, err := c.loading.logs.ErrorLog(n.Args, c.loading.paths.full)
	if err != nil {
		return err
	}
	c.errorLog = append(c.errorLog, target)
	return nil
}

func setLoadModule(c *settings, n *conf.Node) error {
	c.loading.warn(n, fmt.Sprintf(`"load_module" of "%s" is ignored: weir has no loadable modules`, n.Args[0]))
	return nil
}
