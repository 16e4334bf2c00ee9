package test

import (
	"sync"
	"testing"
)

// lua-resty-memcached on a real memcached.
func TestLibraryMemcached(t *testing.T) {
	port := startTool(t, "memcached", func(port string) []string {
		return []string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-u", "root"}
	})
	eachLibraryServer(t, "memcached", func(t *testing.T, s *server) {
		c := s.dial(7041)
		c.ask("set list milk", "kept")
		c.ask("get list", "milk")
		c.ask("get nothing", "none")
		c.ask("append list ,bread", "appended")
		c.ask("append nothing x", "none")
		c.ask("all list nothing", "list=milk,bread nothing=none")

		key := "visits-" + s.host
		var all sync.WaitGroup
		for range 4 {
			other := s.dial(7041)
			all.Go(func() {
				for range 25 {
					if _, err := other.Write([]byte("count " + key + "\n")); err != nil {
						t.Error(err)
					}
					if _, err := other.r.ReadString('\n'); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		c.ask("get "+key, "100")
	}, `"{host}", 11211`, `"127.0.0.1", `+port)
}
