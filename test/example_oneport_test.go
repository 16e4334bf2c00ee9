package test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oneport is the example with its services, all at addresses of the test's, behind a relay that cuts what clients send
// first into single bytes.
type oneport struct {
	*server
	cut string // the relay's address
}

func startOneport(t *testing.T) *oneport {
	t.Helper()
	w := copyExample(t, "oneport", func(conf string) string { return strings.ReplaceAll(conf, "/tmp/oneport", "{dir}") })
	for _, name := range []string{"web.conf", "sshd_config"} {
		w.write(name, strings.ReplaceAll(w.read(name), "127.0.0.1", w.host))
	}
	w.services("web", "ssh")
	return &oneport{w.start(), cutter(t, w.addr(7100))}
}

// services runs the example's script, and waits until what it starts listens.
func (w *workspace) services(names ...string) {
	w.t.Helper()
	cmd := exec.Command(w.path("services"), append([]string{w.dir}, names...)...)
	out, err := os.Create(w.path("services.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if w.t.Failed() {
			w.t.Log("services:\n" + w.read("services.log"))
		}
	})
	for _, port := range []int{7111, 7112, 7113} {
		eventually(w.t, fmt.Sprint("a service to listen on ", port), func() bool {
			conn, err := net.Dial("tcp", w.addr(port))
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
}

// cutUpTo is how much the relay cuts: more than any client of the test says before it is answered.
const cutUpTo = 800

// cutter is a relay that sends the first bytes of each client one by one.
func cutter(t *testing.T, to string) string {
	return backend(t, func(from net.Conn) {
		defer from.Close()
		conn, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		go func() {
			buf := make([]byte, cutUpTo)
			n, _ := from.Read(buf)
			for i := range n {
				conn.Write(buf[i : i+1])
				time.Sleep(100 * time.Microsecond) // a segment of its own
			}
			io.Copy(conn, from)
			conn.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(from, conn)
	})
}

// run runs a client to its end, and returns what it has said.
func (o *oneport) client(stdin, name string, args ...string) string {
	o.t.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	timer := time.AfterFunc(deadline, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		o.t.Errorf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

func (o *oneport) curl(url string) string {
	return o.client("", "curl", "-sS", "--cacert", o.path("cert.pem"), "--connect-to", "::"+o.cut, url)
}

// private connects as a client of the private protocol.
func (o *oneport) private() *client {
	o.t.Helper()
	conn, err := net.Dial("tcp", o.cut)
	if err != nil {
		o.t.Fatal(err)
	}
	return newClient(o.t, conn)
}

func TestExampleOneport(t *testing.T) {
	o := startOneport(t)
	blob := make([]byte, 1<<20)
	rand.Read(blob)
	if err := os.WriteFile(o.path("blob"), blob, 0o644); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(o.cut)
	for _, test := range []struct{ what, got, want string }{
		{"curl", o.curl("https://blog.example/x"), "blog: /x\n"},
		{"curl, another name", o.curl("https://shop.example/y"), "shop: /y\n"},
		{"curl, a large file", o.curl("https://blog.example/files/blob"), string(blob)},
		{"openssl s_client", o.client("GET /z HTTP/1.0\r\n\r\n", "openssl", "s_client", "-quiet", "-ign_eof", "-verify_quiet",
			"-CAfile", o.path("cert.pem"), "-servername", "shop.example", "-connect", o.cut), "shop: /z\n"},
		{"ssh", o.client("", "ssh", "-F", "none", "-i", o.path("client_key"), "-p", port, "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", host, "echo over ssh"), "over ssh\n"},
	} {
		if !strings.HasSuffix(test.got, test.want) {
			t.Errorf("%s: %.200q, want %.200q", test.what, test.got, test.want)
		}
	}
}

// TestExampleOneportHandoff has the private protocol's connections outlive weir, which is started again.
func TestExampleOneportHandoff(t *testing.T) {
	o := startOneport(t)
	raw := o.private() // no receiver is there yet: it is closed
	raw.send("x")
	raw.wantAll("")
	o.run("raw.sock", "python3", filepath.Join(receivers, "python", "raw.py"))
	first := o.private()
	first.send("hello")
	if got := first.line(); !strings.HasPrefix(got, "raw python ") {
		t.Fatalf("greeting %q", got)
	}
	first.want("hello")
	o.run("app.sock", o.build(receivers+"/go"))
	second := o.private()
	second.send("good day")
	if got := second.line(); !strings.HasPrefix(got, "go ") || !strings.HasSuffix(got, " unknown") {
		t.Fatalf("greeting %q", got)
	}
	second.want("good day")
	talk := func() {
		t.Helper()
		for _, c := range []*client{first, second} {
			c.send("still there?")
			c.want("still there?")
		}
	}
	o.stop()
	talk()
	o.server = o.start()
	talk()
	third := o.private()
	third.send("new")
	if got := third.line(); !strings.HasPrefix(got, "go ") {
		t.Fatalf("greeting %q", got)
	}
	third.want("new")
	talk()
}

// TestExampleOneportKilled kills the receiver when it has got the connection and not answered: the other serves.
func TestExampleOneportKilled(t *testing.T) {
	o := startOneport(t)
	o.write("killed.py", killed)
	o.run("app.sock", "python3", o.path("killed.py"))
	o.run("raw.sock", "python3", filepath.Join(receivers, "python", "raw.py"))
	c := o.private()
	c.send("not lost")
	if got := c.line(); !strings.HasPrefix(got, "raw python ") {
		t.Fatalf("greeting %q", got)
	}
	c.want("not lost")
	o.waitLog(`receiver closed the connection before it answered`)
}
