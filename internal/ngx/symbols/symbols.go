// Package symbols gives the binary those of nginx's C variables that Lua programs read through ffi.C: ngx_argv, the
// command line. It must be imported to be linked.
package symbols

/*
#cgo LDFLAGS: -rdynamic
#include <stdlib.h>
#include <string.h>

char **ngx_argv;

static void make(int n) { ngx_argv = calloc(n + 1, sizeof(char *)); }
static void put(int i, char *s) { ngx_argv[i] = s; }
*/
import "C"

import "os"

func init() {
	C.make(C.int(len(os.Args)))
	for i, arg := range os.Args {
		C.put(C.int(i), C.CString(arg)) // both live as long as the process
	}
}
