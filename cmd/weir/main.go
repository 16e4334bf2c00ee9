// Command weir is a layer-4 server that reads nginx's stream configuration.
//
// It is one process. What it does in order, whatever the flags:
//
//	flags.go      the command line
//	load.go       a configuration: settings.go and events.go are the directives outside of stream{}
//	start.go      the first generation: sockets, Lua, the pid file, then the workers run
//	daemon.go     the same in the background: the command returns when the sockets listen
//	signals.go    HUP, USR1, QUIT, TERM; reload.go is the next generation
//
// With -t check.go reads the configuration and tries its files; with -s signaller.go tells the running process.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	o, err := parseOptions(args)
	if err != nil {
		complain(err.Error())
		return 1
	}
	if o.showVersion {
		printVersion(os.Stderr, o)
		if !o.test {
			return 0
		}
	}
	p, err := newProcess(o)
	if err != nil {
		complain("[emerg] " + err.Error())
		return 1
	}
	defer p.files.Close(flushTimeout)
	switch {
	case o.test:
		return p.test()
	case o.signal != "":
		return p.sendSignal(o.signal)
	default:
		return p.serve()
	}
}

// complain writes a message for the user's terminal, as nginx's ngx_log_stderr does.
func complain(message string) { os.Stderr.WriteString("weir: " + message + "\n") }
