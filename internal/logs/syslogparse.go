package logs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const syslogPort = 514

// maxUnixPath is the longest path of a unix socket, without the final zero.
const maxUnixPath = 107

var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp",
	"audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// syslogServer is what a `syslog:` destination says.
type syslogServer struct {
	Server     string        // as written
	Addr       unix.Sockaddr // of a UDP or a unix datagram socket
	Facility   int           // 0 to 23
	Severity   int           // of access logs, 0 to 7; a line of the error log has its own
	Tag        string
	NoHostname bool
}

// parseSyslog reads a destination `syslog:server=address[:port]|unix:path[,facility=…][,severity=…][,tag=…][,nohostname]`.
// A host name is looked up at once. Errors have nginx's wording (ngx_syslog_parse_args).
func parseSyslog(destination string) (syslogServer, error) {
	s := syslogServer{Facility: -1, Severity: -1}
	tagged := false
	for _, param := range strings.Split(strings.TrimPrefix(destination, "syslog:"), ",") {
		name, value, found := strings.Cut(param, "=")
		if !found {
			name = ""
		}
		var err error
		switch {
		case name == "server":
			err = s.setServer(value)
		case name == "facility":
			err = setNamed(&s.Facility, name, value, facilities)
		case name == "severity":
			err = setNamed(&s.Severity, name, value, levelNames[1:])
		case name == "tag" && tagged:
			err = errors.New(`duplicate syslog "tag"`)
		case name == "tag":
			tagged = true
			err = s.setTag(value)
		case param == "nohostname":
			s.NoHostname = true
		default:
			err = errors.New("unknown syslog parameter " + quote(param))
		}
		if err != nil {
			return syslogServer{}, err
		}
	}
	if s.Addr == nil {
		return syslogServer{}, errors.New("no syslog server specified")
	}
	if s.Facility < 0 {
		s.Facility = slices.Index(facilities, "local7")
	}
	if s.Severity < 0 {
		s.Severity = int(Info - Emerg)
	}
	if !tagged {
		s.Tag = "nginx"
	}
	return s, nil
}

func setNamed(field *int, name, value string, names []string) error {
	if *field >= 0 {
		return fmt.Errorf("duplicate syslog %s", quote(name))
	}
	*field = slices.Index(names, value)
	if *field < 0 {
		return fmt.Errorf("unknown syslog %s %s", name, quote(value))
	}
	return nil
}

// setTag takes RFC 3164's TAG: at most 32 letters and digits, and nginx's underscore.
func (s *syslogServer) setTag(tag string) error {
	if len(tag) > 32 {
		return errors.New("syslog tag length exceeds 32")
	}
	for _, c := range []byte(tag) {
		lower := c | 0x20
		if c != '_' && (c < '0' || c > '9') && (lower < 'a' || lower > 'z') {
			return errors.New(`syslog "tag" only allows alphanumeric characters and underscore`)
		}
	}
	s.Tag = tag
	return nil
}

func (s *syslogServer) setServer(url string) error {
	if s.Addr != nil {
		return errors.New(`duplicate syslog "server"`)
	}
	addr, err := parseServer(url)
	if err != nil {
		return fmt.Errorf("%w in syslog server %s", err, quote(url))
	}
	s.Server, s.Addr = url, addr
	return nil
}

// parseServer reads an address as ngx_parse_url does.
func parseServer(url string) (unix.Sockaddr, error) {
	if len(url) >= 5 && strings.EqualFold(url[:5], "unix:") {
		return parseUnix(url[5:])
	}
	if strings.ContainsAny(url, "/?") {
		return nil, errors.New("invalid host")
	}
	if rest, ok := strings.CutPrefix(url, "["); ok {
		return parseInet6(rest)
	}
	host, portText, hasPort := strings.Cut(url, ":")
	port, err := parsePort(portText, hasPort)
	if err != nil {
		return nil, err
	}
	if host == "" {
		return nil, errors.New("no host")
	}
	return resolve(host, port)
}

func parseUnix(path string) (unix.Sockaddr, error) {
	if path == "" {
		return nil, errors.New("no path in the unix domain socket")
	}
	if len(path) > maxUnixPath {
		return nil, errors.New("too long path in the unix domain socket")
	}
	return &unix.SockaddrUnix{Name: path}, nil
}

// parseInet6 reads what follows the opening bracket.
func parseInet6(rest string) (unix.Sockaddr, error) {
	host, portText, closed := strings.Cut(rest, "]")
	if !closed || portText != "" && portText[0] != ':' {
		return nil, errors.New("invalid host")
	}
	port, err := parsePort(strings.TrimPrefix(portText, ":"), portText != "")
	if err != nil {
		return nil, err
	}
	if host == "" {
		return nil, errors.New("no host")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return nil, errors.New("invalid IPv6 address")
	}
	return &unix.SockaddrInet6{Addr: ip.As16(), Port: port}, nil
}

func parsePort(text string, given bool) (int, error) {
	if !given {
		return syslogPort, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("invalid port")
	}
	return int(port), nil
}

func resolve(host string, port int) (unix.Sockaddr, error) {
	found, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return nil, errors.New("host not found")
	}
	if ip4 := found.IP.To4(); ip4 != nil {
		return &unix.SockaddrInet4{Addr: [4]byte(ip4), Port: port}, nil
	}
	return &unix.SockaddrInet6{Addr: [16]byte(found.IP.To16()), Port: port}, nil
}
