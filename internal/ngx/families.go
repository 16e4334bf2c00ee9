package ngx

import (
	"embed"

	"github.com/weirproxy/weir/internal/luajit"
	_ "github.com/weirproxy/weir/internal/ngx/codec"   // functions of C that lua/ calls
	_ "github.com/weirproxy/weir/internal/ngx/symbols" // variables of C that programs read
)

// family is one part of the API: primitives written in Go, and the Lua that makes ngx.* of them.
type family struct {
	name       string
	primitives []primitive
	// lua names a file of lua/; its chunk gets the table of all primitives as "...", in which "base" is a table that
	// all families share. "" is none.
	lua string
	// chunk names the Lua code in messages; "" is the file's name.
	chunk string
	// modules are what require(name) loads: file names of lua/ by module name.
	modules map[string]string
	// open, if set, is called for each new machine when all primitives are there, before the family's Lua runs.
	open func(m *machine) error
}

// primitive is a function of Lua that is written in Go.
type primitive struct {
	name string
	run  func(m *machine, c *luajit.Call) luajit.Outcome
	// in is where it may be called; elsewhere "API disabled in the context of …" is raised. 0: everywhere, also where
	// there is no request.
	in phase
	// waits says that run may answer Yield: it is not called where that is impossible.
	waits bool
	opt   luajit.Options
}

// families in the order in which they are set up.
var families = []*family{
	&coreFamily,
	&coroutineFamily,
	&logFamily,
	&threadFamily,
	&sleepFamily,
	&exitFamily,
	&outputFamily,
	&socketFamily,
	&ctxFamily,
	&variableFamily,
	&timerFamily,
	&workerFamily,
	&semaphoreFamily,
	&abortFamily,
	&balancerFamily,
	&handoffFamily,
	&prereadFamily,
	&upstreamFamily,
	&baseFamily,
	&timeFamily,
	&escapeFamily,
	&base64Family,
	&digestFamily,
	&sharedFamily,
	&regexFamily,
	&errlogFamily,
	&processFamily,
	&pipeFamily,
	&restyFamily,
	&requestFamily,
	&runtimeFamily,
	&guardFamily,
}

// The families that have no Go.
var (
	// coroutineFamily is the table coroutine as ngx_stream_lua_coroutine.c makes it. The scheduler itself is luajit's.
	coroutineFamily = family{name: "coroutine", lua: "coroutine.lua"}
	// baseFamily is "resty.core.base", and what the Lua of those behind it works with.
	baseFamily   = family{name: "base", lua: "base.lua"}
	escapeFamily = family{name: "escape", lua: "escape.lua"}
	base64Family = family{name: "base64", lua: "base64.lua"}
	digestFamily = family{name: "digest", lua: "digest.lua"}
	// restyFamily is "resty.core", its parts, and "tablepool"; it comes after the families that it speaks of.
	restyFamily = family{name: "resty", lua: "resty.lua"}
	// guardFamily warns of code that sets global variables (ngx_stream_lua_inject_global_write_guard). It is set up last.
	guardFamily = family{name: "guard", lua: "guard.lua", chunk: "_G write guard"}
)

//go:embed lua/*.lua
var preludes embed.FS

// register makes p callable in m's VM.
func (m *machine) register(p primitive) error {
	run := func(c *luajit.Call) luajit.Outcome { return p.run(m, c) }
	switch {
	case p.waits:
		run = func(c *luajit.Call) luajit.Outcome {
			if refusal := m.refusal(p.in); refusal != "" {
				p.releaseThread(c)
				return c.Raise(refusal)
			}
			if !c.CanYield() {
				p.releaseThread(c)
				return c.RaiseNoYield()
			}
			return p.run(m, c)
		}
	case p.in != 0:
		run = func(c *luajit.Call) luajit.Outcome {
			if refusal := m.refusal(p.in); refusal != "" {
				p.releaseThread(c)
				return c.Raise(refusal)
			}
			return p.run(m, c)
		}
	}
	_, err := m.vm.Register(p.name, run, p.opt)
	return err
}

// releaseThread gives back the thread that was made for a call which is refused (luajit.Options.Spawn).
func (p *primitive) releaseThread(c *luajit.Call) {
	if p.opt.Spawn != 0 {
		c.ThreadAt(p.opt.Spawn).Release()
	}
}

// refusal is why a call that is allowed in the given phases cannot be made now; "" when it can.
func (m *machine) refusal(allowed phase) string {
	if m.req == nil {
		return "no request found"
	}
	if m.req.phase&allowed == 0 {
		return "API disabled in the context of " + m.req.phase.context()
	}
	return ""
}

// setUp registers all families' primitives, then runs their Lua.
func (m *machine) setUp() error {
	for _, f := range families {
		for _, p := range f.primitives {
			if err := m.register(p); err != nil {
				return err
			}
		}
	}
	if err := m.vm.Prelude("=ngx", []byte(`local p = ...; p.base = {}; p.keep(p)`)); err != nil {
		return err
	}
	for _, f := range families {
		if err := m.setUpFamily(f); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) setUpFamily(f *family) error {
	if f.open != nil {
		if err := f.open(m); err != nil {
			return err
		}
	}
	for name, file := range f.modules {
		if err := m.preload(name, file); err != nil {
			return err
		}
	}
	if f.lua == "" {
		return nil
	}
	source, err := preludes.ReadFile("lua/" + f.lua)
	if err != nil {
		return err
	}
	name := f.chunk
	if name == "" {
		name = f.lua
	}
	chunk, err := m.vm.Load("="+name, source)
	if err != nil {
		return err
	}
	defer chunk.Free()
	return m.vm.Call(chunk.Ref(), func(v *luajit.Values) { v.PushRef(m.primitives) }, nil)
}

// preload makes a file of lua/ what require(name) loads. Its chunk gets the table of primitives, then what any
// module's chunk gets.
func (m *machine) preload(name, file string) error {
	return m.vm.Call(m.preloader, func(v *luajit.Values) {
		v.PushString(name)
		v.PushString(file)
	}, nil)
}

// moduleSource(file) is the text of a file of lua/.
func moduleSource(_ *machine, c *luajit.Call) luajit.Outcome {
	source, err := preludes.ReadFile("lua/" + c.String(1))
	if err != nil {
		return c.Raise(err.Error())
	}
	c.PushBytes(source)
	return luajit.Return
}
