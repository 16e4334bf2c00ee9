package test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/handoff"
)

// TestHandoffFromWeirToWeir has one weir feed another, which proxies.
func TestHandoffFromWeirToWeir(t *testing.T) {
	back := newWorkspace(t)
	echo := echoBackend(t)
	back.write("nginx.conf", `worker_processes 2; stream {
		log_format h "$remote_addr:$remote_port $server_addr:$server_port $handoff_meta_tenant_id $handoff_protocol $bytes_received";
		access_log access.log h;
		server { listen unix:{dir}/y handoff; proxy_pass `+echo+`; }
		server { listen unix:{dir}/text handoff; return "$handoff_unique_id $handoff_meta_tenant_id"; }
	}`)
	second := back.start()
	front := newWorkspace(t)
	front.write("nginx.conf", `worker_processes 2; stream {
		handoff_meta Tenant-ID blue;
		server { listen {host}:9000; handoff unix:`+back.dir+`/y; }
		server { listen {host}:9001; handoff unix:`+back.dir+`/text; }
	}`)
	first := front.start()
	var want strings.Builder
	for range 20 {
		c := first.dial(9000)
		c.send("early ")
		c.want("early ")
		c.send("late")
		c.want("late")
		c.closeWrite()
		c.wantAll("")
		fmt.Fprintf(&want, "%s %s blue - 10\n", c.LocalAddr(), first.addr(9000))
	}
	if got := first.dial(9001).all(); !strings.HasPrefix(got, fmt.Sprint(first.pid, "-")) || !strings.HasSuffix(got, " blue") {
		t.Errorf("answer %q", got)
	}
	c := first.dial(9000)
	c.send("before")
	c.want("before")
	first.stop()
	c.send("after")
	c.want("after")
	c.Close()
	second.stop()
	if got := back.read("access.log"); !strings.HasPrefix(got, want.String()) {
		t.Errorf("access log:\n%swant:\n%s", got, want.String())
	}
}

// TestHandoffConsumedToWeir sends weir a connection with bytes that were read: preread sees them, and so does whoever
// gets the session next, though weir hands it on itself.
func TestHandoffConsumedToWeir(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream {
		server { listen unix:{dir}/in handoff; handoff_meta second yes; handoff unix:{dir}/out; }
		server { listen unix:{dir}/proxied handoff; proxy_buffer_size 1k; proxy_pass `+echoBackend(t)+`; }
	}`)
	l := w.receive("out")
	w.start()
	big := strings.Repeat("0123456789abcdef", handoff.MaxConsumed/16)
	for _, to := range []string{"in", "proxied"} {
		client, server := tcpPair(t)
		err := handoff.Send(w.path(to), server, &handoff.Message{Consumed: []byte(big), Metadata: handoff.Metadata{
			SNI: "example.com", ALPN: "h2", Protocol: "tls", Meta: map[string]string{"first": "yes"}}})
		if err != nil {
			t.Fatal(err)
		}
		server.Close()
		client.send(" rest")
		if to == "proxied" {
			if got := make([]byte, len(big)+5); readFull(client.r, got) != nil || string(got) != big+" rest" {
				t.Error("other bytes came back")
			}
			continue
		}
		c := takeOver(t, l)
		if c.SNI != "example.com" || c.ALPN != "h2" || c.Protocol != "tls" || c.Meta["first"] != "yes" || c.Meta["second"] != "yes" {
			t.Errorf("metadata %+v", c.Metadata)
		}
		if c.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("client %v", c.RemoteAddr())
		}
		if got := make([]byte, len(big)+5); readFull(c, got) != nil || string(got) != big+" rest" {
			t.Error("other bytes came out")
		}
	}
}

// TestHandoffTakesOver has a new process take connections over from an old one, which goes when its last session does.
func TestHandoffTakesOver(t *testing.T) {
	older, newer := newWorkspace(t), newWorkspace(t)
	echo := echoBackend(t)
	older.write("nginx.conf", `stream { server { listen {host}:9000; proxy_pass `+echo+`; } }`)
	old := older.start()
	running := old.dial(9000)
	running.send("on the old one")
	running.want("on the old one")

	newer.write("nginx.conf", `stream { server { listen unix:{dir}/in handoff; return "new for $remote_port"; } }`)
	newer.start()
	old.reload(`stream { server { listen {host}:9000; handoff unix:` + newer.dir + `/in; } }`)
	c := old.dial(9000)
	_, port, _ := strings.Cut(c.LocalAddr().String(), ":")
	c.wantAll("new for " + port)
	running.send("still")
	running.want("still")
	old.signal(syscall.SIGQUIT)
	running.Close()
	old.waitExit()
}

// TestHandoffListenerReloads has a listener for connections handed over go through reloads.
func TestHandoffListenerReloads(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream { server { listen unix:{dir}/in handoff; return one; } }`)
	s := w.start()
	sender := handoff.Sender{Path: w.path("in"), Timeout: deadline}
	defer sender.Close()
	ask := func(want string) {
		t.Helper()
		client, server := tcpPair(t)
		if err := sender.Send(server, nil); err != nil {
			t.Fatal(err)
		}
		server.Close()
		client.wantAll(want)
	}
	ask("one")
	s.reload(`stream { server { listen unix:{dir}/in handoff; return two; } }`)
	ask("two")
	s.reload(`stream { server { listen unix:{dir}/other handoff; return three; } }`)
	_, server := tcpPair(t)
	if err := sender.Send(server, nil); err == nil {
		t.Error("a listener that is gone has accepted")
	}
	s.stop()
	if _, err := os.Lstat(w.path("other")); !os.IsNotExist(err) {
		t.Errorf("the socket file is left: %v", err)
	}
}

func TestHandoffAllow(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream {
		server { listen unix:{dir}/nobody handoff; handoff_allow uid=65534; return yes; }
		server { listen unix:{dir}/both   handoff; handoff_allow uid=`+fmt.Sprint(os.Geteuid())+` gid=65534; return yes; }
		server { listen unix:{dir}/one    handoff; handoff_allow gid=65534; handoff_allow uid=`+fmt.Sprint(os.Geteuid())+`; return yes; }
		server { listen unix:{dir}/open   handoff; return yes; }
		server { listen unix:{dir}/full   handoff; return yes; }
	}`)
	s := w.start()
	for name, allowed := range map[string]bool{"nobody": false, "both": false, "one": true, "open": true} {
		client, server := tcpPair(t)
		err := handoff.Send(w.path(name), server, nil)
		if (err == nil) != allowed {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
		if allowed {
			client.wantAll("yes")
		}
	}
	s.waitLogs(`handing over by process \d+, uid \d+, gid \d+, is not allowed, listener: unix:`, 2)
}

// TestHandoffRefusedWhenFull has a weir whose connections are all taken refuse: the sender keeps the session.
func TestHandoffRefusedWhenFull(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `events { worker_connections 2; } stream { server { listen unix:{dir}/in handoff; handoff unix:{dir}/sulks timeout=1h; } }`)
	l := w.receive("sulks") // which nobody accepts from
	s := w.start()
	s.allow("worker_connections are not enough")
	sender := handoff.Sender{Path: w.path("in"), Timeout: deadline}
	defer sender.Close()
	for i := range 3 {
		_, server := tcpPair(t)
		want := error(nil)
		if i == 2 {
			want = handoff.ErrRefused
		}
		if err := sender.Send(server, nil); err != want {
			t.Errorf("%d: %v, want %v", i, err, want)
		}
	}
	takeOver(t, l)
	takeOver(t, l)
	l.SetDeadline(time.Now())
}
