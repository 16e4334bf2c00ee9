package main

import (
	"fmt"
	"os"

	"github.com/weirproxy/weir/internal/logs"
	"golang.org/x/sys/unix"
)

// limit sets the process's resource limits: as many descriptors as the system allows, unless worker_rlimit_nofile
// says how many. What the system refuses stays as it is (ngx_worker_process_init).
func (p *process) limit(s *settings) {
	if s.core.Given {
		p.setLimit(unix.RLIMIT_CORE, "RLIMIT_CORE", uint64(s.core.V))
	}
	if descriptors, err := s.descriptors(); err != nil {
		p.log.Write(logs.Alert, 0, err.Error())
	} else {
		p.setLimit(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", descriptors)
	}
}

// setLimit leaves the hard limit where it is, if it is high enough, so that a reload can raise the soft one.
func (p *process) setLimit(resource int, name string, value uint64) {
	now, err := getLimit(resource)
	if err == nil {
		err = unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: max(value, now.Max)})
	}
	if err != nil {
		p.log.Write(logs.Alert, 0, logs.ErrnoText(fmt.Sprintf("setrlimit(%s, %d) failed", name, value), err))
	}
}

func getLimit(resource int) (now unix.Rlimit, err error) {
	err = unix.Getrlimit(resource, &now)
	return now, os.NewSyscallError("getrlimit", err)
}

// descriptors is how many the process may have by the settings.
func (s *settings) descriptors() (uint64, error) {
	if s.nofile.Given {
		return uint64(s.nofile.V), nil
	}
	now, err := getLimit(unix.RLIMIT_NOFILE)
	return now.Max, err
}
