package ngx

// keep puts bytes that must outlive the event into a buffer of the machine's.
func (s *socket) keep(b []byte, rest, buf *[]byte) {
	if *buf == nil {
		*buf = socketSlot.of(s.m).buffer()
	}
	*buf = append((*buf)[:0], b...)
	*rest = *buf
}

// buffer is an empty buffer to append to; nil when there is none.
func (all *sockets) buffer() (b []byte) {
	if n := len(all.buffers); n > 0 {
		b = all.buffers[n-1][:0]
		all.buffers = all.buffers[:n-1]
	}
	return b
}

// giveBack returns such a buffer: an idle connection has none.
func (s *socket) giveBack(rest, buf *[]byte) {
	*rest = nil
	if *buf == nil {
		return
	}
	socketSlot.of(s.m).keepBuffer(*buf)
	*buf = nil
}

func (all *sockets) keepBuffer(b []byte) {
	const most, many = 64 << 10, 64
	if cap(b) <= most && len(all.buffers) < many {
		all.buffers = append(all.buffers, b)
	}
}
