package netio

import "github.com/weirproxy/weir/internal/loop"

// A desk is what the connections of a loop have in common: what is read early (early.go), what is written late (late.go),
// and what of that is to be sent before they are closed (closer.go).
type desk struct {
	in      inbox
	out     outbox
	closers []*closer
	onSent  func()
	dropped bool // DropUnsent was called
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
