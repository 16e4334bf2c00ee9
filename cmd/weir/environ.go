package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// filterEnviron leaves of the environment what env directives name, and TZ, as nginx does for its workers
// (ngx_set_environment). init_by_lua of the first generation has still seen all of it. Only what differs is touched.
func (p *process) filterEnviron(directives []string) {
	wanted := wantedEnviron(p.environ, directives)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, keep := wanted[name]; !keep {
			os.Unsetenv(name)
		}
	}
	for name, value := range wanted {
		if now, set := os.LookupEnv(name); !set || now != value {
			os.Setenv(name, value)
		}
	}
}

func wantedEnviron(original, directives []string) map[string]string {
	wanted := map[string]string{}
	for _, d := range append(slices.Clone(directives), "TZ") {
		name, value, assigned := strings.Cut(d, "=")
		if _, given := wanted[name]; given {
			continue
		}
		if assigned {
			wanted[name] = value
			continue
		}
		for _, entry := range original {
			if value, found := strings.CutPrefix(entry, name+"="); found {
				wanted[name] = value
			}
		}
	}
	return wanted
}

// setZone makes Go write times in the zone that TZ names, as an env directive may have set it; C and Lua read it by
// themselves. It is called before there are other goroutines that ask for the time.
func (p *process) setZone(name string) {
	if name == "" {
		return
	}
	zone, err := time.LoadLocation(strings.TrimPrefix(name, ":"))
	if err != nil {
		p.log.Write(logs.Warn, 0, "TZ: "+err.Error())
		return
	}
	time.Local = zone
}
