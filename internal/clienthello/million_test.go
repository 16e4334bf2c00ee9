package clienthello

import (
	"math/rand/v2"
	"testing"
)

// TestMillion parses a million hellos with some bytes changed, cut out or cut off: what is said of one does not change with
// more bytes, and nothing makes Parse or the fingerprint panic.
func TestMillion(t *testing.T) {
	var whole [][]byte
	for _, tc := range clients {
		whole = append(whole, captured(t, tc.name), inRecords(captured(t, tc.name), 50))
	}
	random := rand.New(rand.NewPCG(1, 2))
	var before, after, kept Hello
	var buf []byte
	for n := range 1_000_000 {
		buf = append(buf[:0], whole[random.IntN(len(whole))]...)
		for range 1 + random.IntN(3) {
			at := random.IntN(min(len(buf), 1+random.IntN(len(buf))))
			if random.IntN(4) == 0 {
				buf = append(buf[:at], buf[min(at+1+random.IntN(3), len(buf)-1):]...)
			} else {
				buf[at] = byte(random.Uint32())
			}
		}
		more, err := before.Parse(buf[:random.IntN(len(buf)+1)])
		m, e := after.Parse(buf)
		if more == 0 && (m != 0 || (err == nil) != (e == nil) || err == nil && string(before.ServerName) != string(after.ServerName)) {
			t.Fatalf("%x: %v, then %d, %v", buf, err, m, e)
		}
		if after.CopyTo(&kept); n%64 == 0 {
			kept.AppendJA4(nil)
		}
	}
}
