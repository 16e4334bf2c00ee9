package test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// lua-resty-redis on a real redis.
func TestLibraryRedis(t *testing.T) {
	port := startTool(t, "redis-server", func(port string) []string {
		return []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"}
	})
	eachLibraryServer(t, "redis", func(t *testing.T, s *server) {
		unique := strings.NewReplacer("ann", "ann-"+s.host, "bob", "bob-"+s.host, "till", "till-"+s.host).Replace
		c := s.dial(7040)
		ask := func(line string, answers ...string) {
			t.Helper()
			for i := range answers {
				answers[i] = unique(answers[i])
			}
			c.ask(unique(line), answers...)
		}
		ask("pay ann 100", "100")
		ask("pay bob 20", "20")
		ask("reused", "yes")
		ask("show ann bob none", "ann=100 bob=20 none=none")
		ask("move ann bob 500", "not enough")

		watcher := s.dial(7040)
		watcher.ask("watch 2", "watching")
		ask("move ann bob 30", "moved")
		ask("move bob ann 1", "moved")
		for _, want := range []string{"ann bob 30", "bob ann 1", "done"} {
			if got := watcher.line(); got != unique(want) {
				t.Fatalf("watch: %q, want %q", got, want)
			}
		}
		watcher.ask(unique("show ann bob"), unique("ann=71 bob=49")) // the connection serves others again
		ask("pay ann x", "error: "+c.errorOf(unique("pay ann x"), "value is not an integer"))

		testTransactions(t, s, unique("till"))
	}, `"{host}", 6379`, `"127.0.0.1", `+port)
}

// errorOf asks, and returns the error that comes back, which must hold text.
func (c *client) errorOf(line, text string) string {
	c.t.Helper()
	c.send(line + "\n")
	got := c.line()
	if !strings.HasPrefix(got, "error: ") || !strings.Contains(got, text) {
		c.t.Fatalf("%s: %q, want an error with %q", line, got, text)
	}
	return strings.TrimPrefix(got, "error: ")
}

// testTransactions has several clients move from one account at a time: nothing is lost.
func testTransactions(t *testing.T, s *server, till string) {
	const clients, moves = 4, 20
	s.dial(7040).ask("pay "+till+" 1000", "1000")
	var all sync.WaitGroup
	for i := range clients {
		c := s.dial(7040)
		all.Go(func() {
			for range moves {
				if _, err := fmt.Fprintf(c, "move %s %s-%d 1\n", till, till, i); err != nil {
					t.Error(err)
					return
				}
				if got, err := c.r.ReadString('\n'); got != "moved\n" {
					t.Errorf("move: %q %v", got, err)
					return
				}
			}
		})
	}
	all.Wait()
	line, want := "show "+till, fmt.Sprintf("%s=%d", till, 1000-clients*moves)
	for i := range clients {
		line += fmt.Sprintf(" %s-%d", till, i)
		want += fmt.Sprintf(" %s-%d=%d", till, i, moves)
	}
	s.dial(7040).ask(line, want)
}
