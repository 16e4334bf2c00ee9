package realip_test

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/realip"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestRealIP(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n"
	for _, tc := range []struct {
		outer, inner string
		header       string
		tcp, unix    bool // whether the address is replaced
	}{
		{"", "", header, false, false},
		{"", "set_real_ip_from 127.0.0.0/8;", header, true, false},
		{"", "set_real_ip_from unix:;", header, false, true},
		{"", "set_real_ip_from ::1; set_real_ip_from 127.0.0.2;", header, false, false},
		{"set_real_ip_from 127.0.0.1;", "", header, true, false},
		{"set_real_ip_from 127.0.0.1;", "set_real_ip_from unix:;", header, false, true},
		{"", "set_real_ip_from 127.0.0.1;", "PROXY UNKNOWN\r\n", false, false},
		{"", "set_real_ip_from localhost;", header, true, false},
	} {
		s := streamtest.Start(t, tc.outer+` server { listen 127.0.0.1:%PORT% proxy_protocol; listen unix:%DIR%/s proxy_protocol; `+
			tc.inner+` return "$remote_addr:$remote_port $realip_remote_addr:$realip_remote_port"; }`, realip.Module, returns.Module)
		for n, replaced := range []bool{tc.tcp, tc.unix} {
			got := s.Ask(n, tc.header)
			now, was, _ := strings.Cut(got, " ")
			if replaced && now != "192.0.2.1:1234" || !replaced && now != was ||
				!strings.HasPrefix(was, []string{"127.0.0.1:", "unix::"}[n]) {
				t.Errorf("%s %s %d: %q", tc.outer, tc.inner, n, got)
			}
		}
	}
}

func TestConfiguration(t *testing.T) {
	r := streamtest.NewReader(t, realip.Module)
	if _, err := r.Read(`set_real_ip_from nobody.invalid;`); err == nil ||
		err.Error() != `host not found in set_real_ip_from "nobody.invalid" in nginx.conf:2` {
		t.Error(err)
	}
	if _, err := r.Read(`set_real_ip_from 10.0.0.1/8;`); err != nil || len(r.Warnings) != 1 {
		t.Error(err, r.Warnings)
	}
}
