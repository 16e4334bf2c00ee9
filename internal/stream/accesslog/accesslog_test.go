package accesslog_test

import (
	"compress/gzip"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/accesslog"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

var modules = []*stream.Module{setvar.Module, returns.Module, accesslog.Module, {Name: "none",
	Variables: []stream.Variable{{Name: "none",
		Get: func(_ *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) { return dst, false }}}}}

func start(t *testing.T, text string) *streamtest.Server {
	return streamtest.Start(t, text, modules...)
}

// logged is a log's text after one session.
func logged(t *testing.T, text string) string {
	s := start(t, text)
	s.Ask(0, "")
	s.Settle()
	return s.File("a.log")
}

func TestFormats(t *testing.T) {
	for _, tc := range []struct{ format, value, want string }{
		{`"$v|$status"`, "x", "x|200"},
		{`"$v" "-" "${v}y"`, "x", "x-xy"},
		{`$v`, "\x01\x7f\"é\\\\", `\x01\x7F\x22\xC3\xA9\x5C`},
		{`escape=default $v`, "\t", `\x09`},
		{`escape=json $v`, "\t\x01é\\\\'", `\t\u0001é\\'`},
		{`escape=none $v`, "\té", "\té"},
		{`$none`, "", "-"},
		{`escape=json "<$none>"`, "", "<>"},
		{`escape=none "<$none>"`, "", "<>"},
		{`"<$v>"`, "", "<>"},
	} {
		got := logged(t, `log_format f `+tc.format+`; access_log a.log f;
			server { listen unix:%DIR%/s; set $v "`+strings.ReplaceAll(tc.value, `"`, `\"`)+`"; return ok; }`)
		if got != tc.want+"\n" {
			t.Errorf("%s %q: %q, want %q", tc.format, tc.value, got, tc.want)
		}
	}
}

func TestLevels(t *testing.T) {
	const formats = `log_format f $remote_addr; log_format g $bytes_sent; `
	for _, tc := range []struct{ text, want string }{
		{`access_log a.log f; server { listen unix:%DIR%/s; return ok; }`, "unix:\n"},
		{`access_log a.log f; server { listen unix:%DIR%/s; return ok; access_log a.log g; }`, "2\n"},
		{`access_log a.log f; access_log a.log G; server { listen unix:%DIR%/s; return ok; }`, "unix:\n2\n"},
		{`access_log a.log f; server { listen unix:%DIR%/s; return ok; access_log off; }`, ""},
		{`access_log off; server { listen unix:%DIR%/s; return ok; access_log a.log f; }`, "unix:\n"},
		{`server { listen unix:%DIR%/s; return ok; access_log a.log f if=$v; set $v 0; }`, ""},
		{`server { listen unix:%DIR%/s; return ok; access_log a.log f if=$v; set $v ""; }`, ""},
		{`server { listen unix:%DIR%/s; return ok; access_log a.log f if=$v; set $v 00; }`, "unix:\n"},
	} {
		if got := logged(t, formats+tc.text+` server { listen unix:%DIR%/x; access_log a.log g; }`); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.text, got, tc.want)
		}
	}
}

