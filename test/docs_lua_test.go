package test

import (
	"regexp"
	"strings"
	"testing"
)

// tellNames sends the names of what Lua code can call, as docs/lua.md writes them, and of modules that require finds
// without a file.
const tellNames = `
	local function tell(prefix, t)
		for name, value in pairs(t) do
			if type(name) == "string" and name:sub(1, 1) ~= "_" and name ~= "version" then
				if type(value) ~= "table" or name == "ctx" or name == "shared" or name == "var" then
					ngx.say(prefix, name)
				else
					tell(prefix .. name .. ".", value)
				end
			end
		end
	end
	local function tell_methods(prefix, object)
		tell(prefix, getmetatable(object).__index)
	end
	tell("ngx.", ngx)
	for i = 1, 10 do -- what pairs does not show
		local _, hidden = debug.getupvalue(getmetatable(ngx).__index, i)
		if type(hidden) == "table" then
			tell("ngx.", hidden)
		end
	end
	tell("coroutine.", coroutine)
	tell_methods("sock:", ngx.req.socket(true))
	tell_methods("sock:", ngx.socket.tcp())
	tell("ngx.worker.", getmetatable(ngx.worker).__index)
	tell("dict:", getmetatable(ngx.shared.d).__index)
	local semaphore = require "ngx.semaphore"
	for name, f in pairs(semaphore) do
		if type(f) == "function" then
			ngx.say(name == "new" and "semaphore." or "sem:", name)
		end
	end
	for _, name in ipairs { "balancer", "errlog", "process", "base64", "re", "pipe" } do
		tell(name .. ".", require("ngx." .. name))
	end
	tell("tablepool.", require "tablepool")
	for _, list in ipairs { package.loaded, package.preload } do
		for name in pairs(list) do
			ngx.say("module ", name)
		end
	end
`

var (
	codeSpan = regexp.MustCompile("`[^`]+`")
	callName = regexp.MustCompile(`\b(?:(?:ngx|coroutine|balancer|errlog|process|base64|re|pipe|semaphore|tablepool)\.[\w.]+|(?:sock|dict|sem):\w+)`)
	// standard are the modules of Lua and LuaJIT, and those that every user's code makes.
	standard = regexp.MustCompile(`^(_G|string|table|os|io|package|debug|math|coroutine|bit|jit|jit\..*|ffi|ngx)$`)
	// subjects are tables whose keys are the user's.
	subjects = regexp.MustCompile(`^(ngx\.(?:shared|var|ctx))\b.*`)
)

// docs/lua.md names every call that there is, and none that is not.
func TestDocsLua(t *testing.T) {
	s := start(t, `
		events {}
		stream {
			lua_shared_dict d 1m;
			server {
				listen {host}:9000;
				content_by_lua_block {`+tellNames+`}
			}
		}`)
	page := manual(t)["docs/lua.md"]
	page, absent, _ := strings.Cut(page, "\n# Not there\n")

	there := map[string]bool{}
	for line := range strings.Lines(s.dial(9000).all()) {
		name := strings.TrimSpace(line)
		if module, isModule := strings.CutPrefix(name, "module "); isModule {
			if standard.MatchString(module) {
				continue
			}
			there[module] = true
			if strings.HasPrefix(module, "resty.core.") { // told as a whole
				continue
			}
			if !strings.Contains(page, "`"+module+"`") && !strings.Contains(absent, "`"+module+"`") {
				t.Errorf("docs/lua.md: module %s is missing", module)
			}
			continue
		}
		there[name] = true
	}
	if len(there) < 50 {
		t.Fatalf("only %d names", len(there))
	}

	told := map[string]bool{}
	for _, span := range codeSpan.FindAllString(fenced.ReplaceAllString(page, ""), -1) {
		for _, name := range callName.FindAllString(span, -1) {
			name = subjects.ReplaceAllString(strings.TrimRight(name, "."), "$1")
			told[name] = true
			if !there[name] {
				t.Errorf("docs/lua.md: there is no %s", name)
			}
		}
	}
	for name := range there {
		if callName.MatchString(name) && !told[name] && !strings.Contains(absent, "`"+name+"`") {
			t.Errorf("docs/lua.md: %s is missing", name)
		}
	}
}
