package upstream

import "testing"

func BenchmarkSelection(b *testing.B) {
	for name, m := range map[string]Method{
		"round_robin": RoundRobin, "least_conn": LeastConn, "hash": Hash, "ketama": ConsistentHash,
		"random": Random, "random_two": RandomTwo,
	} {
		b.Run(name, func(b *testing.B) {
			g, err := NewGroup(GroupConf{Servers: servers(1, 2, 3, 4), Method: m})
			if err != nil {
				b.Fatal(err)
			}
			in, key := g.Instance(0), []byte("192.0.2.1")
			var s Selection
			for b.Loop() {
				s.Init(in, key)
				s.Next(t0)
				s.Connected()
				s.Free(t0, false)
			}
		})
	}
}
