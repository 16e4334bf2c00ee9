package mapping_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/mapping"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestMap(t *testing.T) {
	const hosts = `hostnames; default none; example.com exact; *.example.com star; .example.org dot;
		*.a.example.com longer; www.example.* tail; www.example.net.* longertail;`
	for _, tc := range []struct{ lines, key, want string }{
		{`a 1; B 2;`, "a", "1"},
		{`a 1; B 2;`, "A", "1"},
		{`a 1; B 2;`, "b", "2"},
		{`a 1; B 2;`, "c", ""},
		{`a 1; default d;`, "c", "d"},
		{`"" empty; default d;`, "", "empty"},
		{`\default word; \hostnames h; \~x tilde;`, "default", "word"},
		{`\default word; \hostnames h; \~x tilde;`, "hostnames", "h"},
		{`\default word; \hostnames h; \~x tilde;`, "~X", "tilde"},
		{`*.example.com 1;`, "www.example.com", ""},
		{`*.example.com 1;`, "*.example.com", "1"},
		{hosts, "example.com", "exact"},
		{hosts, "example.com.", "exact"},
		{hosts, "www.EXAMPLE.com", "star"},
		{hosts, "b.a.example.com", "longer"},
		{hosts, "a.example.com", "star"},
		{hosts, "example.org", "dot"},
		{hosts, "x.y.example.org", "dot"},
		{hosts, "xexample.org", "none"},
		{hosts, "www.example.net", "tail"},
		{hosts, "www.example.net.x.y", "longertail"},
		{hosts, "www.example", "none"},
		{`~^a(.)c$ <$1>; ~^x two; ~. any;`, "abc", "<b>"},
		{`~^a(.)c$ <$1>; ~^x two; ~. any;`, "xyz", "two"},
		{`~^a(.)c$ <$1>; ~^x two; ~. any;`, "Abc", "any"},
		{`~^a(.)c$ <$1>; ~^x two; ~. any;`, "", ""},
		{`~*^a(.)c$ <$1>;`, "AbC", "<b>"},
		{`~^(?<first>\w+)-(?<rest>.*)$ $rest-$first;`, "one-two", "two-one"},
		{`~^(a)|(b)$ <$1$2>;`, "b", "<b>"},
		{`x $protocol-$key;`, "x", "TCP-x"},
	} {
		s := streamtest.Start(t, `map $key $out { `+tc.lines+` }
			server { listen unix:%DIR%/s; set $key "`+tc.key+`"; return $out; }`, mapping.Module, setvar.Module, returns.Module)
		if got := s.Ask(0, ""); got != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.lines, tc.key, got, tc.want)
		}
	}
}

// TestCache counts how often the source is evaluated.
func TestCache(t *testing.T) {
	counter := &stream.Module{Name: "counter", Variables: []stream.Variable{{Name: "n", Get: count()}}}
	s := streamtest.Start(t, `
		map $n $kept { default $n; }
		map $n $fresh { volatile; default $n; }
		server { listen unix:%DIR%/s; return "$kept$kept $fresh$fresh"; }`, mapping.Module, counter, returns.Module)
	if got := s.Ask(0, ""); got != "22 46" {
		t.Errorf("%q came", got)
	}
}

func count() func(*stream.Session, *stream.Var, []byte) ([]byte, bool) {
	n := 0
	return func(_ *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
		n++
		return append(dst, byte('0'+n)), true
	}
}

func TestInclude(t *testing.T) {
	r := streamtest.NewReader(t, mapping.Module)
	if err := os.WriteFile(filepath.Join(r.Dir, "m.conf"), []byte("a 1;\nA 2;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := r.Read(`map $status $x { include m.conf; }`)
	if err == nil || err.Error() != `conflicting parameter "a" in m.conf:2` {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, mapping.Module)
	for text, want := range map[string]string{
		`map $status out { }`:                                      `invalid variable name "out" in nginx.conf:2`,
		`map $status $status { }`:                                  `the duplicate "status" variable in nginx.conf:2`,
		`map $nope $out { }`:                                       `unknown "nope" variable`,
		"map $status $out {\n a b c;\n}":                           `invalid number of the map parameters in nginx.conf:3`,
		"map $status $out {\n a;\n}":                               `invalid number of the map parameters in nginx.conf:3`,
		"map $status $out {\n default 1; default 2;\n}":            `duplicate default map parameter in nginx.conf:3`,
		"map $status $out {\n a 1;\n A 2;\n}":                      `conflicting parameter "a" in nginx.conf:4`,
		"map $status $out {\n hostnames; a.* 1; A.* 2;\n}":         `conflicting parameter "a.*" in nginx.conf:3`,
		"map $status $out {\n hostnames; .a.b 1; a.b 2;\n}":        `conflicting parameter "a.b" in nginx.conf:3`,
		"map $status $out {\n hostnames; a.b 1; .a.b 2;\n}":        `conflicting parameter ".a.b" in nginx.conf:3`,
		"map $status $out {\n hostnames; .a.b 1; *.a.b 2;\n}":      `conflicting parameter "*.a.b" in nginx.conf:3`,
		"map $status $out {\n hostnames; a.*.b 1;\n}":              `invalid hostname or wildcard "a.*.b" in nginx.conf:3`,
		"map $status $out {\n hostnames; a..b 1;\n}":               `invalid hostname or wildcard "a..b" in nginx.conf:3`,
		"map $status $out {\n hostnames; *.a.* 1;\n}":              `invalid hostname or wildcard "*.a.*" in nginx.conf:3`,
		"map $status $out {\n a { }\n}":                            `unexpected "{" in nginx.conf:3`,
		"map $status $out {\n ~( 1;\n}":                            `pcre2_compile() failed: missing closing parenthesis in "(" in nginx.conf:3`,
		"map $status $out {\n ~(?<status>.) 1;\n}":                 `the duplicate "status" variable in nginx.conf:3`,
		`map $status $out { } map_hash_max_size x;`:                `"map_hash_max_size" directive invalid number in nginx.conf:2`,
		`server { listen unix:a; map $status $out { } }`:           `"map" directive is not allowed here in nginx.conf:2`,
		`map $status $a { default $b; } map $a $b { default $c; }`: `unknown "c" variable`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestCycle(t *testing.T) {
	s := streamtest.Start(t, `map $b $a { default "a$b"; } map $a $b { default "b$a"; }
		server { listen unix:%DIR%/s; return $a; }`, mapping.Module, returns.Module)
	s.Ask(0, "")
	if log := s.ErrorLog(); !strings.Contains(log, "cycle while evaluating variable") {
		t.Errorf("no word of the cycle in:\n%s", log)
	}
}
