package ngx

// taken is what Lua has received since something was last sent to the client: a receiver is to read it again.
type taken struct {
	bytes   []byte // in a buffer of the machine's
	overrun bool   // there was more than preread_buffer_size
}

// take adds what Lua has received.
func (r *request) take(b []byte) {
	t := &r.taken
	if t.overrun || len(b) == 0 {
		return
	}
	if len(t.bytes)+len(b) > r.session.Server.PrereadBufferSize {
		r.forgetTaken()
		t.overrun = true
		return
	}
	if t.bytes == nil {
		t.bytes = socketSlot.of(r.m).buffer()
	}
	t.bytes = append(t.bytes, b...)
}

// forgetTaken is called when the client has been sent something: what it said before has been answered.
func (r *request) forgetTaken() {
	r.taken.overrun = false
	if r.taken.bytes != nil {
		socketSlot.of(r.m).keepBuffer(r.taken.bytes)
		r.taken.bytes = nil
	}
}
