package pcre_test

import (
	"fmt"
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/luajit/luatest"
	"github.com/weirproxy/weir/internal/pcre"
)

// newVM has ngx.re's functions as the globals re and module; logged collects what is logged.
func newVM(t testing.TB, limits string) *luajit.VM {
	t.Helper()
	vm := luatest.New(t)
	luatest.SetString(t, vm, "source", pcre.LuaSource)
	luatest.Eval(t, vm, `
		logged = {}
		local env = `+limits+`
		env.log_error = function(text) logged[#logged + 1] = text end
		re, module = assert(loadstring(source, "=re.lua"))()(env)
		function list(t)
			if not t then return "nil" end
			local s = {}
			for i = t[0] == nil and 1 or 0, #t do s[#s + 1] = tostring(t[i]) end
			return table.concat(s, "|")
		end`)
	return vm
}

// TestLua runs with every way to compile: not kept, kept, with the JIT.
func TestLua(t *testing.T) {
	tests := map[string]string{
		"match": `
			want("1234", re.match("hello, 1234", "([0-9])+", o)[0])
			want("1234|1|2", list(re.match("hello, 1234", "([0-9])([0-9])[0-9]+", o)))
			want("nil", re.match("hello", "foo", o))
			want("a|a|false", list(re.match("a", "(a)|(b)", o)))
			want("b|false|b", list(re.match("b", "(a)|(b)", o)))
			local res = {}
			want("true", re.match("x", ".", o, nil, res) == res)
			want("x", res[0])
			want("4", re.match(1234, "4", o)[0])
			want("nil pcre2_compile() failed: missing closing parenthesis in \"(abc\"", re.match("x", "(abc", o))
			raises('test:', function() re.match("x", "x", "Hm") end)
			raises('unknown flag "H" (flags "Hm")', re.match, "x", "x", "Hm")
			raises('unknown flag "H" (flags "Hm")', re.sub, "x", "x", "y", "Hm")`,
		"options": `
			want("HELLO", re.match("HELLO", "hello", o .. "i")[0])
			want("b", re.match("a\nb", "^b", o .. "m")[0])
			want("a\nb", re.match("a\nb", "a.b", o .. "s")[0])
			want("ab", re.match("ab", "a  b # text", o .. "x")[0])
			want("nil", re.match("ab", "b", o .. "a"))
			want("hello章亦", re.match("hello章亦春", "HELLO.{2}", o .. "iu")[0])
			want("你", re.match("你好", ".", o .. "U")[0])
			want("nil pcre_exec() failed: -4", re.match(("你好"):sub(1, 4), "你好", o .. "u"))
			want("aaa", re.match("aaab", "a+|a+b", o)[0])
			want("aaab", re.match("aaab", "a+|a+b", o .. "d")[0])
			want("aaab", list(re.match("aaab", "(a+|a+b)", o .. "d")))
			want("u1", re.match("u1", "\\u0075[1-9]", o .. "J")[0])`,
		"names": `
			local m = re.match("hello, 1234", "(?<first>[a-z]+), (?<second>[0-9]+)(?<third>x)?", o)
			want("hello 1234 false", m.first, m.second, m.third)
			m = re.match("hello", "(?<n>h)(?<n>e)|(?<n>x)", o .. "D")
			want("h|e", list(m.n))
			m = re.match("x", "(?<n>h)(?<n>e)|(?<n>x)", o .. "D")
			want("x", list(m.n))`,
		"ctx": `
			local ctx = {}
			want("1", re.match("1234, hello", "[0-9]", o, ctx)[0])
			want("2", ctx.pos)
			want("2", re.match("1234, hello", "[0-9]", o, ctx)[0])
			ctx.pos = 7
			want("nil", re.match("1234, hello", "[0-9]", o, ctx))
			ctx.pos = 50
			want("nil pcre_exec() failed: -33", re.match("1234", "[0-9]", o, ctx))`,
		"find": `
			want("8 11", re.find("hello, 1234", "[0-9]+", o))
			want("nil", re.find("hello", "[0-9]+", o))
			want("9 9", re.find("hello, 1234", "([0-9])([0-9])", o, nil, 2))
			want("nil nil nth out of bound", re.find("hello, 1234", "([0-9])", o, nil, 2))
			want("nil nil", re.find("a", "(a)|(b)", o, nil, 2))
			want("1 0", re.find("a", "", o))
			local ctx = {pos = 2}
			want("3 3", re.find("a1b1", "b", o, ctx))
			want("4", ctx.pos)
			want("nil nil pcre2_compile() failed: missing closing parenthesis in \"(\"", re.find("a", "(", o))`,
		"gmatch": `
			local got = {}
			for m in re.gmatch("hello, world", "[a-z]+", o) do got[#got + 1] = m[0] end
			want("hello|world", list(got))
			got = {}
			for m in re.gmatch("aé", "", o .. "u") do got[#got + 1] = m[0] end
			want("3", #got)
			local it = re.gmatch("ab", "b|", o)
			want("", it()[0]); want("b", it()[0]); want("", it()[0]); want("nil", it()); want("nil", it())
			want("nil pcre2_compile() failed: missing closing parenthesis in \"(abc\"", re.gmatch("x", "(abc", o))
			it = re.gmatch("\255", ".", o .. "u")
			want("nil pcre_exec() failed: -23", it()); want("nil", it())`,
		"sub": `
			want("howdy, 1234 1", re.sub("hello, 1234", "hello", "howdy", o))
			want("hello 0", re.sub("hello", "x", "y", o))
			want("hello, 5[5]678 1", re.sub("hello, 5678", "([0-9])([0-9])", "$1[$1]$2", o))
			want("a[b|b|$1|]c 1", re.sub("abc", "(b)(x)?", "[$0|${1}|$$1|$2$9]", o))
			want("nil nil failed to compile the replacement template", re.sub("abc", "b", "$name", o))
			want('attempt to use named capturing variable "name" (named captures not supported yet)', logged[1])
			re.sub("abc", "b", "${134 ", o)
			want('the closing bracket in "134" variable is missing', logged[2])
			re.sub("abc", "b", "[$0] [${", o)
			want('lua script: invalid capturing variable name found in "[$0] [${"', logged[3])
			re.sub("abc", "b", "$", o)
			want('lua script: invalid capturing variable name found in "$"', logged[4])
			re.sub("abc", "b", "${hello}", o)
			want('attempt to use named capturing variable "hello" (named captures not supported yet)', logged[5])
			want("a72c 1", re.sub("abc", "b", 72, o))
			want("anilc 1", re.sub("abc", "b", function() return nil end, o))
			want("a[b]c 1", re.sub("abc", "(b)", function(m) return "[" .. m[1] .. "]" end, o))
			want("$1 1", re.sub("x", "(x)", function() return "$1" end, o))
			want("nil nil pcre2_compile() failed: missing closing parenthesis in \"(abc\"", re.sub("x", "(abc", "", o))`,
		"gsub": `
			want("<hello>, <world> 2", re.gsub("hello, world", "([a-z]+)", "<$1>", o))
			want("-h-e- 3", re.gsub("he", "", "-", o))
			want("-é-x- 3", re.gsub("éx", "", "-", o .. "u"))
			want("- 1", re.gsub("", "", "-", o))
			want("a b c 2", re.gsub("a_b_c", "_", " ", o))
			local outer = re.gsub("a b", "[ab]", function(m)
				return re.gsub("ab", "[ab]", function(n) return m[0] .. n[0] end, o)
			end, o)
			want("aaab babb", outer)
			local big = ("x1"):rep(20000)
			want("40000", #re.gsub(big, "1", "2", o))
			want("nil nil pcre_exec() failed: -23", re.gsub("\255", "x", "", o .. "u"))`,
		"split": `
			want("a|b|c", list(module.split("a,b,c", ",", o)))
			want("a|,|b|,|c", list(module.split("a,b,c", "(,)", o)))
			want("a|b,c", list(module.split("a,b,c", ",", o, nil, 2)))
			want("a|b", list(module.split("a,b,,", ",", o)))
			want("a|b||", list(module.split("a,b,,", ",", o, nil, 9)))
			want("a|b|c", list(module.split("abc", "", o)))
			want("|a", list(module.split(",a", ",", o)))
			want("b|c", list(module.split("a,b,c", ",", o, {pos = 3})))
			want("", list(module.split("", ",", o)))
			want("a", list(module.split("a", ",", o, nil, nil, {1, 2, 3}, 1)):match("^a"))
			want("nil pcre2_compile() failed: missing closing parenthesis in \"(\"", module.split("a", "(", o))
			raises("res is not a table", module.split, "a", ",", o, nil, nil, 3)
			raises("unrecognized option name", module.opt, "foo", 1)`,
	}
	for name, source := range tests {
		for _, opts := range []string{"", "o", "jo", "j"} {
			t.Run(fmt.Sprint(name, " ", opts), func(t *testing.T) {
				luatest.Eval(t, newVM(t, "{}"), fmt.Sprintf("o = %q\n", opts)+source)
			})
		}
	}
}

