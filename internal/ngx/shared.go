package ngx

import (
	"fmt"

	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/shdict"
)

// dictionaries are the process's lua_shared_dict memory: all machines, of all workers and generations, that ask for
// the same name and size get the same.
var dictionaries shdict.Registry

// heldDicts are the references that a machine gives back when it is closed.
var heldDicts = newMachineSlot[[]*shdict.Dict]()

var sharedFamily = family{
	name: "shared",
	lua:  "shared.lua",
	primitives: []primitive{
		{name: "shared_source", run: func(_ *machine, c *luajit.Call) luajit.Outcome {
			c.PushString(shdict.LuaSource)
			return luajit.Return
		}},
		{name: "shared_dicts", run: pushDicts},
	},
	open: holdDicts,
}

func holdDicts(m *machine) error {
	held := heldDicts.of(m)
	m.closers = append(m.closers, func() { releaseDicts(*held) })
	for _, d := range m.main.dicts {
		opened, err := dictionaries.Acquire(d.name, int(d.size))
		if err != nil {
			return fmt.Errorf(`lua_shared_dict "%s": %w`, d.name, err)
		}
		*held = append(*held, opened)
	}
	return nil
}

func releaseDicts(held []*shdict.Dict) {
	for _, d := range held {
		dictionaries.Release(d)
	}
}

// pushDicts() returns a table of the handles by name.
func pushDicts(m *machine, c *luajit.Call) luajit.Outcome {
	held := *heldDicts.of(m)
	c.NewTable(0, len(held))
	for _, d := range held {
		c.PushLight(d.Handle())
		c.SetField(d.Name())
	}
	return luajit.Return
}
