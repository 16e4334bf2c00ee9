package test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The client sends far more than the server reads before it answers. Were its socket closed then, it would be reset.
func TestExampleLingering(t *testing.T) { eachServer(t, "lingering", testLingeringByHand) }

// So it is the code that does it, and not lingering_close.
func TestExampleLingeringByHand(t *testing.T) {
	testLingeringByHand(t, startExample(t, binary, "lingering", withoutLingeringClose))
}

func withoutLingeringClose(conf string) string {
	return strings.Replace(conf, "stream {", "stream {\n    lingering_close off;", 1)
}

func testLingeringByHand(t *testing.T, s *server) {
	c := s.dial(7004)
	c.send("1000000\n")
	c.wantAll("too large\n") // the answer comes first, and its end
	for range 10 {
		c.send(strings.Repeat("x", 100_000))
		time.Sleep(time.Millisecond) // a reset would have arrived by the next
	}
	c.closeWrite()

	s.exchangeLate(t, 7004, "1000000\n"+strings.Repeat("x", 8<<20), "too large\n")
	if got := s.exchange(7004, "5\n"); got != "thank you\n" {
		t.Errorf("received %q", got)
	}
}

func TestExampleLingeringClose(t *testing.T) {
	s := startExample(t, binary, "lingering", nil)
	for range 100 {
		s.exchangeLate(t, 7005, "-"+strings.Repeat("x", 1000), "go away\n")
	}
	if got := s.exchange(7005, "+"); got != "welcome\n" {
		t.Errorf("received %q", got)
	}
}

// Without lingering_close the same client is reset, as by nginx.
func TestExampleLingeringOff(t *testing.T) {
	s := startExample(t, binary, "lingering", withoutLingeringClose)
	c := s.dial(7005)
	c.send("-" + strings.Repeat("x", 1000))
	_, err := io.ReadAll(c.r)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v, want a reset", err)
	}
}

// exchangeLate sends everything before it reads.
func (w *workspace) exchangeLate(t *testing.T, port int, text, want string) {
	t.Helper()
	c := w.dial(port)
	defer c.Close()
	c.send(text)
	c.closeWrite()
	c.wantAll(want)
}
