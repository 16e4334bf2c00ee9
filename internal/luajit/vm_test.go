package luajit

import (
	"runtime"
	"strings"
	"testing"
)

// newVM locks the test to its thread, as a worker does.
func newVM(t testing.TB) *VM {
	t.Helper()
	runtime.LockOSThread()
	vm, err := New()
	if err != nil {
		t.Fatal(err)
	}
	vm.OnPanic = func(v any, stack []byte) { t.Logf("panic in Lua call: %v", v) }
	t.Cleanup(func() {
		vm.Close()
		runtime.UnlockOSThread()
	})
	return vm
}

// register makes a primitive a global.
func register(t testing.TB, vm *VM, name string, opt Options, f Func) {
	t.Helper()
	ref, err := vm.Register(name, f, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := vm.SetGlobal(name, func(v *Values) { v.PushRef(ref) }); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, vm *VM, source string) *Chunk {
	t.Helper()
	chunk, err := vm.Load("=test", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return chunk
}

func start(t testing.TB, vm *VM, source string) *Thread {
	t.Helper()
	th, err := vm.Start(load(t, vm, source))
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// finish resumes th with its count until it ends, and answers its results as
// text, or its error.
func finish(t testing.TB, th *Thread) string {
	t.Helper()
	state := th.Resume()
	for i := 1; state == Parked || state == Yielded; i++ {
		th = th.Stopped()
		th.Args().PushInt(i)
		state = th.Resume()
	}
	th = th.Stopped()
	defer th.Release()
	if state == Failed {
		return "error: " + th.Err().Error()
	}
	r := th.Results()
	var all []string
	for i := 1; i <= r.Len(); i++ {
		all = append(all, show(r, i))
	}
	return strings.Join(all, " ")
}

func show(r Results, i int) string {
	switch r.Type(i) {
	case String:
		return r.String(i)
	case Number:
		return formatNumber(r.Number(i))
	case Bool:
		if r.Bool(i) {
			return "true"
		}
		return "false"
	}
	return r.Type(i).String()
}

// table runs sources as threads and compares what they end with.
type source struct{ name, lua, want string }

func runAll(t *testing.T, vm *VM, tests []source) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := finish(t, start(t, vm, test.lua)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
