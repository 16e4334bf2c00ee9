package logs

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseSyslogErrors(t *testing.T) {
	for args, want := range map[string]string{
		"":                                        `unknown syslog parameter ""`,
		"nohostname":                              `no syslog server specified`,
		"server=127.0.0.1,server=127.0.0.1":       `duplicate syslog "server"`,
		"server=127.0.0.1:0":                      `invalid port in syslog server "127.0.0.1:0"`,
		"server=127.0.0.1:":                       `invalid port in syslog server "127.0.0.1:"`,
		"server=:514":                             `no host in syslog server ":514"`,
		"server=a/b":                              `invalid host in syslog server "a/b"`,
		"server=[::1":                             `invalid host in syslog server "[::1"`,
		"server=[::g]":                            `invalid IPv6 address in syslog server "[::g]"`,
		"server=unix:":                            `no path in the unix domain socket in syslog server "unix:"`,
		"server=no-such-host.invalid":             `host not found in syslog server "no-such-host.invalid"`,
		"server=127.0.0.1,facility=x":             `unknown syslog facility "x"`,
		"facility=user,facility=user":             `duplicate syslog "facility"`,
		"server=127.0.0.1,severity=warning":       `unknown syslog severity "warning"`,
		"severity=warn,severity=info":             `duplicate syslog "severity"`,
		"tag=a,tag=b":                             `duplicate syslog "tag"`,
		"tag=" + strings.Repeat("a", 33):          `syslog tag length exceeds 32`,
		"tag=a-b":                                 `syslog "tag" only allows alphanumeric characters and underscore`,
		"server=127.0.0.1,loud":                   `unknown syslog parameter "loud"`,
		"server=127.0.0.1,nohostname=yes":         `unknown syslog parameter "nohostname=yes"`,
		"server=127.0.0.1,":                       `unknown syslog parameter ""`,
		"server=unix:" + strings.Repeat("a", 108): `too long path in the unix domain socket in syslog server "unix:` + strings.Repeat("a", 108) + `"`,
	} {
		if _, err := parseSyslog("syslog:" + args); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", args, err, want)
		}
	}
}

func TestParseSyslog(t *testing.T) {
	got, err := parseSyslog("syslog:tag=_A1,server=[::1]:99,facility=authpriv,severity=crit,nohostname")
	if err != nil {
		t.Fatal(err)
	}
	addr := *got.Addr.(*unix.SockaddrInet6)
	got.Addr = nil
	want := syslogServer{Server: "[::1]:99", Facility: 10, Severity: 2, Tag: "_A1", NoHostname: true}
	if got != want || addr.Port != 99 || addr.Addr[15] != 1 {
		t.Errorf("got %+v %+v", got, addr)
	}
	got, err = parseSyslog("syslog:server=127.0.0.1")
	if err != nil || got.Facility != 23 || got.Severity != 6 || got.Tag != "nginx" || got.Addr.(*unix.SockaddrInet4).Port != 514 {
		t.Errorf("defaults: %+v %v", got, err)
	}
}

// listener is a syslog server.
type listener struct {
	net.PacketConn
	t *testing.T
}

func listen(t *testing.T, network, address string) listener {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return listener{conn, t}
}

func (l listener) expect(pattern string) {
	l.t.Helper()
	buf := make([]byte, 2*maxLine)
	_ = l.SetReadDeadline(time.Now().Add(patience))
	n, _, err := l.ReadFrom(buf)
	if err != nil {
		l.t.Fatal(err)
	}
	if !regexp.MustCompile(pattern).Match(buf[:n]) {
		l.t.Errorf("got %q, want %s", buf[:n], pattern)
	}
}

