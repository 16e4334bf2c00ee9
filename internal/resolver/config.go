package resolver

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

// Config is a resolver directive.
type Config struct {
	// Servers are the name servers; unix sockets are not allowed.
	Servers []addr.Addr
	// Valid is how long answers are kept; 0 means as long as their TTL says.
	Valid time.Duration
	// NoIPv4 and NoIPv6 leave out the query for A, or for AAAA, records.
	NoIPv4, NoIPv6 bool
	// Resend is how long a server has to answer before the next is asked; 0 means five seconds, as in nginx.
	Resend time.Duration
}

// Parser reads the arguments of a resolver directive.
type Parser struct {
	// Lookup finds the addresses of name servers that are given by name; nil means the system's resolver.
	Lookup addr.Lookup
	// Seconds reads a configuration's time ("10", "1m"); ok is false for anything else. It is conf.ParseSec, which this
	// package stands too low to know.
	Seconds func(text string) (seconds int64, ok bool)
	// ResolvConf is the file that local=on reads; empty means /etc/resolv.conf.
	ResolvConf string
}

// Parse reads the servers and parameters (ngx_resolver_create; local=on is OpenResty's). Errors are nginx's texts
// without the place.
func (p Parser) Parse(args []string) (Config, error) {
	var c Config
	for _, arg := range args {
		if err := p.argument(&c, arg); err != nil {
			return c, err
		}
	}
	if c.NoIPv4 && c.NoIPv6 {
		return c, errors.New(`"ipv4" and "ipv6" cannot both be "off"`)
	}
	if len(args) > 0 && len(c.Servers) == 0 {
		return c, errors.New("no name servers defined")
	}
	return c, nil
}

func (p Parser) argument(c *Config, arg string) error {
	name, value, _ := strings.Cut(arg, "=")
	on, ok := value == "on", value == "on" || value == "off"
	switch name {
	case "valid":
		var seconds int64
		seconds, ok = p.Seconds(value)
		c.Valid = time.Duration(seconds) * time.Second
	case "ipv4":
		c.NoIPv4 = !on
	case "ipv6":
		c.NoIPv6 = !on
	case "local":
		if on {
			return p.local(c)
		}
	case "status_zone":
		ok = value != ""
	default:
		return p.server(c, arg)
	}
	if !ok {
		return fmt.Errorf("invalid parameter: %s", arg)
	}
	return nil
}

func (p Parser) server(c *Config, text string) error {
	a, err := addr.Parse(text, addr.Options{DefaultPort: 53, Lookup: p.Lookup})
	if err == nil && a.Addrs[0].IsUnix() {
		err = addr.ErrHost
	}
	if err != nil {
		return fmt.Errorf("%w in resolver \"%s\"", err, text)
	}
	c.Servers = append(c.Servers, a.Addrs...)
	return nil
}

// local adds the name servers of resolv.conf.
func (p Parser) local(c *Config) error {
	path := p.ResolvConf
	if path == "" {
		path = "/etc/resolv.conf"
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if ip, ok := addr.ParseIP(fields[1]); ok {
			c.Servers = append(c.Servers, addr.FromIP(ip, 53))
		}
	}
	return lines.Err()
}
