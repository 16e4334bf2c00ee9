package detect

import (
	"math/rand/v2"
	"testing"
)

// FuzzDetect looks for a panic, and for an answer that more bytes change.
func FuzzDetect(f *testing.F) {
	for _, flight := range captured(f) {
		f.Add([]byte(flight.first))
	}
	f.Fuzz(func(t *testing.T, first []byte) {
		if len(first) > 2048 {
			first = first[:2048]
		}
		checkSteps(t, string(first))
		for _, d := range Detectors {
			checkDetector(t, d, first)
		}
	})
}

// checkDetector does for one detector what checkSteps does for all together.
func checkDetector(t *testing.T, d Detector, first []byte) {
	t.Helper()
	final := d.Match(first)
	for n := range first {
		if v := d.Match(first[:n]); v.More() == 0 && v != final {
			t.Fatalf("%s, %q: %d after %d bytes, then %d", d.Protocol, first, v, n, final)
		}
	}
}

// TestMillion goes through a million first flights, random and made of real ones: none makes Detect panic, change its
// mind, or answer before it has what it needs.
func TestMillion(t *testing.T) {
	flights := captured(t)
	random := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 0, 4096)
	for range 1_000_000 {
		buf = mutate(random, buf[:0], flights)
		before, v := Detect(buf[:random.IntN(len(buf)+1)])
		after, w := Detect(buf)
		if v.More() == 0 && (v != w || before.Protocol != after.Protocol) {
			t.Fatalf("%q: %s, %d, then %s, %d", buf, before.Protocol, v, after.Protocol, w)
		}
	}
}

// mutate makes a first flight: noise, or the beginning of a real one with some bytes changed, moved or added.
func mutate(random *rand.Rand, buf []byte, flights []flight) []byte {
	if random.IntN(8) == 0 {
		for range random.IntN(64) {
			buf = append(buf, byte(random.Uint32()))
		}
		return buf
	}
	first := flights[random.IntN(len(flights))].first
	buf = append(buf, first[:min(len(first), 1+random.IntN(400))]...)
	for range random.IntN(4) {
		at := random.IntN(min(len(buf), 1+random.IntN(40)))
		switch random.IntN(4) {
		case 0:
			buf[at] = byte(random.Uint32())
		case 1:
			buf[at] ^= 1 << random.IntN(8)
		case 2:
			buf = append(buf[:at], buf[min(at+1+random.IntN(4), len(buf)-1):]...)
		default:
			buf = append(buf, flights[random.IntN(len(flights))].first...)
			buf = buf[:min(len(buf), 1024)]
		}
	}
	return buf
}

func BenchmarkDetect(b *testing.B) {
	for _, f := range captured(b) {
		switch f.name {
		case "openssl13", "ssh_openssh", "http_curl", "openvpn_tcp":
			b.Run(f.name, func(b *testing.B) {
				first := []byte(f.first)
				b.ReportAllocs()
				for b.Loop() {
					Detect(first)
				}
			})
		}
	}
}
