package luajit

import "runtime"

// Lua needs the deep C stacks that stack.c asks for, which the process's first thread does not have: main keeps it for
// itself.
func init() { runtime.LockOSThread() }
