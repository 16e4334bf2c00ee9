package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func lookupKnown(host string) ([]netip.Addr, error) {
	if host != "known" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::")}, nil
}

func TestParse(t *testing.T) {
	long := "unix:/" + strings.Repeat("x", 106)
	for _, tc := range []struct {
		text  string
		opt   Options
		addrs string
		err   error
	}{
		{"127.0.0.1:80", Options{}, "127.0.0.1:80", nil},
		{"010.0.0.1:80", Options{}, "10.0.0.1:80", nil},
		{"127.0.0.1", Options{}, "127.0.0.1:0", nil},
		{"127.0.0.1", Options{DefaultPort: 53}, "127.0.0.1:53", nil},
		{"[::1]:80", Options{}, "[::1]:80", nil},
		{"[::1]", Options{DefaultPort: 53}, "[::1]:53", nil},
		{"[::ffff:1.2.3.4]:80", Options{}, "[::ffff:1.2.3.4]:80", nil},
		{"known:80", Options{}, "10.0.0.1:80 [::]:80", nil},
		{"known:80", Options{NoResolve: true}, "", nil},
		{"unknown:80", Options{}, "", errNotFound},
		{"unix:/run/a:b", Options{}, "unix:/run/a:b", nil},
		{"UNIX:a", Options{}, "unix:a", nil},
		{"unix:", Options{}, "", errUnixNoPath},
		{long, Options{}, long, nil},
		{long + "x", Options{}, "", errUnixLongPath},
		{"", Options{}, "", errNoHost},
		{":80", Options{}, "", errNoHost},
		{"a:0", Options{}, "", errPort},
		{"a:65536", Options{}, "", errPort},
		{"a:", Options{}, "", errPort},
		{"a:http", Options{}, "", errPort},
		{"a:+1", Options{}, "", errPort},
		{"a:1-2", Options{}, "", errPort},
		{"a:1/x", Options{}, "", ErrHost},
		{"a?b", Options{}, "", ErrHost},
		{"[::1", Options{}, "", ErrHost},
		{"[::1]x", Options{}, "", ErrHost},
		{"[::1]:x", Options{}, "", errPort},
		{"[]:80", Options{}, "", errNoHost},
		{"[1.2.3.4]:80", Options{}, "", ErrIPv6},
		{"[fe80::1%eth0]:80", Options{}, "", ErrIPv6},
		{"*:80", Options{}, "", errNotFound},
		{"80", Options{NoResolve: true}, "", nil},

		{"*:80", Options{Listen: true}, "0.0.0.0:80", nil},
		{"80", Options{Listen: true}, "0.0.0.0:80", nil},
		{"80-82", Options{Listen: true}, "0.0.0.0:80 0.0.0.0:81 0.0.0.0:82", nil},
		{"65535-65535", Options{Listen: true}, "0.0.0.0:65535", nil},
		{"127.0.0.1:80-81", Options{Listen: true}, "127.0.0.1:80 127.0.0.1:81", nil},
		{"[::1]:80-81", Options{Listen: true}, "[::1]:80 [::1]:81", nil},
		{"82-80", Options{Listen: true}, "", errPortRange},
		{"80-65536", Options{Listen: true}, "", errPort},
		{"0", Options{Listen: true}, "", errPort},
		{"127.0.0.1:80-x", Options{Listen: true}, "", errPort},
		{"known:80-81", Options{Listen: true}, "10.0.0.1:80 10.0.0.1:81 [::]:80 [::]:81", nil},
		{"a-b", Options{Listen: true}, "", errNotFound},
		{"unix:/run/a", Options{Listen: true}, "unix:/run/a", nil},
	} {
		tc.opt.Lookup = lookupKnown
		p, err := Parse(tc.text, tc.opt)
		if !errors.Is(err, tc.err) {
			t.Errorf("%q: %v, want %v", tc.text, err, tc.err)
		}
		if got := join(p.Addrs); err == nil && got != tc.addrs {
			t.Errorf("%q: %s, want %s", tc.text, got, tc.addrs)
		}
	}
}

func join(addrs []Addr) string {
	var list []string
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return strings.Join(list, " ")
}

func TestParsedFields(t *testing.T) {
	for text, want := range map[string]Parsed{
		"[::]:80":   {Host: "[::]", Port: 80},
		"*:80":      {Host: "*", Port: 80},
		"80":        {Port: 80},
		"1.2.3.4":   {Host: "1.2.3.4", Port: 7, NoPort: true},
		"0.0.0.0:1": {Host: "0.0.0.0", Port: 1},
		"1-2":       {Port: 1, LastPort: 2},
		"unix:/a":   {Host: "/a"},
	} {
		p, err := Parse(text, Options{Listen: true, DefaultPort: 7})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		want.Text, want.Addrs = text, p.Addrs
		if p.Host != want.Host || p.Port != want.Port || p.LastPort != want.LastPort ||
			p.NoPort != want.NoPort {
			t.Errorf("%s: %+v, want %+v", text, p, want)
		}
	}
}

func TestParseAddrPort(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":        "192.0.2.1:0",
		"192.0.2.1:88":     "192.0.2.1:88",
		"2001:db8::1":      "[2001:db8::1]:0",
		"[2001:db8::1]":    "[2001:db8::1]:0",
		"[2001:db8::1]:99": "[2001:db8::1]:99",
		"192.0.2.1:0":      "",
		"192.0.2.1:65536":  "",
		"2001:db8::1%eth0": "",
		"[2001:db8::1]99":  "",
		"localhost":        "",
		"localhost:80":     "",
		"unix:/run/x":      "",
		"":                 "",
	} {
		a, ok := ParseAddrPort(text)
		if ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q: %v %v, want %q", text, a, ok, want)
		}
	}
}

func TestSystemLookup(t *testing.T) {
	for host, want := range map[string]string{"localhost": "127.0.0.1", "16909060": "1.2.3.4"} {
		ips, err := SystemLookup(host)
		if err != nil {
			t.Errorf("%s: %v", host, err)
		}
		found := false
		for _, ip := range ips {
			found = found || ip.String() == want
		}
		if !found {
			t.Errorf("%s: %v lacks %s", host, ips, want)
		}
	}
}

// FuzzParse checks that nothing panics, and that what was read as an address is read the same from its printed form.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.2.3.4:80", "[::1]:80", "unix:/a", "*:1-2", "80", "80-82", "known:1", "[::1", "a:b:c"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, listen bool) {
		opt := Options{Listen: listen, Lookup: lookupKnown, DefaultPort: 9}
		p, err := Parse(text, opt)
		if err != nil {
			return
		}
		for _, a := range p.Addrs[:min(len(p.Addrs), 3)] {
			again, err := Parse(a.String(), opt)
			if err != nil || len(again.Addrs) != 1 || again.Addrs[0] != a {
				t.Fatalf("%q gave %v, which gives %v, %v", text, a, again.Addrs, err)
			}
		}
	})
}
