package ngx

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/pcre"
	"github.com/weirproxy/weir/internal/stream"
)

// machine is one Lua VM with what belongs to it: one for each worker and generation, or one for each session where
// lua_code_cache is off. It is used on its worker's loop only, save for Build.
type machine struct {
	vm     *luajit.VM
	config *stream.Config
	main   *config // of stream{}
	filled *config // main with its defaults
	id     int     // the worker's
	// worker is nil until the generation is started.
	worker *stream.Worker

	// req is the request whose Lua code runs; nil between slices and in init_by_lua.
	req    *request
	lent   *socket // to C, while the slice runs that it has resumed; nil: none
	depth  int     // depth of entries into Lua
	shared *shared
	page   []byte // shared is in it

	primitives luajit.Ref // the table of primitives
	preloader  luajit.Ref // function(name, file)
	protect    luajit.Ref // function(f, …): xpcall with a traceback
	backtrace  luajit.Ref // function(thread, …): OpenResty's traceback of light threads

	contexts   luajit.Ref // the tables ngx.ctx by slot
	definition luajit.Ref // function(f): source and line where f is defined

	text []byte // for building values

	inline []*luajit.Chunk          // by script.number; nil: not compiled yet
	files  map[string]*luajit.Chunk // by path
	slots  []any

	idleRequests   []*request
	idleCoroutines []*coroutine
	lastRequest    uint64
	lastBirth      uint64

	watch  *watch // nil: lua_slice_warn is off
	memory memory
	timers timers
	// Of machines that live for one session (lua_code_cache off):
	session bool
	parent  *machine // the worker's
	users   int      // the session and its timers

	retired bool
	closed  bool
	closers []func() // when the VM is gone
	// patterns are the compiled regular expressions.
	patterns *pcre.Patterns
}

// shared is what Lua reads without a call, through the FFI (lua/core.lua declares the same). It is no Go memory.
type shared struct {
	id    float64 // of the request that runs; 0: none
	phase int32
	// slot is the place of the request's record among all; 0: none runs.
	slot    int32
	ctx     int32   // set by Lua when the request got a table ngx.ctx
	exposed int32   // set by Lua when it asked for record
	record  uintptr // of the request that runs
}

// newMachine makes a VM with the whole API, in which no code of the user's has run.
func newMachine(c *stream.Config, main *config, worker int) (*machine, error) {
	vm, err := luajit.New()
	if err != nil {
		return nil, err
	}
	m := &machine{vm: vm, config: c, main: main, id: worker,
		inline: make([]*luajit.Chunk, main.scripts), files: map[string]*luajit.Chunk{}}
	m.page, err = unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		vm.Close()
		return nil, err
	}
	m.shared = (*shared)(unsafe.Pointer(unsafe.SliceData(m.page)))
	m.shared.phase = int32(inInit)
	vm.OnPanic = func(v any, stack []byte) { m.logf(logs.Alert, "panic in a Lua call: %v\n%s", v, stack) }
	vm.OnSpawn = m.spawned
	vm.SetLogLevel(int(c.Log.Level()))
	err = m.setPaths()
	if err == nil {
		err = m.setUp()
	}
	if err != nil {
		m.close()
		return nil, err
	}
	m.watch = startWatch(m, main.sliceWarn.Or(main.sliceWarn, 100).V)
	m.limitMemory(main.memoryLimit.V)
	return m, nil
}

// close frees the VM. Nothing of the machine may be used afterwards.
func (m *machine) close() {
	if m.closed {
		return
	}
	m.closed = true
	m.closePools()
	m.watch.stop()
	if m.patterns != nil {
		m.patterns.Keep()
	}
	m.vm.Close()
	for _, fn := range m.closers {
		fn()
	}
	unix.Munmap(m.page)
}

// enter is called before Lua runs for r (nil: for none), and leave with its result afterwards.
func (m *machine) enter(r *request) (before *request) {
	before = m.req
	m.tick()
	m.depth++
	m.become(r)
	if m.watch != nil && m.depth == 1 {
		m.watch.enter(r)
	}
	return before
}

func (m *machine) leave(before *request) {
	if m.depth--; m.depth == 0 {
		m.freeCollected()
	}
	if m.memory.limit != 0 {
		m.checkMemory()
	}
	if m.shared.ctx != 0 {
		m.shared.ctx = 0
		m.req.ctx = true
	}
	if m.shared.exposed != 0 {
		m.shared.exposed = 0
		m.req.exposed = true
	}
	m.become(before)
}

func (m *machine) become(r *request) {
	m.req = r
	if r == nil {
		m.shared.id, m.shared.slot = 0, 0
		m.shared.phase = int32(inInit)
		m.vm.SetClient(nil)
		return
	}
	m.vm.SetClient(&r.record.client)
	m.shared.id, m.shared.slot = r.id, r.record.slot
	m.shared.phase = int32(r.phase)
	m.shared.record = r.exdata()
	m.vm.SetLogLevel(int(r.errorLog().Level()))
}

// call runs the function f for r on the main state, where nothing can wait. Its error has a traceback. args and use may
// be nil.
func (m *machine) call(r *request, f luajit.Ref, args func(v *luajit.Values), use func(luajit.Results)) error {
	before := m.enter(r)
	defer m.leave(before)
	var raised error
	err := m.vm.Call(m.protect, func(v *luajit.Values) {
		v.PushRef(f)
		if args != nil {
			args(v)
		}
	}, func(results luajit.Results) {
		switch {
		case !results.Bool(1) && results.Type(2) != luajit.String:
			raised = errNoText
			return
		case !results.Bool(1):
			raised = protectedError(results.String(2))
			return
		}
		if use != nil {
			use(results)
		}
	})
	if err != nil {
		return err
	}
	return raised
}

// errNoText is for an error whose value is no text.
const errNoText = luaError("unknown reason")

// protectedError is an error that the protecting function has caught. That its traceback could not be made has one
// reason: the stack was full.
func protectedError(text string) luaError {
	if text == "error in error handling" {
		return "stack overflow"
	}
	return luaError(text)
}

// luaError is the text of an error that Lua code raised.
type luaError string

func (e luaError) Error() string { return string(e) }

// machineSlot is where a family keeps what it has for each machine, such as a pool of connections.
type machineSlot[T any] struct{ index int }

var machineSlots int

// newMachineSlot reserves a slot; it is called for package variables only.
func newMachineSlot[T any]() machineSlot[T] {
	machineSlots++
	return machineSlot[T]{machineSlots - 1}
}

// of is the machine's value, zero at first.
func (k machineSlot[T]) of(m *machine) *T {
	if m.slots == nil {
		m.slots = make([]any, machineSlots)
	}
	value, ok := m.slots[k.index].(*T)
	if !ok {
		value = new(T)
		m.slots[k.index] = value
	}
	return value
}
