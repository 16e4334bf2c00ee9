package luajit

/*
#include "vm.h"
*/
import "C"

import "unsafe"

// Fast is what C does of a primitive by itself, where it can; elsewhere the Func is called. FastSend and FastLine are
// for a socket that is lent (VM.Lend).
type Fast int32

const (
	// FastSend: argument 2 is a string, and the kernel takes it whole.
	FastSend Fast = C.WR_FAST_SEND
	// FastLine: argument 2 is missing or "*l"; the thread parks.
	FastLine Fast = C.WR_FAST_LINE
	// FastNew: a table with a box whose number is 0, as SetBoxes says.
	FastNew Fast = C.WR_FAST_NEW
	// FastCollect: a __gc of boxes, whose number is kept for Collected.
	FastCollect Fast = C.WR_FAST_COLLECT
	// FastSpawn: with Options.Spawn 1, a thread that ends without Go being entered from it, where SetBoxes allows new
	// objects and MaySpawn allows it.
	FastSpawn Fast = C.WR_FAST_SPAWN
	// FastWait: the results of a thread that a FastSpawn of the same thread has made and that has ended.
	FastWait Fast = C.WR_FAST_WAIT
	// FastClient: a table that stands for the client's socket, once in each phase, as SetClientBoxes says.
	FastClient Fast = C.WR_FAST_CLIENT
	// FastPeek: argument 2 is a number, and so many of the client's bytes are there.
	FastPeek Fast = C.WR_FAST_PEEK
)

// SetBoxes has C make what a FastNew returns: a table with the metatable table that holds a box with the metatable box,
// while *where, which is no Go memory, has a bit of allowed.
func (vm *VM) SetBoxes(table, box Ref, where *int32, allowed int32) {
	b := &vm.c.boxes
	b.table, b.box = C.int32_t(table), C.int32_t(box)
	b.where, b.allowed = (*C.int32_t)(where), C.int32_t(allowed)
}

// ClientBox is set in what Call.Box gives for a client's socket; the rest is its request's ID (Client). It needs no box,
// as nothing has to be done when it is collected.
const ClientBox = 1 << 63

// SetClientBoxes has C make what a FastClient returns: a table with the metatable methods, while *where of SetBoxes has
// a bit of asking, and answer a FastPeek while it has one of peeking.
func (vm *VM) SetClientBoxes(methods Ref, asking, peeking int32) {
	b := &vm.c.boxes
	b.client, b.asking, b.peeking = C.int32_t(methods), C.int32_t(asking), C.int32_t(peeking)
}

// Client is what C knows of a client's connection. It is the owner's, and no Go memory.
type Client struct {
	ID       float64 // of the request, not used again
	Fd       int32
	Asked    int32  // the bit of the phase in which the socket was asked for last
	Pending  int32  // not 0: a FastClient asks Go
	PeekMost uint32 // bytes that a FastPeek may look at; 0: it asks Go
}

// SetClient says whose code runs; nil: none that has a client. It costs no crossing.
func (vm *VM) SetClient(c *Client) { vm.c.client = (*C.wr_client)(unsafe.Pointer(c)) }

// Collected is the numbers of boxes that were collected since it was called last. It is valid until Lua runs again.
func (vm *VM) Collected() []uint64 {
	b := &vm.c.boxes
	n := b.ndead
	b.ndead = 0
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b.dead[0])), n)
}

// Forget sets an item that table has to nil before Lua runs next. It costs no crossing.
func (vm *VM) Forget(table Ref, index int) {
	if int(vm.c.nforgotten) == len(vm.c.forgotten) {
		C.wr_forget(vm.addr())
	}
	vm.c.forgotten[vm.c.nforgotten] = C.wr_item{table: C.int32_t(table), index: C.int32_t(index)}
	vm.c.nforgotten++
}

// A Loan says what C may do with the socket whose box has Number (Values.PushBox), and which is Fd.
type Loan struct {
	Number uint64
	Fd     int
	// Send: a FastSend may send. Hold: it need not, and leaves what it was given for Held. Wait: nothing is there to be
	// read, so a FastLine may park.
	Send, Hold, Wait bool
}

// Lend lends a socket for the next Resume. It ends with Return, which must follow that Resume.
func (vm *VM) Lend(l Loan) {
	f := &vm.c.fast
	f.number, f.fd, f.may = C.uint64_t(l.Number), C.int32_t(l.Fd), 0
	if l.Send {
		f.may |= C.WR_MAY_SEND
	}
	if l.Send && l.Hold {
		f.may |= C.WR_MAY_HOLD
	}
	if l.Wait {
		f.may |= C.WR_MAY_WAIT
	}
}

// Recall ends the loan within the slice: a Func is about to use the socket. What C has sent counts on, until Return.
func (vm *VM) Recall() { vm.c.fast.may = 0 }

// Partial is how many bytes of its argument a FastSend has sent before its Func was called.
func (vm *VM) Partial() int {
	n := int(vm.c.fast.partial)
	vm.c.fast.partial = 0
	return n
}

// Sent is how many bytes C has sent or held since Sent was called last.
func (vm *VM) Sent() int {
	n := int(vm.c.fast.sent)
	vm.c.fast.sent = 0
	return n
}

// Held is what FastSends have left to be sent since Held was called last. It is valid until the next Resume.
func (vm *VM) Held() []byte {
	n := vm.c.fast.nheld
	vm.c.fast.nheld = 0
	return unsafe.Slice((*byte)(unsafe.Pointer(&vm.c.fast.held[0])), n)
}

// Return ends the loan. waits tells that the thread has parked in a FastLine.
func (vm *VM) Return() (waits bool) {
	f := &vm.c.fast
	waits = f.waits != 0
	f.number, f.may, f.waits = 0, 0, 0
	return waits
}
