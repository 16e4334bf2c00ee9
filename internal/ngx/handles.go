package ngx

// handles gives things of Go numbers that Lua can hold: the index in a list, and a count that tells the owners of one
// place apart, so that an old number finds nothing.
type handles[T any] struct {
	places []place[T]
	free   []uint32
}

type place[T any] struct {
	value *T
	life  uint32
}

// add gives value a number, which is not 0.
func (h *handles[T]) add(value *T) uint64 {
	var at uint32
	if n := len(h.free); n > 0 {
		at = h.free[n-1]
		h.free = h.free[:n-1]
	} else {
		at = uint32(len(h.places))
		h.places = append(h.places, place[T]{})
	}
	p := &h.places[at]
	p.value = value
	return uint64(p.life)<<32 | uint64(at+1)
}

// get finds what has the number; nil when nothing has it any more.
func (h *handles[T]) get(number uint64) *T {
	at := uint32(number) - 1
	if uint64(at) >= uint64(len(h.places)) || h.places[at].life != uint32(number>>32) {
		return nil
	}
	return h.places[at].value
}

// remove takes the number back.
func (h *handles[T]) remove(number uint64) {
	if h.get(number) == nil {
		return
	}
	at := uint32(number) - 1
	h.places[at] = place[T]{life: h.places[at].life + 1}
	h.free = append(h.free, at)
}
