package geo

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// ranges is a geo{} of ranges. A range is cut at multiples of 65536, as in nginx, and each block of so many addresses
// has its list: what may overlap what is decided block by block.
type ranges struct {
	fallback    string
	hasFallback bool
	blocks      map[uint16][]span
}

// span is a range within a block, both ends included. A block's spans are sorted and do not overlap.
type span struct {
	from, to uint16
	value    string
}

func (t *ranges) find(ip netip.Addr) string {
	if !ip.Is4() {
		ip = none
	}
	n := number(ip)
	list := t.blocks[uint16(n>>16)]
	i, _ := slices.BinarySearchFunc(list, uint16(n), func(s span, low uint16) int { return int(s.to) - int(low) })
	if i < len(list) && list[i].from <= uint16(n) {
		return list[i].value
	}
	return t.fallback
}

func number(ip netip.Addr) uint32 {
	bytes := ip.As4()
	return binary.BigEndian.Uint32(bytes[:])
}

func (t *ranges) line(b *stream.Block, n *conf.Node) error {
	text, value := n.Name, n.Args[0]
	switch n.Name {
	case "default":
		if t.hasFallback {
			b.Warn(n, fmt.Sprintf(`duplicate default geo range value: "%s", old value: "%s"`, value, t.fallback))
		}
		t.fallback, t.hasFallback = value, true
		return nil
	case "delete":
		text = n.Args[0]
	}
	from, to, ok := parseRange(text)
	if !ok {
		return n.Errorf(`invalid range "%s"`, text)
	}
	if n.Name == "delete" {
		t.remove(b, n, from, to)
		return nil
	}
	return t.add(b, n, from, to)
}

func parseRange(text string) (from, to uint32, ok bool) {
	first, last, ok := strings.Cut(text, "-")
	a, ok1 := addr.ParseIP(first)
	z, ok2 := addr.ParseIP(last)
	if !ok || !ok1 || !ok2 || !a.Is4() || !z.Is4() || number(a) > number(z) {
		return 0, 0, false
	}
	return number(a), number(z), true
}

// each calls fn for the part of the range in each block.
func each(from, to uint32, fn func(block, from, to uint16) error) error {
	for block := from >> 16; block <= to>>16; block++ {
		low, high := uint16(0), uint16(0xffff)
		if block == from>>16 {
			low = uint16(from)
		}
		if block == to>>16 {
			high = uint16(to)
		}
		if err := fn(uint16(block), low, high); err != nil {
			return err
		}
	}
	return nil
}

func (t *ranges) add(b *stream.Block, n *conf.Node, from, to uint32) error {
	if t.blocks == nil {
		t.blocks = map[uint16][]span{}
	}
	return each(from, to, func(block, low, high uint16) error {
		list, err := insert(t.blocks[block], span{low, high, n.Args[0]})
		switch old := err.(type) {
		case *duplicate:
			b.Warn(n, fmt.Sprintf(`duplicate range "%s", value: "%s", old value: "%s"`, n.Name, n.Args[0], old.value))
		case *overlap:
			return n.Errorf(`range "%s" overlaps "%s-%s"`, n.Name, dotted(block, old.from), dotted(block, old.to))
		}
		t.blocks[block] = list
		return nil
	})
}

func dotted(block, low uint16) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(block >> 8), byte(block), byte(low >> 8), byte(low)})
}

// duplicate and overlap say what is in the way.
type (
	duplicate struct{ span }
	overlap   struct{ span }
)

func (*duplicate) Error() string { return "duplicate range" }
func (*overlap) Error() string   { return "overlapping range" }

// insert adds s to a block's list. It may lie within another range, which is cut then; the error is nil, duplicate,
// when s has taken another's place, or overlap.
func insert(list []span, s span) ([]span, error) {
	i, _ := slices.BinarySearchFunc(list, s.from, func(have span, from uint16) int { return int(have.to) - int(from) })
	if i == len(list) || s.to < list[i].from {
		return slices.Insert(list, i, s), nil
	}
	have := list[i]
	switch {
	case have.from == s.from && have.to == s.to:
		list[i] = s
		return list, &duplicate{have}
	case s.from < have.from || s.to > have.to:
		return list, &overlap{have}
	}
	pieces := make([]span, 0, 3)
	if have.from < s.from {
		pieces = append(pieces, span{have.from, s.from - 1, have.value})
	}
	pieces = append(pieces, s)
	if s.to < have.to {
		pieces = append(pieces, span{s.to + 1, have.to, have.value})
	}
	return slices.Replace(list, i, i+1, pieces...), nil
}

func (t *ranges) remove(b *stream.Block, n *conf.Node, from, to uint32) {
	missing := false
	_ = each(from, to, func(block, low, high uint16) error {
		list := t.blocks[block]
		i := slices.IndexFunc(list, func(s span) bool { return s.from == low && s.to == high })
		if i < 0 {
			missing = true
			return nil
		}
		t.blocks[block] = slices.Delete(list, i, i+1)
		return nil
	})
	if missing {
		b.Warn(n, fmt.Sprintf(`no address range "%s" to delete`, n.Args[0]))
	}
}
