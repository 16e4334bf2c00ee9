package netio

import "github.com/weirproxy/weir/internal/loop"

// A desk is what the connections of a loop have in common: what is read early (early.go), and what is written late (late.go).
type desk struct {
	in  inbox
	out outbox
}

func deskOf(l *loop.Loop) *desk {
	d, ok := l.Companion.(*desk)
	if !ok {
		d = &desk{}
		d.out.flush = d.out.writeAll
		l.Companion = d
	}
	return d
}
