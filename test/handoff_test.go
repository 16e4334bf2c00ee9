package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weirproxy/weir/handoff"
)

// TestHandoffOutlivesWeir has a receiver serve a connection while weir is stopped and started again.
func TestHandoffOutlivesWeir(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream {
		log_format h "$status $handoff_status $handoff_time $bytes_received $server_port";
		access_log access.log h;
		map $remote_port $tenant { default blue; }
		server { listen {host}:9000; handoff_meta tenant $tenant; handoff_meta port $server_port; handoff unix:{dir}/r; }
	}`)
	l := w.receive("r")
	s := w.start()
	client := s.dial(9000)
	client.send("first ")
	conn := takeOver(t, l)
	if got := conn.RemoteAddr().String(); got != client.LocalAddr().String() {
		t.Errorf("client's address %s, want %s", got, client.LocalAddr())
	}
	if got := conn.LocalAddr().String(); got != s.addr(9000) {
		t.Errorf("server's address %s, want %s", got, s.addr(9000))
	}
	if conn.Meta["tenant"] != "blue" || conn.Meta["port"] != "9000" || !strings.HasPrefix(conn.UniqueID, fmt.Sprint(s.pid, "-")) {
		t.Errorf("metadata %+v", conn.Metadata)
	}
	wantFrom(t, conn, "first ")
	s.stop()
	if !strings.HasPrefix(w.read("access.log"), "200 accepted 0.0") || !strings.HasSuffix(w.read("access.log"), " 0 9000\n") {
		t.Errorf("access log: %q", w.read("access.log"))
	}
	client.send("second")
	wantFrom(t, conn, "second")
	again := w.start()
	fmt.Fprint(conn, "answer\n")
	client.want("answer\n")
	other := again.dial(9000)
	takeOver(t, l).Close()
	other.wantAll("")
	conn.Close()
	client.wantAll("")
}

// TestHandoffReceiverDies has a receiver be killed when it has got the connection and not answered: nothing is lost.
func TestHandoffReceiverDies(t *testing.T) {
	w := newWorkspace(t)
	w.write("killed.py", killed)
	w.write("nginx.conf", `stream {
		log_format h "$handoff_status"; access_log access.log h;
		server { listen {host}:9000; handoff unix:{dir}/killed backup=unix:{dir}/backup; }
	}`)
	backup := w.receive("backup")
	w.run("killed", "python3", w.path("killed.py"))
	s := w.start()
	client := s.dial(9000)
	client.send("before")
	conn := takeOver(t, backup)
	client.send(" and after")
	wantFrom(t, conn, "before and after")
	fmt.Fprint(conn, "served")
	client.want("served")
	s.stop()
	if got := w.read("access.log"); got != "gone, accepted\n" {
		t.Errorf("access log: %q", got)
	}
}

// TestHandoffLateReceiver has a receiver that did not answer in time make the connection's descriptor, which it still has, a
// blocking one: weir's other sessions do not wait for it.
func TestHandoffLateReceiver(t *testing.T) {
	w := newWorkspace(t)
	var written atomic.Int64
	source := backend(t, func(c net.Conn) { // more than all buffers on the way hold
		for chunk := make([]byte, 1<<20); ; {
			n, err := c.Write(chunk)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	})
	w.write("nginx.conf", `worker_processes 1; stream {
		server { listen {host}:9000; handoff unix:{dir}/late timeout=50ms fallback={host}:9001; }
		server { listen {host}:9001; proxy_pass `+source+`; }
		server { listen {host}:9002; return ok; }
	}`)
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: w.path("late"), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := w.start()
	s.allow("receiver timed out")
	client := s.dial(9000)
	channel, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer channel.Close()
	buf, control := make([]byte, handoff.MaxMessage), make([]byte, 64)
	_, n, _, _, err := channel.ReadMsgUnix(buf, control)
	if err != nil {
		t.Fatal(err)
	}
	messages, _ := syscall.ParseSocketControlMessage(control[:n])
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	s.waitLog("receiver timed out")
	syscall.SetNonblock(fds[0], false)
	if _, err := io.CopyN(io.Discard, client.r, 2<<20); err != nil { // and no more: what follows fills all buffers
		t.Fatal(err)
	}
	for before := int64(-1); written.Load() != before; {
		before = written.Load()
		for range 20 {
			s.dial(9002).wantAll("ok")
		}
	}
}

// TestHandoffReceivers runs the example receivers.
func TestHandoffReceivers(t *testing.T) {
	w := newWorkspace(t)
	six := freeAddr(t, "[::1]:0")
	w.write("nginx.conf", `stream {
		server { listen {host}:9000; handoff unix:{dir}/python; }
		server { listen {host}:9001; handoff unix:{dir}/c; }
		server { listen {host}:9002; handoff unix:{dir}/go; }
		server { listen {host}:9003; handoff unix:{dir}/rawpython raw; }
		server { listen {host}:9004; handoff unix:{dir}/rawc raw; }
		server { listen `+six+`; handoff unix:{dir}/c; }
	}`)
	w.run("python", "python3", receivers+"/python/receiver.py")
	w.run("rawpython", "python3", receivers+"/python/raw.py")
	w.run("c", w.compile("c/receiver.c"))
	w.run("rawc", w.compile("c/raw.c"))
	w.run("go", w.build(receivers+"/go"))
	s := w.start()
	for i, greeting := range []string{"python %s -", "c %s -", "go %s -", "raw python %s", "raw c %s"} {
		for range 3 { // channels are used again
			serveEcho(t, dial(t, "tcp", s.addr(9000+i)), greeting)
		}
	}
	serveEcho(t, dial(t, "tcp", six), "c %s -")
}

func serveEcho(t *testing.T, c *client, greeting string) {
	t.Helper()
	c.send("early")
	if got, want := c.line(), fmt.Sprintf(greeting, c.LocalAddr()); got != want {
		t.Fatalf("greeting %q, want %q", got, want)
	}
	c.want("early")
	c.send("late")
	c.want("late")
	c.closeWrite()
	c.wantAll("")
}

// TestHandoffConsumedBytes gives the example receivers a message with bytes and metadata.
func TestHandoffConsumedBytes(t *testing.T) {
	w := newWorkspace(t)
	w.run("python", "python3", receivers+"/python/receiver.py")
	w.run("c", w.compile("c/receiver.c"))
	for _, name := range []string{"python", "c"} {
		conns := make(chan net.Conn, 1)
		addr := backend(t, func(c net.Conn) {
			r := bufio.NewReader(c)
			_, err := r.Peek(1)
			if err == nil {
				head, _ := r.Peek(r.Buffered())
				err = handoff.Send(w.path(name), c.(*net.TCPConn), &handoff.Message{Consumed: head,
					Metadata: handoff.Metadata{SNI: "example.com", Protocol: "greeting", Meta: map[string]string{"k": "v"}}})
			}
			if err != nil {
				t.Error(err)
			}
			conns <- c
		})
		c := dial(t, "tcp", addr)
		c.send("consumed")
		<-conns
		if got, want := c.line(), name+" "+c.LocalAddr().String()+" greeting"; got != want {
			t.Errorf("greeting %q, want %q", got, want)
		}
		c.want("consumed")
		c.send("and not")
		c.want("and not")
		c.closeWrite()
		c.wantAll("")
	}
}

// TestHandoffRestartingReceiver has a receiver be stopped and started again; weir finds it each time.
func TestHandoffRestartingReceiver(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream { server { listen {host}:9000; handoff unix:{dir}/r; } }`)
	s := w.start()
	for range 3 {
		p := w.run("r", "python3", receivers+"/python/receiver.py")
		c := s.dial(9000)
		if got := c.line(); !strings.HasPrefix(got, "python ") {
			t.Errorf("greeting %q", got)
		}
		p.kill()
		s.dial(9000).wantAll("")
	}
	s.waitLogs(`connect\(\) to unix:\S+ failed \(111: Connection refused\) while handing over connection`, 3)
	if err := os.Remove(w.path("r")); err != nil {
		t.Error(err)
	}
	s.dial(9000).wantAll("")
	s.waitLog(`failed \(2: No such file or directory\) while handing over`)
}

// killed is a receiver that dies with the first connection that it gets, before it has answered.
const killed = `
import os, signal, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
weir, _ = listener.accept()
while True:
    _, fds, _, _ = socket.recv_fds(weir, 1 << 18, 4)
    if fds:
        os.kill(os.getpid(), signal.SIGKILL)
    weir, _ = listener.accept()
`
