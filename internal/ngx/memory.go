package ngx

import (
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// memory is lua_memory_limit: what a VM may hold. An allocation beyond it is refused, which is Lua's error "not enough
// memory" in the code that asked for it. What the VM holds is told at most once in tellMemory.
type memory struct {
	limit   int64 // bytes; 0: none
	refused uint64
	untold  uint64
	told    time.Time
}

const tellMemory = 10 * time.Second

// limitMemory bounds the VM from now on.
func (m *machine) limitMemory(bytes int64) {
	m.memory.limit = bytes
	m.vm.SetMemoryLimit(bytes)
}

// checkMemory is called after each slice of a VM with a limit.
func (m *machine) checkMemory() {
	k := &m.memory
	refused := m.vm.Refused()
	if refused == k.refused {
		return
	}
	k.untold += refused - k.refused
	k.refused = refused
	now := time.Now()
	if now.Sub(k.told) < tellMemory {
		return
	}
	m.logf(logs.Warn, "stream [lua] lua_memory_limit of %d bytes is reached in worker %d: %d bytes are in use, "+
		"%d allocations were refused", k.limit, m.id, m.vm.MemoryUsed(), k.untold)
	k.told, k.untold = now, 0
}
