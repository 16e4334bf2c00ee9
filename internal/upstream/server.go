package upstream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// ServerParser reads the arguments of a server directive.
type ServerParser struct {
	// Method is the one the block has named so far; hash and random refuse "backup" after them.
	Method Method
	// Lookup finds names' addresses; nil means the system's resolver.
	Lookup addr.Lookup
}

// Parse reads the address and the parameters of one server. Errors are nginx's texts without the place.
func (sp ServerParser) Parse(args []string) (ServerConf, error) {
	s := ServerConf{Weight: 1, MaxFails: 1, FailTimeout: 10}
	for _, arg := range args[1:] {
		if err := sp.parameter(&s, arg); err != nil {
			return s, err
		}
	}
	if s.Service != "" && !s.Resolve {
		return s, fmt.Errorf("service upstream \"%s\" requires \"resolve\" parameter", args[0])
	}
	return s, sp.address(&s, args[0])
}

func (sp ServerParser) parameter(s *ServerConf, arg string) error {
	name, value, assigned := strings.Cut(arg, "=")
	if !assigned {
		return sp.flag(s, arg)
	}
	ok := false
	switch name {
	case "weight":
		s.Weight, ok = count(value)
		ok = ok && s.Weight > 0
	case "max_conns":
		s.MaxConns, ok = count(value)
	case "max_fails":
		s.MaxFails, ok = count(value)
	case "fail_timeout":
		s.FailTimeout, ok = conf.ParseSec(value)
	case "service":
		if value == "" {
			return errors.New("service is empty")
		}
		s.Service, ok = value, true
	}
	if !ok {
		return fmt.Errorf("invalid parameter \"%s\"", arg)
	}
	return nil
}

func (sp ServerParser) flag(s *ServerConf, arg string) error {
	switch arg {
	case "backup":
		if !sp.Method.allowsBackup() {
			return fmt.Errorf("balancing method does not support parameter \"%s\"", arg)
		}
		s.Backup = true
	case "down":
		s.Down = true
	case "resolve":
		s.Resolve = true
	default:
		return fmt.Errorf("invalid parameter \"%s\"", arg)
	}
	return nil
}

func (sp ServerParser) address(s *ServerConf, text string) error {
	a, err := addr.Parse(text, addr.Options{NoResolve: s.Resolve, Lookup: sp.Lookup})
	if err != nil {
		return fmt.Errorf("%w in upstream \"%s\"", err, text)
	}
	s.Name, s.Host, s.Port, s.Addrs = text, a.Host, a.Port, a.Addrs
	switch {
	case a.NoPort && s.Service == "":
		return fmt.Errorf("no port in upstream \"%s\"", text)
	case s.Service != "" && !a.NoPort:
		return fmt.Errorf("service upstream \"%s\" may not have port", text)
	case s.Service != "" && len(a.Addrs) > 0:
		return fmt.Errorf("service upstream \"%s\" requires domain name", text)
	}
	// An address needs no resolving, whatever the parameter says.
	s.Resolve = s.Resolve && len(a.Addrs) == 0
	return nil
}

func count(text string) (int, bool) {
	n, ok := conf.ParseInt(text)
	return int(n), ok
}
