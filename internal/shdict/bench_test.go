package shdict_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
)

// The figures are those of Lua programs, each in a thread and VM of its own, on one dictionary with 1000 keys.
func benchmarkLua(b *testing.B, size, threads int, body string) {
	d := open(b, size)
	for i := range 1000 {
		d.Set(fmt.Sprint("key", i), strings.Repeat("v", 16), 0, 0)
	}
	for i := range 500 {
		d.Set(fmt.Sprint("n", i), 0.0, 0, 0)
	}
	source := fmt.Sprintf(`
		local keys, numbers = {}, {}
		for i = 1, 1024 do keys[i] = "key" .. i * 7 %% 1000; numbers[i] = "n" .. i * 7 %% 500 end
		local band = bit.band
		for i = 1, %d do local key, number = keys[band(i, 1023) + 1], numbers[band(i, 1023) + 1]; %s end`, b.N/threads, body)
	var ready, done sync.WaitGroup
	start := make(chan bool)
	for range threads {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			vm := newVM(b, d)
			ready.Done()
			<-start
			run(b, vm, source)
		}()
	}
	ready.Wait()
	b.ResetTimer()
	close(start)
	done.Wait()
}

func run(b *testing.B, vm *luajit.VM, source string) {
	if err := vm.Eval("=bench", source, nil); err != nil {
		b.Error(err)
	}
}

func BenchmarkLua(b *testing.B) {
	for _, size := range []int{256 << 10, 2 << 20} {
		for _, threads := range []int{1, 2} {
			for _, op := range []struct{ name, body string }{
				{"get", "dogs:get(key)"},
				{"incr", "dogs:incr(number, 1)"},
				{"set", "dogs:set(key, i)"},
				{"incr one key", `dogs:incr("n1", 1)`},
			} {
				b.Run(fmt.Sprintf("%dKB/%d threads/%s", size>>10, threads, op.name), func(b *testing.B) {
					benchmarkLua(b, size, threads, op.body)
				})
			}
		}
	}
}