func TestVariablesInPath(t *testing.T) {
	s := start(t, `log_format f $protocol; open_log_file_cache max=2;
		server { listen unix:%DIR%/s; return ok; access_log $protocol/$status.log f; }
		server { listen unix:%DIR%/x; return ok; access_log $protocol-x.log f; open_log_file_cache off; }`)
	if err := os.Mkdir(filepath.Join(s.Dir, "TCP"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Ask(0, "")
	s.Ask(0, "")
	s.Ask(1, "")
	s.Settle()
	if got := s.File("TCP/200.log") + s.File("TCP-x.log"); got != "TCP\nTCP\nTCP\n" {
		t.Errorf("%q", got)
	}
}

func TestBuffered(t *testing.T) {
	s := start(t, `log_format f $protocol;
		server { listen unix:%DIR%/s; return ok; access_log a.log f buffer=1k; access_log b.log f gzip=9; }`)
	s.Ask(0, "")
	s.Settle()
	if got := s.File("a.log"); got != "" {
		t.Errorf("%q was not buffered", got)
	}
	s.Files.Flush(time.Second)
	if got := s.File("a.log"); got != "TCP\n" {
		t.Errorf("%q", got)
	}
	z, err := gzip.NewReader(strings.NewReader(s.File("b.log")))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); string(text) != "TCP\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestSyslog(t *testing.T) {
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	sink.SetReadDeadline(time.Now().Add(5 * time.Second))
	s := start(t, `log_format f $protocol; server { listen unix:%DIR%/s; return ok;
		access_log syslog:server=`+sink.LocalAddr().String()+`,tag=weir f; }`)
	s.Ask(0, "")
	buf := make([]byte, 256)
	n, _, err := sink.ReadFrom(buf)
	if got := string(buf[:n]); err != nil || !strings.HasPrefix(got, "<190>") || !strings.HasSuffix(got, " weir: TCP") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, modules...)
	const f = "log_format f $status; "
	for text, want := range map[string]string{
		`log_format f;`:                                     `invalid number of arguments in "log_format" directive in nginx.conf:2`,
		f + `log_format f x;`:                               `duplicate "log_format" name "f" in nginx.conf:2`,
		`log_format f escape=x y;`:                          `unknown log format escaping "x" in nginx.conf:2`,
		`log_format f a$;`:                                  `invalid parameter "$" in nginx.conf:2`,
		`log_format f "a$- $b";`:                            `invalid parameter "$- $b" in nginx.conf:2`,
		`log_format f ${a;`:                                 `the closing bracket in "a" variable is missing in nginx.conf:2`,
		`log_format f $nope;`:                               `unknown "nope" variable`,
		`log_format f $1;`:                                  `unknown "1" variable`,
		`access_log a.log;`:                                 `log format is not specified in nginx.conf:2`,
		`access_log a.log combined;`:                        `unknown log format "combined" in nginx.conf:2`,
		`access_log off x;`:                                 `invalid parameter "x" in nginx.conf:2`,
		f + `access_log a.log f buffer=0;`:                  `invalid buffer size "0" in nginx.conf:2`,
		f + `access_log a.log f flush=x;`:                   `invalid flush time "x" in nginx.conf:2`,
		f + `access_log a.log f flush=1s;`:                  `no buffer is defined for access_log "a.log" in nginx.conf:2`,
		f + `access_log a.log f gzip=10;`:                   `invalid compression level "10" in nginx.conf:2`,
		f + `access_log a.log f gzipped;`:                   `invalid parameter "gzipped" in nginx.conf:2`,
		f + `access_log $status f buffer=1k;`:               `buffered logs cannot have variables in name in nginx.conf:2`,
		f + `access_log syslog:server=[::1] f gzip;`:        `logs to syslog cannot be buffered in nginx.conf:2`,
		f + `access_log a.log f buffer=2g;`:                 `invalid buffer size "2g" in nginx.conf:2`,
		f + `access_log a.log f buffer=1025m;`:              `buffer size "1025m" is more than 1g in nginx.conf:2`,
		f + `access_log syslog:x nope;`:                     `unknown syslog parameter "x" in nginx.conf:2`,
		f + `access_log syslog:x f;`:                        `unknown syslog parameter "x" in nginx.conf:2`,
		`open_log_file_cache min_uses=1;`:                   `"open_log_file_cache" must have "max" parameter in nginx.conf:2`,
		`open_log_file_cache max=x;`:                        `invalid "open_log_file_cache" parameter "max=x" in nginx.conf:2`,
		`open_log_file_cache off; open_log_file_cache off;`: `"open_log_file_cache" directive is duplicate in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
