package addr

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Reasons for which a text is no address, in nginx's words.
var (
	ErrHost         = errors.New("invalid host")
	ErrIPv6         = errors.New("invalid IPv6 address")
	errPort         = errors.New("invalid port")
	errPortRange    = errors.New("invalid port range")
	errNoHost       = errors.New("no host")
	errNotFound     = errors.New("host not found")
	errUnixNoPath   = errors.New("no path in the unix domain socket")
	errUnixLongPath = errors.New("too long path in the unix domain socket")
)

// Options say what kind of address a directive takes. The zero value is an upstream server's: host and port, where the
// host may be a name.
type Options struct {
	// Listen allows what only makes sense for one's own addresses: "*", a port alone, a range of ports.
	Listen bool
	// DefaultPort is used when the text names no port.
	DefaultPort uint16
	// NoResolve leaves host names alone: Parsed.Addrs stays empty for them.
	NoResolve bool
	// Lookup finds a name's addresses; nil means SystemLookup.
	Lookup Lookup
}

// Parsed is what a text says.
type Parsed struct {
	Text string
	// Host is the host as written ("[::1]" with its brackets), or the path of a unix socket; empty for a port alone.
	Host string
	// Port is the port, or the first of a range, or the default; 0 for a unix socket.
	Port uint16
	// LastPort ends a range of ports; 0 when there is no range.
	LastPort uint16
	// NoPort tells that the text named no port.
	NoPort bool
	// Addrs are the addresses: one of a literal address, all of a name, one per port of a range.
	Addrs []Addr
}

// Parse reads one address (ngx_parse_url). The error is one of the package's Err values.
func Parse(text string, opt Options) (Parsed, error) {
	p := parser{Parsed: Parsed{Text: text}, opt: opt}
	err := p.parse()
	return p.Parsed, err
}

type parser struct {
	Parsed
	opt Options
}

func (p *parser) parse() error {
	switch {
	case len(p.Text) >= 5 && strings.EqualFold(p.Text[:5], "unix:"):
		return p.unix(p.Text[5:])
	case strings.HasPrefix(p.Text, "["):
		return p.bracketed(p.Text[1:])
	case strings.ContainsAny(p.Text, "/?"):
		return ErrHost
	}
	if p.opt.Listen && !strings.Contains(p.Text, ":") {
		if done, err := p.portAlone(); done {
			return err
		}
	}
	return p.named()
}

func (p *parser) unix(path string) error {
	if path == "" {
		return errUnixNoPath
	}
	if len(path) > maxUnixPath {
		return errUnixLongPath
	}
	p.Host = path
	p.Addrs = []Addr{{Path: path}}
	return nil
}

// bracketed reads what follows the "[" of an IPv6 address.
func (p *parser) bracketed(text string) error {
	host, rest, found := strings.Cut(text, "]")
	if !found || strings.Contains(rest, "/") {
		return ErrHost
	}
	if err := p.portAfter(rest); err != nil {
		return err
	}
	if host == "" {
		return errNoHost
	}
	p.Host = "[" + host + "]"
	ip, ok := parseIPv6(host)
	if !ok {
		return ErrIPv6
	}
	p.add(ip)
	return nil
}

func (p *parser) portAfter(rest string) error {
	if rest == "" {
		p.defaultPort()
		return nil
	}
	if rest[0] != ':' {
		return ErrHost
	}
	return p.ports(rest[1:])
}

func (p *parser) named() error {
	host, port, found := strings.Cut(p.Text, ":")
	if !found {
		p.defaultPort()
	} else if err := p.ports(port); err != nil {
		return err
	}
	if host == "" {
		return errNoHost
	}
	p.Host = host
	if p.opt.Listen && host == "*" {
		p.add(netip.IPv4Unspecified())
		return nil
	}
	if ip, ok := parseIPv4(host); ok {
		p.add(ip)
		return nil
	}
	if p.opt.NoResolve {
		return nil
	}
	return p.resolve(host)
}

func (p *parser) resolve(host string) error {
	lookup := p.opt.Lookup
	if lookup == nil {
		lookup = SystemLookup
	}
	ips, err := lookup(host)
	if err != nil || len(ips) == 0 {
		return errNotFound
	}
	for _, ip := range ips {
		p.add(ip)
	}
	return nil
}

func (p *parser) defaultPort() {
	p.NoPort = true
	p.Port = p.opt.DefaultPort
}

// portAlone reads "80" or "12345-12399"; done is false when the text is a host instead.
func (p *parser) portAlone() (done bool, err error) {
	first, last, ranged := strings.Cut(p.Text, "-")
	if !isNumber(first) || ranged && !isNumber(last) {
		return false, nil
	}
	if err := p.ports(p.Text); err != nil {
		return true, err
	}
	p.add(netip.IPv4Unspecified())
	return true, nil
}

// ports reads a port or, when listening, a range of them.
func (p *parser) ports(text string) error {
	first, last, ranged := strings.Cut(text, "-")
	if !p.opt.Listen {
		first, ranged = text, false
	}
	if ranged {
		n, ok := parsePort(last)
		if !ok {
			return errPort
		}
		p.LastPort = n
	}
	n, ok := parsePort(first)
	if !ok {
		return errPort
	}
	if ranged && n > p.LastPort {
		return errPortRange
	}
	p.Port = n
	return nil
}

func parsePort(text string) (uint16, bool) {
	if !isNumber(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n >= 1
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// add appends ip with the port, or with each port of the range.
func (p *parser) add(ip netip.Addr) {
	last := p.Port
	if p.LastPort != 0 {
		last = p.LastPort
	}
	for port := int(p.Port); port <= int(last); port++ {
		p.Addrs = append(p.Addrs, FromIP(ip, uint16(port)))
	}
}
