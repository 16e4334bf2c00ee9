package luajit

import "testing"

// TestPause counts the collector's cycles while a heap of some size makes garbage.
func TestPause(t *testing.T) {
	for _, test := range []struct {
		name, before string
		least, most  float64 // cycles
	}{
		{"a small heap", ``, 16, 64}, // 32 MB of garbage, 1 MB at a time
		{"a small heap with a pause of its own", `collectgarbage("setpause", 150)`, 50, 1e5},
		{"a large heap", `kept = {} for i = 1, 20 do kept[i] = ("x"):rep(2^20 + i) end`, 1, 3},
	} {
		vm, err := New()
		if err != nil {
			t.Fatal(err)
		}
		if err := vm.Prelude("=before", []byte(test.before)); err != nil {
			t.Fatal(err)
		}
		vm.Collect()
		err = vm.Eval("=garbage", `
			local cycles = 0
			local function watch()
				getmetatable(newproxy(true)).__gc = function() cycles = cycles + 1 watch() end
			end
			watch()
			for i = 1, 32 * 1024 do last = ("y"):rep(1000) .. i end
			return cycles`, func(r Results) {
			if n := r.Number(1); n < test.least || n > test.most {
				t.Errorf("%s: %v cycles", test.name, n)
			}
		})
		if err != nil {
			t.Error(err)
		}
		vm.Close()
	}
}
