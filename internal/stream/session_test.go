package stream_test

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// answer is a module whose directive "answer TEXT;" writes the text without reading anything.
type answerConf struct{ text *stream.Template }

var answerSlot = stream.NewSlot[answerConf]()

var answer = &stream.Module{
	Name:   "answer",
	Config: answerSlot.Decl(nil, nil),
	Directives: []conf.Directive{{Name: "answer", In: conf.InServer, Args: conf.Take1,
		Set: answerSlot.Set(func(c *answerConf, b *stream.Block, n *conf.Node) (err error) {
			if c.text, err = b.Template(n.Args[0]); err != nil {
				return err
			}
			return b.SetContent(n, func(s *stream.Session) {
				n, _ := s.Client.Write([]byte(answerSlot.Of(s.Server).text.Text(s)))
				s.Sent += int64(n)
				s.Finalize(stream.StatusOK)
			})
		})}},
}

// tracer writes down what runs when, in each phase.
func tracer(name string, phase stream.Phase, result stream.Result, trace chan<- string) *stream.Module {
	return &stream.Module{Name: name, Handlers: []stream.PhaseHandler{{Phase: phase,
		Run: func(*stream.Session) stream.Result { trace <- name; return result }}}}
}

func TestHandlersRunInOrder(t *testing.T) {
	for _, test := range []struct {
		name   string
		result stream.Result
		want   string
	}{
		{"declined lets the next handler of the phase run", stream.Declined, "first second preread log"},
		{"done skips the rest of the phase", stream.Done, "first preread log"},
		{"a status ends the session", stream.StatusForbidden, "first log"},
	} {
		t.Run(test.name, func(t *testing.T) {
			trace := make(chan string, 10)
			s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; answer ""; }`,
				tracer("log", stream.Log, stream.Declined, trace),
				tracer("preread", stream.Preread, stream.Declined, trace),
				tracer("first", stream.Access, test.result, trace),
				tracer("second", stream.Access, stream.Declined, trace),
				answer)
			s.Ask(0, "")
			s.Settle()
			close(trace)
			var got []string
			for step := range trace {
				got = append(got, step)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// peeker waits in the preread phase until the client's first line is complete.
func peeker() *stream.Module {
	return &stream.Module{Name: "peeker", Handlers: []stream.PhaseHandler{{Phase: stream.Preread,
		Run: func(s *stream.Session) stream.Result {
			for have := 0; ; {
				data, result, ok := s.Peek(have)
				if !ok {
					return result
				}
				if strings.Contains(string(data), "\n") {
					return stream.Declined
				}
				have = len(data)
			}
		}}}}
}

func TestPeekWaitsForMore(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; answer ok; lingering_close off; }`, peeker(), answer)
	c := s.Dial(0).(*net.TCPConn)
	for _, piece := range []string{"o", "n", "e", "\n"} {
		s.Send(c, piece)
		s.Settle()
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "ok" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPeekThatCannotGoOn(t *testing.T) {
	s := streamtest.Start(t, `
		preread_buffer_size 16;
		preread_timeout 30ms;
		server { listen 127.0.0.1:%PORT%; answer ok; }`, peeker(), answer)
	for _, test := range []struct{ name, send string }{
		{"the buffer is full", strings.Repeat("x", 32)},
		{"the client is silent", ""},
		{"the client stops in the middle", "x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.Dial(0)
			s.Send(c, test.send)
			if got, err := io.ReadAll(c); len(got) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if !strings.Contains(s.ErrorLog(), "preread buffer full while prereading client data, client: 127.0.0.1") {
		t.Errorf("the full buffer is not in the log:\n%s", s.ErrorLog())
	}
}

// A client that has sent what nobody read must get its answer whole: closing at once would reset the connection.
func TestLingeringCloseSavesTheAnswer(t *testing.T) {
	const text = `server { listen 127.0.0.1:%PORT%; answer "go away"; lingering_close MODE; }`
	ask := func(mode string) (string, error) {
		s := streamtest.Start(t, strings.Replace(text, "MODE", mode, 1), answer)
		release := s.Pause()
		c := s.Dial(0)
		s.Send(c, "a request that nobody reads")
		release()
		s.Settle()
		s.Settle()
		if mode != "off" { // what comes after the answer is thrown away too
			s.Send(c, "and more of it")
			c.(*net.TCPConn).CloseWrite()
		}
		got, err := io.ReadAll(c)
		return string(got), err
	}
	for _, mode := range []string{"on", "always"} {
		if got, err := ask(mode); got != "go away" || err != nil {
			t.Errorf("lingering_close %s: got %q, %v", mode, got, err)
		}
	}
	if _, err := ask("off"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("lingering_close off: the connection was not reset (%v): the test shows nothing", err)
	}
}

func TestAddressBesideWildcard(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen %PORT%; answer "any $server_addr"; }
		server { listen 127.0.0.2:%PORT%; answer "second $server_addr"; }`, answer)
	if n := len(s.Config.Listeners); n != 1 {
		t.Fatalf("%d sockets for a wildcard and an address of the same port", n)
	}
	_, port, _ := net.SplitHostPort(s.Config.Listeners[0].Addr.String())
	for addr, want := range map[string]string{"127.0.0.1": "any 127.0.0.1", "127.0.0.2": "second 127.0.0.2"} {
		if got := s.ReadAll(s.DialTCP(net.JoinHostPort(addr, port))); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
}

func TestGenerationIsFreedWithItsLastSession(t *testing.T) {
	events := make(chan string, 10)
	generation := 0
	tell := func(event string) func(*stream.Worker, *int) {
		return func(_ *stream.Worker, n *int) { events <- event + " " + strconv.Itoa(*n) }
	}
	hooks := stream.NewGenerationSlot[int]().Decl(stream.Hooks[int]{
		Build: func(*stream.Config, int) (*int, error) {
			generation++
			n := generation
			return &n, nil
		},
		Start: tell("start"), Retire: tell("retire"), Free: tell("free"),
	})
	text := `server { listen 127.0.0.1:%PORT%; answer ok; }`
	s := streamtest.Start(t, text, peeker(), answer, &stream.Module{Name: "hooks", Generation: hooks})
	c := s.Dial(0)
	s.Send(c, "x")
	s.Settle()
	s.Load(text)
	s.Settle()
	select {
	case <-events:
	default:
	}
	if got := <-events + ", " + <-events; got != "start 2, retire 1" {
		t.Errorf("the reload did %q", got)
	}
	select {
	case event := <-events:
		t.Errorf("%q while a session of the first generation runs", event)
	default:
	}
	s.Send(c, "\n")
	if got := s.ReadAll(c); got != "ok" {
		t.Errorf("the old session got %q", got)
	}
	c.Close() // it lingered: its bytes were only peeked
	if got := <-events; got != "free 1" {
		t.Errorf("the end of the last session did %q", got)
	}
}

func TestConfigurationErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`server { answer x; }`, `no "listen" is defined for server in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT%; answer $nothing; }`, `unknown "nothing" variable`},
		{`server { listen 127.0.0.1:0x; }`, `invalid port in "127.0.0.1:0x" of the "listen" directive in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% frob; }`, `invalid parameter "frob" in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT%; answer a; answer b; }`, `"answer" directive is duplicate in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% default_server; } server { listen 127.0.0.1:%PORT% default_server; }`,
			`a duplicate default server for 127.0.0.1:`},
		{`server { listen 127.0.0.1:%PORT% bind; } server { listen 127.0.0.1:%PORT% backlog=1; nonsense; }`,
			`duplicate listen options for 127.0.0.1:`},
		{"server { listen 127.0.0.1:%PORT%;\nlisten localhost:%PORT%; }", "a duplicate listen 127.0.0.1:%PORT% in nginx.conf:3"},
		{`server { listen 127.0.0.1:%PORT%; server_name a*; } server { listen 127.0.0.1:%PORT%; }`,
			`invalid server name or wildcard "a*" on 127.0.0.1:`},
		{"server {\n answer a; }", `no "listen" is defined for server in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% so_keepalive=0::0; }`, `invalid so_keepalive value: "0::0" in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% so_keepalive=1:2:3:4; }`, `invalid so_keepalive value: "1:2:3:4" in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% ipv6only=x; }`, `invalid parameter "ipv6only=x" in nginx.conf:2`},
		{`server { listen 127.0.0.1:%PORT% so_keepalive=1:x; }`, `invalid so_keepalive value: "1:x" in nginx.conf:2`},
		{`upstream u { server 127.0.0.1:1; } upstream u { server 127.0.0.1:1; }`, `duplicate upstream "u" in nginx.conf:2`},
		{"upstream u {\n}", `no servers are inside upstream in nginx.conf:3`},
		{`upstream u { random three; server 127.0.0.1:1; }`, `invalid parameter "three" in nginx.conf:2`},
		{`preread_timeout soon;`, `"preread_timeout" directive invalid value in nginx.conf:2`},
		{`lingering_close maybe;`, `invalid value "maybe"`},
		{`server_names_hash_max_size 1; server_names_hash_max_size x;`, `"server_names_hash_max_size" directive is duplicate`},
	} {
		r := streamtest.NewReader(t, answer)
		_, err := r.Read(test.text)
		if err == nil || !strings.Contains(err.Error(), r.Expand(test.want)) {
			t.Errorf("%s\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// What nginx accepts with a warning, or without one.
func TestConfigurationWarnings(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`server { listen 127.0.0.1:%PORT%; } server { listen 127.0.0.1:%PORT%; }`, `conflicting server name "" on 127.0.0.1:%PORT%, ignored`},
		{`server { listen 127.0.0.1:%PORT%; } server { listen 127.0.0.1:%PORT%; server_name a a; }`,
			`conflicting server name "a" on 127.0.0.1:%PORT%, ignored`},
		{`server { listen 127.0.0.1:%PORT% bind; } server { listen 127.0.0.1:%PORT% proxy_protocol; server_name a; }`,
			`protocol options redefined for 127.0.0.1:%PORT%`},
		{`server { listen 127.0.0.1:%PORT%; } server { listen 127.0.0.1:%PORT% proxy_protocol; server_name a; }`, ""},
		{`server { listen 127.0.0.1:%PORT% so_keepalive=0:10:5 rcvbuf=0 sndbuf=0 fastopen=0; }`, ""},
	} {
		r := streamtest.NewReader(t, answer)
		if _, err := r.Read(test.text); err != nil {
			t.Errorf("%s\n%v", test.text, err)
		}
		if got, want := strings.Join(r.Warnings, "; "), r.Expand(test.want); got != want {
			t.Errorf("%s\n got %q\nwant %q", test.text, got, want)
		}
	}
}

func TestReuseportComesAndGoes(t *testing.T) {
	text := func(parameter string) string {
		return `server { listen 127.0.0.1:%PORT% ` + parameter + `; answer "` + parameter + `."; }`
	}
	s := streamtest.StartWorkers(t, 2, text(""), answer)
	for _, parameter := range []string{"reuseport", "", "reuseport"} {
		release := s.Pause()
		waiting := s.Dial(0) // in the queue of the socket that goes
		release()
		s.Load(text(parameter))
		if got := s.ReadAll(waiting); !strings.HasSuffix(got, ".") {
			t.Errorf("a connection that waited during the change to %q got %q", parameter, got)
		}
		for range 10 {
			if got := s.Ask(0, ""); got != parameter+"." {
				t.Errorf("after the change to %q: got %q", parameter, got)
			}
		}
	}
}
