package netio

import (
	"io"
	"testing"
	"time"
)

// Who waits for what was written late to be sent is told when it is, and when it is given up.
func TestWhenSent(t *testing.T) {
	for _, test := range []struct {
		name string
		then func(r *round, filled int)
	}{
		{"sent", func(r *round, filled int) { io.CopyN(io.Discard, r.far[0], int64(filled)) }},
		{"reset", func(r *round, _ int) { r.far[0].SetLinger(0); r.far[0].Close() }},
		{"given up", func(r *round, _ int) { r.l.do(func() { DropUnsent(r.l.Loop) }) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := startRound(t, 1)
			sent, filled := make(chan struct{}), 0
			r.l.do(func() {
				if WhenSent(r.l.Loop, func() { t.Error("told without having to wait") }) {
					t.Error("there is nothing to wait for")
				}
				filled = fill(r.conns[0])
				r.conns[0].WriteLate([]byte("late"))
				r.conns[0].Close()
				if !WhenSent(r.l.Loop, func() { close(sent) }) {
					t.Error("nothing to wait for")
				}
			})
			test.then(r, filled)
			select {
			case <-sent:
			case <-time.After(10 * time.Second):
				t.Fatal("not told within 10 s")
			}
		})
	}
}
