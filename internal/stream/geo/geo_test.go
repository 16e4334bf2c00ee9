package geo_test

import (
	"slices"
	"testing"

	"github.com/weirproxy/weir/internal/stream/geo"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestGeo(t *testing.T) {
	const (
		nets = `default other; 127.0.0.0/8 loop; 127.0.0.1 one; 10.0.0.0/8 ten; 10.1.0.0/16 tenone; delete 127.0.0.1;
			::1 v6one; 2001:db8::/32 doc; 255.255.255.255 none;`
		rngs = `ranges; default other; 127.0.0.0-127.0.0.255 loop; 127.0.0.1-127.0.0.1 one; 10.0.0.0-10.2.255.255 ten;
			10.1.0.0-10.1.0.255 tenone; 10.1.255.255-10.1.255.255 last; 11.0.0.0-11.0.0.9 gone; delete 11.0.0.0-11.0.0.9;`
	)
	for _, tc := range []struct{ lines, addr, want string }{
		{nets, "127.0.0.1", "loop"},
		{nets, "10.1.2.3", "tenone"},
		{nets, "10.2.2.3", "ten"},
		{nets, "::ffff:10.2.2.3", "ten"},
		{nets, "11.0.0.1", "other"},
		{nets, "::1", "v6one"},
		{nets, "2001:db8::1", "doc"},
		{nets, "2001:db9::1", "other"},
		{nets, "unix:", "none"},
		{nets, "", "none"},
		{`10.0.0.0/8 ten;`, "11.0.0.1", ""},
		{rngs, "127.0.0.1", "one"},
		{rngs, "127.0.0.0", "loop"},
		{rngs, "127.0.0.2", "loop"},
		{rngs, "127.0.1.0", "other"},
		{rngs, "9.255.255.255", "other"},
		{rngs, "10.0.0.0", "ten"},
		{rngs, "10.1.0.255", "tenone"},
		{rngs, "10.1.1.0", "ten"},
		{rngs, "10.1.255.255", "last"},
		{rngs, "10.2.255.255", "ten"},
		{rngs, "::ffff:10.2.255.255", "ten"},
		{rngs, "11.0.0.5", "other"},
		{rngs, "::1", "other"},
		{rngs, "unix:", "other"},
	} {
		s := streamtest.Start(t, `geo $addr $out { `+tc.lines+` }
			server { listen unix:%DIR%/s; set $addr "`+tc.addr+`"; return $out; }`, geo.Module, setvar.Module, returns.Module)
		if got := s.Ask(0, ""); got != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.lines, tc.addr, got, tc.want)
		}
	}
}

func TestClient(t *testing.T) {
	s := streamtest.Start(t, `geo $out { 127.0.0.0/8 loop; 255.255.255.255 none; }
		server { listen 127.0.0.1:%PORT%; listen unix:%DIR%/s; return $out; }`, geo.Module, returns.Module)
	if got := s.Ask(0, "") + s.Ask(1, ""); got != "loopnone" {
		t.Errorf("%q came", got)
	}
}

func TestWarnings(t *testing.T) {
	for lines, want := range map[string]string{
		`10.0.0.1/8 a;`:                                     `low address bits of 10.0.0.1/8 are meaningless`,
		`10.0.0.0/8 a; 10.0.0.0/8 b;`:                       `duplicate network "10.0.0.0/8", value: "b", old value: "a"`,
		`delete 10.0.0.0/8;`:                                `no network "10.0.0.0/8" to delete`,
		`ranges; default a; default b;`:                     `duplicate default geo range value: "b", old value: "a"`,
		`ranges; 10.0.0.0-10.0.0.1 a; 10.0.0.0-10.0.0.1 b;`: `duplicate range "10.0.0.0-10.0.0.1", value: "b", old value: "a"`,
		`ranges; delete 10.0.0.0-10.0.0.1;`:                 `no address range "10.0.0.0-10.0.0.1" to delete`,
	} {
		r := streamtest.NewReader(t, geo.Module)
		if _, err := r.Read(`geo $out { ` + lines + ` }`); err != nil || !slices.Equal(r.Warnings, []string{want}) {
			t.Errorf("%s: %v, %q, want %q", lines, err, r.Warnings, want)
		}
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, geo.Module)
	for text, want := range map[string]string{
		`geo out { }`:                                  `invalid variable name "out" in nginx.conf:2`,
		`geo addr $out { }`:                            `invalid variable name "addr" in nginx.conf:2`,
		`geo $nope $out { }`:                           `unknown "nope" variable`,
		`geo $status { }`:                              `the duplicate "status" variable in nginx.conf:2`,
		"geo $out {\n a b c;\n}":                       `invalid number of the geo parameters in nginx.conf:3`,
		"geo $out {\n host a;\n}":                      `invalid network "host" in nginx.conf:3`,
		"geo $out {\n ::/0 a;\n ranges;\n}":            `the "ranges" directive must be the first directive inside "geo" block in nginx.conf:4`,
		"geo $out {\n ranges; 10.0.0.1 a;\n}":          `invalid range "10.0.0.1" in nginx.conf:3`,
		"geo $out {\n ranges; 10.0.0.1-10.0.0.0 a;\n}": `invalid range "10.0.0.1-10.0.0.0" in nginx.conf:3`,
		"geo $out {\n ranges; ::1-::2 a;\n}":           `invalid range "::1-::2" in nginx.conf:3`,
		"geo $out {\n ranges; 10.0.0.1-10.0.0.5 a; 10.0.0.3-10.0.0.9 b;\n}": `range "10.0.0.3-10.0.0.9" overlaps "10.0.0.1-10.0.0.5" in nginx.conf:3`,
		"geo $out {\n ranges; 10.0.0.3-10.0.0.5 a; 10.0.0.1-10.0.0.9 b;\n}": `range "10.0.0.1-10.0.0.9" overlaps "10.0.0.3-10.0.0.5" in nginx.conf:3`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