func (f *fixture) syslog(t *testing.T, params string) *Syslog {
	t.Helper()
	s, err := f.gen.Syslog("syslog:" + params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const syslogTime = `[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `

func TestSyslogUDP(t *testing.T) {
	f := newFixture(t, Info)
	server := listen(t, "udp", "127.0.0.1:0")
	s := f.syslog(t, "server="+server.LocalAddr().String())
	log := f.NewLog(Target{Level: Info, Syslog: s})
	f.Start()
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	head := syslogTime + regexp.QuoteMeta(strings.ToLower(hostname)) + " nginx: "
	log.Write(Error, 5, "an error")
	server.expect(`^<187>` + head + `\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+#\d+: \*5 an error$`)
	log.Write(Emerg, 0, strings.Repeat("a", 2*maxLine))
	server.expect(`^<184>` + head + `.*a$`)
	log.Write(Stderr, 0, "no level")
	server.expect(`^<184>`)
	s.Write([]byte("GET /"))
	server.expect(`^<190>` + head + `GET /$`)
}

func TestSyslogUnixComesBack(t *testing.T) {
	f := newFixture(t, Info)
	path := filepath.Join(f.dir, "log.sock")
	s := f.syslog(t, "server=unix:"+path+",facility=user,severity=alert,tag=SEE,nohostname")
	s.Write([]byte("nobody listens"))
	s.Write([]byte("nobody listens"))
	want := `[alert] `
	text := read(t, f.path)
	if !strings.Contains(text, want) || strings.Count(text, `connect() failed (2: No such file or directory) while logging to syslog, server: unix:`+path) != 1 {
		t.Errorf("error log has %q", text)
	}
	f.Start()
	for range 2 {
		server := listen(t, "unixgram", path)
		s.Write([]byte("hello"))
		server.expect(`^<9>` + syslogTime + `SEE: hello$`)
		f.flush(t)
		server.Close()
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

func TestSyslogThatReportsToItself(t *testing.T) {
	f := newFixture(t, Info)
	s := f.syslog(t, "server=unix:"+f.in("nobody"))
	log := f.NewLog(Target{Level: Info, Syslog: s}, Target{Level: Info, File: f.gen.File(f.path)})
	f.SetLog(log)
	log.Write(Error, 0, "once")
	if got := lines(t, f.path); len(got) != 2 {
		t.Errorf("error log has %q", got)
	}
}

func TestSyslogDoesNotWaitForItsServer(t *testing.T) {
	f := newFixture(t, Info)
	f.setQueueSize(4096)
	path := filepath.Join(f.dir, "log.sock")
	server := listen(t, "unixgram", path)
	s := f.syslog(t, "server=unix:"+path)
	f.Start()
	began := time.Now()
	for range 5000 {
		s.Write([]byte(strings.Repeat("x", 200)))
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
	server.Close() // what is queued fails at once
	f.flush(t)
	f.flush(t)
	if text := read(t, f.path); !strings.Contains(text, "while logging to syslog, server: unix:") {
		t.Errorf("error log has %q", text)
	}
}

func FuzzParseSyslog(f *testing.F) {
	for _, seed := range []string{
		"server=127.0.0.1:514,facility=user,severity=alert,tag=x,nohostname", "server=[::1]:1", "server=unix:/a", ",,", "tag==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, params string) {
		if looksUpName(params) {
			return
		}
		s, err := parseSyslog("syslog:" + params)
		if err != nil {
			return
		}
		if s.Addr == nil || s.Facility < 0 || s.Facility > 23 || s.Severity < 0 || s.Severity > 7 || len(s.Tag) > 32 {
			t.Fatalf("%q: %+v", params, s)
		}
	})
}

// looksUpName keeps the fuzzer off the network.
func looksUpName(params string) bool {
	for _, param := range strings.Split(params, ",") {
		server, ok := strings.CutPrefix(param, "server=")
		if !ok || strings.HasPrefix(server, "[") || strings.HasPrefix(strings.ToLower(server), "unix:") {
			continue
		}
		host, _, _ := strings.Cut(server, ":")
		if net.ParseIP(host) == nil {
			return true
		}
	}
	return false
}
