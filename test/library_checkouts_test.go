//go:build libraries

// What Debian has no package of: make libraries LUA_LIBS="checkouts".

package test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// lua-resty-lock keeps 40 clients of two workers from asking the same thing twice.
func TestLibraryLock(t *testing.T) {
	eachLibraryServer(t, "lock", func(t *testing.T, s *server) {
		var all sync.WaitGroup
		answers := make([]string, 40)
		for i := range answers {
			c := s.dial(7043)
			question := fmt.Sprint("why", i%2)
			c.send(question + "\n")
			all.Go(func() { answers[i], _ = c.r.ReadString('\n') })
		}
		all.Wait()
		workers := map[string]bool{}
		for i, got := range answers {
			answer, worker, _ := strings.Cut(got, " (worker ")
			if want := fmt.Sprintf("why%d? 1", i%2); answer != want {
				t.Errorf("client %d: %q, want %q", i, got, want)
			}
			workers[worker] = true
		}
		t.Logf("answers came from %d workers", len(workers))
	})
}

// lua-resty-balancer, its C library included.
func TestLibraryBalancer(t *testing.T) {
	eachLibraryServer(t, "balancer", func(t *testing.T, s *server) {
		const rounds = 5
		for _, port := range []int{7044, 7045} {
			counts := map[string]int{}
			for range 6 * rounds {
				counts[s.dial(port).all()]++
			}
			if counts["one"] != 3*rounds || counts["two"] != 2*rounds || counts["three"] != rounds {
				t.Errorf("port %d: %v", port, counts)
			}
		}
		counts := map[string]int{}
		for i := range 60 {
			host := fmt.Sprintf("127.1.%d.%d", i*7%256, 1+i*13%250)
			first := s.dialFrom(host, 7046).all()
			if again := s.dialFrom(host, 7046).all(); again != first {
				t.Errorf("%s: %s, then %s", host, first, again)
			}
			counts[first]++
		}
		if len(counts) != 3 {
			t.Errorf("by hash: %v", counts)
		}
	})
}
