package symbols_test

import (
	"os"
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
	_ "github.com/weirproxy/weir/internal/ngx/symbols"
)

func TestArgv(t *testing.T) {
	vm, err := luajit.New()
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	var got string
	err = vm.Eval("=test", `
		local ffi = require "ffi"
		ffi.cdef "char **ngx_argv;"
		return ffi.string(ffi.C.ngx_argv[0])`, func(r luajit.Results) { got = r.String(1) })
	if err != nil || got != os.Args[0] {
		t.Errorf("ngx_argv[0] is %q, %v; want %q", got, err, os.Args[0])
	}
}
