package test

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestModulesTogether has one session go through realip, set, geo, map, split_clients, access and the log.
func TestModulesTogether(t *testing.T) {
	s := start(t, `worker_processes 2; stream {
		geo $place { default far; 10.0.0.0/8 near; }
		map $place:$who $rule { default none; ~^near:(?<name>.+)$ "hello $name"; }
		split_clients $remote_addr $part { * all; }
		log_format line '$remote_addr $realip_remote_addr $rule $part $status $bytes_sent';
		access_log access.log line;
		server {
			listen {host}:9000 proxy_protocol;
			set_real_ip_from 127.0.0.0/8;
			set $who $remote_port;
			deny 10.0.0.9;
			return $rule;
		}
	}`)
	for _, tc := range []struct{ from, answer string }{{"10.1.2.3", "hello 77"}, {"192.0.2.1", "none"}, {"10.0.0.9", ""}} {
		c := s.dial(9000)
		c.send("PROXY TCP4 " + tc.from + " 10.0.0.1 77 9000\r\n")
		if got := c.all(); got != tc.answer {
			t.Errorf("%s received %q, want %q", tc.from, got, tc.answer)
		}
	}
	for _, line := range []string{"10.1.2.3 127.0.0.1 hello 77 all 200 8\n", "192.0.2.1 127.0.0.1 none all 200 4\n",
		"10.0.0.9 127.0.0.1 hello 77 all 403 0\n"} {
		eventually(t, line, func() bool { return strings.Contains(s.read("access.log"), line) })
	}
	s.waitLog("access forbidden by rule while .*, client: 10.0.0.9, server: ")
}

// TestAccessLogReopened has the log go to a new file after USR1, with what was buffered in the old one.
func TestAccessLogReopened(t *testing.T) {
	s := start(t, `stream { log_format line $protocol; access_log access.log line buffer=4k;
		server { listen {host}:9000; return hello; } }`)
	s.dial(9000).all()
	if err := os.Rename(s.path("access.log"), s.path("old.log")); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGUSR1)
	eventually(t, "the old log", func() bool { return s.read("old.log") == "TCP\n" })
	s.dial(9000).all()
	s.signal(syscall.SIGUSR1)
	eventually(t, "the new log", func() bool { return s.read("access.log") == "TCP\n" })
}

// TestLimitConnKeepsCounting has a limit hold over a reload, and among two workers.
func TestLimitConnKeepsCounting(t *testing.T) {
	const config = `worker_processes 2; stream {
		limit_conn_zone $remote_addr zone=clients:1m;
		server { listen {host}:9000; limit_conn clients 2; proxy_pass {host}:9001; }
		server { listen {host}:9001; content_by_lua_block { ngx.say("in"); ngx.req.socket():receive("*a") } } }`
	s := start(t, config)
	one, two := s.dial(9000), s.dial(9000)
	one.want("in\n")
	two.want("in\n")
	for range 8 {
		if got := s.dial(9000).all(); got != "" {
			t.Fatalf("received %q", got)
		}
	}
	s.reload(config)
	if got := s.dial(9000).all(); got != "" {
		t.Fatalf("after the reload: %q", got)
	}
	two.Close()
	eventually(t, "a free place", func() bool {
		c := s.dial(9000)
		defer c.Close()
		n, _ := c.Read(make([]byte, 3))
		return n == 3
	})
}

// TestProxyProtocolOfAnotherFamily: the client's address is told on, though it is not of the family of the server's.
func TestProxyProtocolOfAnotherFamily(t *testing.T) {
	s := start(t, `stream {
		server { listen {host}:9000 proxy_protocol; listen unix:{dir}/in proxy_protocol;
			set_real_ip_from {host}; set_real_ip_from 127.0.0.1; set_real_ip_from unix:;
			proxy_protocol on; proxy_pass `+echoBackend(t)+`; }
	}`)
	for header, want := range map[string]string{
		"TCP6 2001:db8::1 2001:db8::2 1234 443": "TCP6 2001:db8::1 ::ffff:{host} 1234 9000",
		"TCP4 192.0.2.1 192.0.2.2 1234 443":     "TCP4 192.0.2.1 {host} 1234 9000",
	} {
		c := s.dial(9000)
		c.send("PROXY " + header + "\r\n")
		c.want("PROXY " + s.expand(want) + "\r\n")
	}
	c := dial(t, "unix", s.path("in"))
	c.send("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n")
	c.want("PROXY TCP4 192.0.2.1 0.0.0.0 1234 0\r\n")
}