func TestLuaCacheIsBounded(t *testing.T) {
	for _, entries := range []int{0, 1, 2, 100} {
		vm := newVM(t, fmt.Sprintf("{cache_max_entries = %d}", entries))
		luatest.Eval(t, vm, `
			for i = 1, 2000 do
				if re.match("x" .. i, "x" .. i .. "$", "jo")[0] ~= "x" .. i then error(i) end
				if not re.match("hot", "hot", "jo") then error("hot") end
			end`)
	}
}

func TestLuaMatchLimit(t *testing.T) {
	for _, opts := range []string{"o", "jo"} {
		source := fmt.Sprintf(`return re.match(("a"):rep(40) .. "c", "^(a+)+$", %q)`, opts)
		luatest.Eval(t, newVM(t, "{match_limit = 1000}"), "local m, err = (function() "+source+" end)(); want('nil pcre_exec() failed: -47', m, err)")
	}
}

func TestLuaJITStack(t *testing.T) {
	vm := newVM(t, "{}")
	defer luatest.Eval(t, newVM(t, "{}"), `module.opt("jit_stack_size", 0)`)
	luatest.Eval(t, vm, `
		local long = ("ab"):rep(20000)
		want("nil pcre_exec() failed: -46", re.match(long, "^(?:(a)|b)*$", "j"))
		module.opt("jit_stack_size", 16 * 1024 * 1024)
		want("40000", #re.match(long, "^(?:(a)|b)*$", "j")[0])
		re.match("a", "a", "jo")
		raises("changing jit stack size is not allowed", module.opt, "jit_stack_size", 1)`)
}

