package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func testParser(t *testing.T) Parser {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	text := "# comment\nsearch test\nnameserver 10.0.0.53\nnameserver fd00::53\nnameserver\nnameserver x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Parser{
		ResolvConf: file,
		Lookup: func(host string) ([]netip.Addr, error) {
			if host != "ns" {
				return nil, errors.New("no such host")
			}
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}, nil
		},
		Seconds: func(text string) (int64, bool) {
			n, err := strconv.ParseInt(strings.TrimSuffix(text, "s"), 10, 64)
			return n, err == nil
		},
	}
}

func TestParse(t *testing.T) {
	p := testParser(t)
	c, err := p.Parse(strings.Fields("127.0.0.1 [::1]:5353 ns:54 valid=30s ipv6=off ipv4=on status_zone=z"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c.Servers), "[127.0.0.1:53 [::1]:5353 10.0.0.1:54 10.0.0.2:54]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if c.Valid != 30*time.Second || !c.NoIPv6 || c.NoIPv4 {
		t.Errorf("%+v", c)
	}
	if c, err = p.Parse([]string{"local=on"}); err != nil || fmt.Sprint(c.Servers) != "[10.0.0.53:53 [fd00::53]:53]" {
		t.Errorf("%v %v", c.Servers, err)
	}
}

func TestParseErrors(t *testing.T) {
	p := testParser(t)
	for line, want := range map[string]string{
		"127.0.0.1 valid=x":           `invalid parameter: valid=x`,
		"127.0.0.1 ipv6=yes":          `invalid parameter: ipv6=yes`,
		"127.0.0.1 ipv4=":             `invalid parameter: ipv4=`,
		"127.0.0.1 local=maybe":       `invalid parameter: local=maybe`,
		"127.0.0.1 ipv4=off ipv6=off": `"ipv4" and "ipv6" cannot both be "off"`,
		"valid=30s":                   `no name servers defined`,
		"unknown":                     `host not found in resolver "unknown"`,
		"127.0.0.1:0":                 `invalid port in resolver "127.0.0.1:0"`,
		"unix:/run/dns":               `invalid host in resolver "unix:/run/dns"`,
	} {
		if _, err := p.Parse(strings.Fields(line)); fmt.Sprint(err) != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
