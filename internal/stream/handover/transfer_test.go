package handover_test

import (
	"net"
	"os"
	"testing"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/handover"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func connOf(t *testing.T, fd int) net.Conn {
	t.Helper()
	file := os.NewFile(uintptr(fd), "")
	c, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sends is a module whose content hands over by Give, to $first and then to $second, and answers itself when neither
// takes the session.
func sends(consume int, metadata handoff.Metadata) *stream.Module {
	var content func(s *stream.Session, left []string, consumed []byte)
	content = func(s *stream.Session, left []string, consumed []byte) {
		if len(left) == 0 {
			s.Client.Write(append([]byte("mine: "), consumed...))
			s.Sent++
			s.Finalize(stream.StatusOK)
			return
		}
		h := stream.Handover{Receivers: left[:1], Metadata: metadata, Consumed: consumed, Timeout: 50}
		s.Config().Giver.Give(s, h, func(err error) {
			if err != nil {
				content(s, left[1:], consumed)
				return
			}
			s.Finalize(stream.StatusOK)
		})
	}
	begin := func(receivers []string) func(*stream.Session) {
		return func(s *stream.Session) {
			consumed := make([]byte, consume)
			var have int
			s.OnClient = func(s *stream.Session) {
				n, _ := s.Client.Read(consumed[have:])
				if have += n; have == consume {
					s.OnClient = func(*stream.Session) {}
					content(s, receivers, consumed)
				}
			}
			s.OnClient(s)
		}
	}
	return &stream.Module{Name: "sends", Directives: []conf.Directive{{Name: "send_to", In: conf.InServer, Args: conf.OneMore,
		Set: func(s *conf.Scope, n *conf.Node) error { return stream.In(s).SetContent(n, begin(n.Args)) }}}}
}

func TestGive(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; send_to %DIR%/refuses unix:%DIR%/sulks %DIR%/takes; }
		server { listen 127.0.0.1:%PORT1%; send_to %DIR%/refuses %DIR%/none; }`,
		sends(4, handoff.Metadata{Protocol: "four", Meta: map[string]string{"k": "v"}}))
	receiver(t, s, "refuses", refuse)
	receiver(t, s, "sulks", sulk)
	l := listen(t, s, "takes")
	client := s.Dial(0)
	s.Send(client, "abcdef")
	c := accept(t, l)
	if string(c.Before()) != "abcd" || c.Protocol != "four" || c.Meta["k"] != "v" {
		t.Errorf("%q, %+v", c.Before(), c.Metadata)
	}
	read(t, c, "abcdef")
	if got := logged(t, s, 1); got != "200 [refused, timeout, accepted] [/refuses, unix:/sulks, /takes]" {
		t.Errorf("log %q", got)
	}
	client = s.Dial(1)
	s.Send(client, "wxyz")
	if got := s.ReadAll(client); got != "mine: wxyz" {
		t.Errorf("%q", got)
	}
}

// TestEndedWhileWaiting has the session end before the receiver answers: done is not called, nothing is left.
func TestEndedWhileWaiting(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/sulks timeout=1h; }`)
	held := make(chan struct{}, 1)
	receiver(t, s, "sulks", func(*net.UnixConn, int) bool { held <- struct{}{}; return true })
	client := s.Dial(0)
	<-held
	s.Runtime.EndSessions(s.Config)
	if got := s.ReadAll(client); got != "" {
		t.Errorf("%q", got)
	}
	if got := logged(t, s, 1); got != "200 [] [unix:/sulks]" {
		t.Errorf("log %q", got)
	}
}

func TestConfiguration(t *testing.T) {
	r := streamtest.NewReader(t, handover.Module)
	for text, want := range map[string]string{
		`handoff unix:/x;`:                                         `"handoff" directive is not allowed here in nginx.conf:2`,
		`server { listen 1; handoff 127.0.0.1:1;}`:                 `a receiver is a unix socket in "127.0.0.1:1" of the "handoff" directive in nginx.conf:2`,
		`server { listen 1; handoff unix:; }`:                      `no path in the unix domain socket in "unix:" of the "handoff" directive in nginx.conf:2`,
		`server { listen 1; handoff unix:/x cooked; }`:             `invalid parameter "cooked" in nginx.conf:2`,
		`server { listen 1; handoff unix:/x timeout=soon; }`:       `invalid parameter "timeout=soon" in nginx.conf:2`,
		`server { listen 1; handoff unix:/x backup=localhost; }`:   `a receiver is a unix socket in "localhost" of the "handoff" directive in nginx.conf:2`,
		`server { listen 1; handoff unix:/x fallback=127.0.0.1; }`: `invalid parameter "fallback=127.0.0.1" in nginx.conf:2`,
		`server { listen 1; handoff unix:/x; handoff unix:/y; }`:   `"handoff" directive is duplicate in nginx.conf:2`,
		`handoff_meta a=b c;`:                                      `invalid parameter "a=b" in nginx.conf:2`,
		`server { listen 127.0.0.1:1 handoff; }`:                   `the "handoff" parameter is for unix sockets in nginx.conf:2`,
		`handoff_allow uid=0 uid=1;`:                               `duplicate parameter "uid=1" in nginx.conf:2`,
		`handoff_allow uid=nobody-of-that-name;`:                   `unknown user in "uid=nobody-of-that-name" in nginx.conf:2`,
		`handoff_allow gid=no-group-of-that-name;`:                 `unknown group in "gid=no-group-of-that-name" in nginx.conf:2`,
		`handoff_allow pid=1;`:                                     `invalid parameter "pid=1" in nginx.conf:2`,
		`handoff_allow uid=root gid=root; server { listen 1; handoff unix:/x raw timeout=1s backup=unix:/y fallback=unix:/z; }`: ``,
	} {
		_, err := r.Read(text)
		if got := ""; err != nil {
			if got = err.Error(); got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		} else if want != "" {
			t.Errorf("%s: no error, want %s", text, want)
		}
	}
}
