package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/weirproxy/weir/internal/stream"
)

const version = "0.1.0"

// printVersion is -v, -V and -h. Programs parse what -V says for what is there, so it says what is true: a module that
// nginx builds by default and weir lacks is switched off by name, one that nginx builds on demand is simply not named.
func printVersion(w io.Writer, o *options) {
	fmt.Fprintf(w, "weir version: weir/%s\nnginx version: nginx/%s (whose configuration is understood)\n", version, stream.NginxVersion)
	if o.showHelp {
		io.WriteString(w, usage)
	}
	if o.showBuild {
		fmt.Fprintf(w, "built by %s\nconfigure arguments: %s\n", runtime.Version(), strings.Join(configureArguments(), " "))
	}
}

const usage = `Usage: weir [-?hvVtTq] [-s signal] [-p prefix]
            [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to the running process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: ` + defaultPrefix + `)
  -e filename   : set error log file (default: ` + defaultErrorLog + `)
  -c filename   : set configuration file (default: ` + defaultConf + `)
  -g directives : set global directives out of configuration file

`

// byDefault are the stream modules that nginx has unless it is told not to; onDemand those that it must be told.
var (
	byDefault = []string{"access", "geo", "limit_conn", "map", "pass", "return", "set", "split_clients"}
	onDemand  = []string{"realip", "ssl", "ssl_preread", "lua"}
	// lacking are other balancers of nginx.
	lacking = []string{"upstream_least_time"}
)

func configureArguments() []string {
	there := map[string]bool{}
	for _, m := range modules {
		there[m.Name] = true
	}
	args := []string{"--with-stream", "--without-http", "--without-mail_pop3_module", "--without-mail_imap_module",
		"--without-mail_smtp_module"}
	for _, name := range onDemand {
		if there[name] {
			args = append(args, "--with-stream_"+name+"_module")
		}
	}
	for _, name := range append(byDefault, lacking...) {
		if !there[name] {
			args = append(args, "--without-stream_"+name+"_module")
		}
	}
	return args
}
