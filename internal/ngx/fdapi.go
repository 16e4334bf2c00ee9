package ngx

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// record is a request as C code knows it, for programs that reach into nginx by FFI: its address is what thread.exdata
// and resty.core.base.get_request give. It begins with the address of the connection, and that has the descriptor
// where nginx has it (ngx_stream_lua_request_s, ngx_connection_s). It is no Go memory, and stays mapped as long as the
// machine lives: an address that was kept for too long finds another request's descriptor, or -1.
type record struct {
	connection uintptr
	_          [2]uintptr
	// ngx_connection_s:
	data, read, write uintptr
	fd                int32
	// slot is the record's place among all, from 1 on.
	slot   int32
	_      uintptr
	client luajit.Client
}

// records are a machine's, used again and again.
type records struct {
	free   []*record  // the one to be taken next is the last
	users  []*request // by slot, from 1 on: the request that has the record
	events uintptr    // zeros, in place of the events that data, read and write point to
}

var recordSlot = newMachineSlot[records]()

// recordPage is how much memory is mapped at once, in bytes.
const recordPage = 16 << 10

// addRecord gives r a record that has no descriptor.
func (m *machine) addRecord(r *request) {
	all := recordSlot.of(m)
	if len(all.free) == 0 {
		all.grow(m)
	}
	last := len(all.free) - 1
	r.record = all.free[last]
	all.free = all.free[:last]
	all.users[r.record.slot] = r
}

// dropRecord takes it back.
func (m *machine) dropRecord(r *request) {
	all := recordSlot.of(m)
	all.users[r.record.slot] = nil
	all.free = append(all.free, r.record)
}

// requestByID finds a request that has not been freed; nil when there is none. That is for mistakes, and looks at all.
func (m *machine) requestByID(id uint64) *request {
	for _, r := range recordSlot.of(m).users {
		if r != nil && uint64(r.id) == id {
			return r
		}
	}
	return nil
}

func (all *records) grow(m *machine) {
	page, err := unix.Mmap(-1, 0, recordPage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic("no memory: " + err.Error()) // as Go's own allocations do
	}
	m.closers = append(m.closers, func() { unix.Munmap(page) })
	list := unsafe.Slice((*record)(unsafe.Pointer(unsafe.SliceData(page))), recordPage/int(unsafe.Sizeof(record{})))
	const size = 4 // records that the zeros take
	all.events = uintptr(unsafe.Pointer(&list[0]))
	list = list[size:]
	if len(all.users) == 0 {
		all.users = append(all.users, nil)
	}
	for i := range list {
		c := &list[i]
		at := uintptr(unsafe.Pointer(c))
		*c = record{connection: at + unsafe.Offsetof(c.data), data: at, read: all.events, write: all.events, fd: -1,
			slot: int32(len(all.users))}
		all.users = append(all.users, nil)
		all.free = append(all.free, c)
	}
	slices.Reverse(all.free) // few slots are used: tables by slot are arrays
}

// exdata is what thread.exdata() gives in r's threads.
func (r *request) exdata() uintptr { return uintptr(unsafe.Pointer(r.record)) }

// lookAgain is called at the end of a phase in which Lua has asked for the descriptor: another socket may have its
// number by now (dup2), and then the loop is to watch that.
func (r *request) lookAgain() {
	if !r.exposed || r.gone || !r.session.Client.IsOpen() {
		return
	}
	r.session.Client.Unwatch()
	unix.SetNonblock(r.session.Client.Fd(), true) // nobody does that to a dummy
	if err := r.session.Client.Watch(); err != nil {
		r.session.Log(logs.Info, "the client's descriptor cannot be watched any more: "+stream.Describe(err))
		r.gone = true
	}
}

// hide is called before the descriptor is closed: a process that was given it keeps the connection open, and what
// happens to it must not wake this one.
func (r *request) hide() {
	if r.exposed && r.session != nil && r.session.Client.IsOpen() {
		r.session.CloseAtOnce()
		r.session.Client.Unwatch()
	}
}
