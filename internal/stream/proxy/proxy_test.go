package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// serve runs stream{} with the given body on n workers.
func serve(t *testing.T, body string, n int) *stream.Runtime {
	t.Helper()
	files := logs.NewFiles()
	env := &stream.Env{Modules: []*stream.Module{Module}, Files: files, Logs: files.Generation(),
		FullPath: func(name string) string { return name }, Warn: func(*conf.Node, string) {}}
	table := conf.NewTable(stream.Directives(env))
	tree := conf.ParseString("test.conf", "stream {\n"+body+"\n}")
	if err := table.Root(conf.InMain, nil).Walk(tree.Nodes); err != nil {
		t.Fatal(err)
	}
	c := env.Config
	c.WorkerConnections = 4096
	c.SetLog(files.NewLog(logs.Target{Level: logs.Warn, File: env.Logs.File("")}))
	r, err := stream.NewRuntime(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Listen(c); err != nil {
		t.Fatal(err)
	}
	if err := r.Build(c); err != nil {
		t.Fatal(err)
	}
	r.Apply(c)
	t.Cleanup(r.Stop)
	return r
}

// backend listens on a free port and runs handle for each connection.
func backend(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { defer c.Close(); handle(c) })
		}
	})
	return l.Addr().String()
}

// freeAddr is an address on which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func echo(c net.Conn) { io.Copy(c, c) }

func TestEveryByteArrivesInOrder(t *testing.T) {
	for _, size := range []int{1, 1000, 64 << 10, 1<<20 + 7, 48 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			addr := freeAddr(t)
			serve(t, fmt.Sprintf("server { listen %s; proxy_pass %s; proxy_half_close on; }", addr, backend(t, echo)), 1)
			c := dial(t, addr)
			sent, got := sha256.New(), sha256.New()
			go func() {
				source := rand.NewChaCha8([32]byte{byte(size)})
				io.CopyN(io.MultiWriter(c, sent), source, int64(size))
				c.CloseWrite()
			}()
			n, err := io.Copy(got, c)
			if err != nil || n != int64(size) {
				t.Fatalf("%d of %d bytes came back: %v", n, size, err)
			}
			if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
				t.Error("the bytes that came back are not those that were sent")
			}
		})
	}
}

func TestManySessionsOnTwoWorkers(t *testing.T) {
	addr := freeAddr(t)
	serve(t, fmt.Sprintf("server { listen %s; proxy_pass %s; }", addr, backend(t, echo)), 2)
	var clients sync.WaitGroup
	for i := range 200 {
		clients.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(20 * time.Second))
			want := strings.Repeat(fmt.Sprintf("session %d ", i), 50)
			io.WriteString(c, want)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
				t.Errorf("session %d: got %.40q, %v", i, got, err)
			}
		})
	}
	clients.Wait()
}

func TestNextUpstream(t *testing.T) {
	addr := freeAddr(t)
	serve(t, fmt.Sprintf(`
		upstream u { server %s; server %s; }
		server { listen %s; proxy_pass u; }`, freeAddr(t), backend(t, echo), addr), 1)
	for range 4 {
		c := dial(t, addr)
		io.WriteString(c, "x")
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

func TestPeersEndReachesTheClientAfterItsBytes(t *testing.T) {
	addr := freeAddr(t)
	peer := backend(t, func(c net.Conn) { c.Write(bytes.Repeat([]byte("y"), 3<<20)) })
	serve(t, fmt.Sprintf("server { listen %s; proxy_pass %s; }", addr, peer), 1)
	c := dial(t, addr)
	got, err := io.ReadAll(c)
	if err != nil || len(got) != 3<<20 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestProxyProtocolHeaderGoesFirst(t *testing.T) {
	addr := freeAddr(t)
	serve(t, fmt.Sprintf("server { listen %s; proxy_pass %s; proxy_protocol on; }", addr, backend(t, echo)), 1)
	c := dial(t, addr)
	io.WriteString(c, "hello")
	want := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %s\r\nhello", c.LocalAddr().(*net.TCPAddr).Port,
		addr[strings.LastIndexByte(addr, ':')+1:])
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %q, want %q, %v", got, want, err)
	}
}

func TestIdleSessionTimesOut(t *testing.T) {
	addr := freeAddr(t)
	serve(t, fmt.Sprintf("server { listen %s; proxy_pass %s; proxy_timeout 50ms; }", addr, backend(t, echo)), 1)
	c := dial(t, addr)
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
}
