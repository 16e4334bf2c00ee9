package ngx

import (
	"unsafe"

	"github.com/weirproxy/weir/internal/luajit"
)

// What primitives return: one, succeeded and failure end a call, pushOne and the like are for coroutine.resume, where a
// call has waited.

// one returns 1, as many functions of the API do when they succeed.
func one(c *luajit.Call) luajit.Outcome {
	pushOne(&c.Values)
	return luajit.Return
}

// succeeded returns true, as others do.
func succeeded(c *luajit.Call) luajit.Outcome {
	pushTrue(&c.Values)
	return luajit.Return
}

// failure returns nil and a message, as most functions of the API do when they fail.
func failure(c *luajit.Call, message string) luajit.Outcome {
	fail(&c.Values, message)
	return luajit.Return
}

func fail(v *luajit.Values, message string) {
	v.PushNil()
	v.PushString(message)
}

func pushOne(v *luajit.Values) { v.PushNumber(1) }

func pushTrue(v *luajit.Values) { v.PushBool(true) }

func pushText(text []byte) func(v *luajit.Values) {
	return func(v *luajit.Values) { v.PushBytes(text) }
}

func pushFailure(message string) func(v *luajit.Values) {
	return func(v *luajit.Values) { fail(v, message) }
}

// pushPartial is a failure with what was received until then.
func pushPartial(message string, partial []byte) func(v *luajit.Values) {
	return func(v *luajit.Values) {
		fail(v, message)
		v.PushBytes(partial)
	}
}

// pushScratch pushes bytes of a worker's scratch buffer, which C may read.
func pushScratch(v *luajit.Values, b []byte) { v.PushC(unsafe.Pointer(unsafe.SliceData(b)), len(b)) }
