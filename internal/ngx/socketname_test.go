package ngx

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// nameServer answers that local.test is 127.0.0.1 and that no other name exists.
func nameServer(t *testing.T) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(q)
		if name := q.Question[0].Name; name == "local.test." {
			if q.Question[0].Qtype == dns.TypeA {
				rr, _ := dns.NewRR(name + " 60 IN A 127.0.0.1")
				answer.Answer = append(answer.Answer, rr)
			}
		} else {
			answer.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(answer)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return conn.LocalAddr().String()
}

func TestConnectByName(t *testing.T) {
	s := streamtest.Start(t, `resolver `+nameServer(t)+`;
		server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			local sock = ngx.socket.tcp()
			for i = 1, 2 do
				ngx.say(sock:connect("local.test", %PORT9%))
				sock:send("hello\n")
				ngx.say(sock:receive())
				sock:close()
			end
			ngx.say(sock:connect("none.test", %PORT9%))
			ngx.say(sock:connect("local.test", 1))
			local waiting = ngx.thread.spawn(function() return sock:connect("other.test", 1) end)
			ngx.say(sock:connect("local.test", %PORT9%))
			ngx.thread.kill(waiting)
			ngx.say(sock:connect("local.test", %PORT9%))
		} }`+echo, Module)
	want := "1\nhello\n1\nhello\nnilnone.test could not be resolved (3: Host not found)\nnilconnection refused\n" +
		"nilsocket busy connecting\n1\n"
	if got := s.Ask(0, ""); got != want {
		t.Errorf("got %q, want %q; log:\n%s", got, want, s.ErrorLog())
	}
}

func TestConnectUnix(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			local sock = ngx.socket.tcp()
			for i = 1, 2 do
				assert(sock:connect("unix:%DIR%/echo.sock"))
				sock:send("hello\n")
				ngx.say(sock:receive(), " ", sock:getreusedtimes())
				assert(sock:setkeepalive(10))
			end
			ngx.sleep(0.05)
			assert(sock:connect("unix:%DIR%/echo.sock"))
			ngx.say(sock:getreusedtimes())
		} }`+strings.Replace(echo, "127.0.0.1:%PORT9%", "unix:%DIR%/echo.sock", 1), Module)
	if got, want := s.Ask(0, ""), "hello 0\nhello 1\n0\n"; got != want {
		t.Errorf("got %q, want %q; log:\n%s", got, want, s.ErrorLog())
	}
}

// TestIdleConnections has peers close, and send, while their connections are idle.
func TestIdleConnections(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			local sock = ngx.socket.tcp()
			for _, port in ipairs { %PORT1%, %PORT2% } do
				assert(sock:connect("127.0.0.1", port))
				assert(sock:setkeepalive())
				ngx.sleep(0.05)
				assert(sock:connect("127.0.0.1", port))
				ngx.say(sock:getreusedtimes())
				sock:close()
			end
			assert(sock:connect("127.0.0.1", %PORT2%))
			ngx.sleep(0.05)
			ngx.say(sock:setkeepalive())
		} }
		server { listen 127.0.0.1:%PORT1%; content_by_lua_block { ngx.sleep(0.01) } }
		server { listen 127.0.0.1:%PORT2%; content_by_lua_block { ngx.sleep(0.01) ngx.print("x") ngx.sleep(1) } }
		`, Module)
	if got, want := s.Ask(0, ""), "0\n0\nnilconnection in dubious state\n"; got != want {
		t.Errorf("got %q, want %q; log:\n%s", got, want, s.ErrorLog())
	}
}
