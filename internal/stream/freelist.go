package stream

// FreeList keeps values that are not in use for the next who needs one. It belongs to one worker.
type FreeList[T any] struct{ kept []*T }

// Take takes out the value that was put there last, as it was then; a new zero value when the list is empty.
func (l *FreeList[T]) Take() *T {
	last := len(l.kept) - 1
	if last < 0 {
		return new(T)
	}
	v := l.kept[last]
	l.kept[last] = nil
	l.kept = l.kept[:last]
	return v
}

// Put keeps v, which nobody uses any more.
func (l *FreeList[T]) Put(v *T) { l.kept = append(l.kept, v) }

// Len is how many values are kept.
func (l *FreeList[T]) Len() int { return len(l.kept) }