func TestLuaCompiles(t *testing.T) {
	luatest.Eval(t, newVM(t, "{}"), `
		local util = require "jit.util"
		jit.flush()
		local hits = 0
		for i = 1, 2000 do
			if re.match("GET /index.html", "^([A-Z]+) (\\S+)", "jo")[2] == "/index.html" and re.find("abc", "c", "jo") then
				hits = hits + 1
			end
		end
		want("2000", hits)
		for i = 1, 50 do
			local info = util.traceinfo(i)
			if info and info.linktype == "loop" then return end
		end
		error("no compiled loop")`)
}

func FuzzLua(f *testing.F) {
	f.Add("(a|b)*", "abab", "$1-", "jo")
	f.Add("", "é", "${0}", "u")
	vm := newVM(f, "{}")
	luatest.Eval(f, vm, `function fuzz(p, s, r, o)
		if o:find("[^adDijJmosuUx]") or o:find("U") then return end
		re.match(s, p, o); re.find(s, p, o); re.sub(s, p, r, o); re.gsub(s, p, r, o); module.split(s, p, o)
		local it = re.gmatch(s, p, o)
		while it and it() do end
	end`)
	f.Fuzz(func(t *testing.T, pattern, subject, replacement, options string) {
		for name, s := range map[string]string{"p": pattern, "s": subject, "r": replacement, "o": options} {
			luatest.SetString(t, vm, name, s)
		}
		luatest.Eval(t, vm, "fuzz(p, s, r, o)")
	})
}

func BenchmarkLua(b *testing.B) {
	for name, body := range map[string]string{
		"match jo": `re.match("GET /index.html", "^([A-Z]+) (\\S+)", "jo")`,
		"find jo":  `re.find("version 12.345 of it", "(\\d+)\\.(\\d+)", "jo")`,
		"gsub jo":  `re.gsub("hello, world", "o", "0", "jo")`,
		"match":    `re.match("GET /index.html", "^([A-Z]+) (\\S+)")`,
	} {
		b.Run(name, func(b *testing.B) {
			vm := newVM(b, "{}")
			source := fmt.Sprintf("for i = 1, %d do %s end", b.N, body)
			b.ResetTimer()
			luatest.Eval(b, vm, source)
		})
	}
}

func TestLuaRecursion(t *testing.T) {
	luatest.Eval(t, newVM(t, "{}"), `
		local function inner(m)
			return m[0] .. re.gsub("xy", "[a-z]", "<$0>", "jo") .. #re.gsub(("x"):rep(100000), "x", "yy", "jo")
		end
		want("a<x><y>200000,b<x><y>200000 2", re.gsub("a,b", "[a-z]", inner, "jo"))`)
}
