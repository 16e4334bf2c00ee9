package codec_test

import (
	"os"
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/luajit/luatest"
	_ "github.com/weirproxy/weir/internal/ngx/codec"
)

// newVM has those files of ../lua that need nothing but this package, and a clock that the tests set. want compares values
// here, not their texts: want(got, …, wanted, …); raises compares the whole error.
func newVM(t testing.TB) *luajit.VM {
	t.Helper()
	vm := luatest.New(t)
	luatest.Eval(t, vm, `
		ngx = {}
		p = { base = { shared = { id = 0 } }, update_time = function() end }
		local ffi = require "ffi"
		clock = ffi.new("struct { double now, time, wall, mono, offset; }")
		function p.clock() return ffi.cast("void *", clock) end
		function want(...)
			local n = select("#", ...) / 2
			local args = { ... }
			for i = 1, n do
				local got, wanted = args[i], args[i + n]
				if got ~= wanted then error(("got <%s>, want <%s>"):format(tostring(got), tostring(wanted)), 2) end
			end
		end
		function raises(text, f, ...)
			local ok, err = pcall(f, ...)
			if ok or err:gsub("^test:%d+: ", "") ~= text then error("got <" .. tostring(err) .. ">, want <" .. text .. ">", 2) end
		end`)
	for _, file := range []string{"base", "escape", "base64", "digest", "time"} {
		source, err := os.ReadFile("../lua/" + file + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		luatest.SetString(t, vm, "source", string(source))
		luatest.Eval(t, vm, `assert(loadstring(source, "=`+file+`.lua"))(p)`)
	}
	return vm
}

func TestLua(t *testing.T) {
	tests := map[string]string{
		"escape": `
			want(ngx.escape_uri("a 你/b"), "a%20%E4%BD%A0%2Fb")
			want(ngx.escape_uri("-._~!'()*"), "-._~!'()*")
			want(ngx.escape_uri("a b/?#%+", 0), "a%20b/%3F%23%25+")
			want(ngx.escape_uri("a b/?#%+", 1), "a%20b/%3F%23%25%2B")
			want(ngx.escape_uri("\"#' \255", 3), "%22%23%27%20%FF")
			want(ngx.escape_uri("\"#' \255", 4), "%22#%27%20%FF")
			want(ngx.escape_uri("\"#' \255", 5), "\"#'%20\255")
			want(ngx.escape_uri(nil), "")
			want(ngx.escape_uri(10), "10")
			want(ngx.escape_uri(("x "):rep(5000)), ("x%20"):rep(5000))
			raises('"type" is not a number', ngx.escape_uri, "a", "b")
			raises('"type" 7 out of range', ngx.escape_uri, "a", 7)
			raises('"type" -1 out of range', ngx.escape_uri, "a", -1)`,
		"unescape": `
			want(ngx.unescape_uri("a%20b+c%2Fd"), "a b c/d")
			want(ngx.unescape_uri("%"), "")
			want(ngx.unescape_uri("%2"), "")
			want(ngx.unescape_uri("%zz"), "zz")
			want(ngx.unescape_uri("%%61"), "%61")
			want(ngx.unescape_uri("%2zb"), "b")
			want(ngx.unescape_uri("%e4%BD%a0"), "你")
			want(ngx.unescape_uri(nil), "")`,
		"sql": `
			want(ngx.quote_sql_str(""), "''")
			want(ngx.quote_sql_str("plain"), "'plain'")
			want(ngx.quote_sql_str(12), "'12'")
			want(ngx.quote_sql_str("\0\b\n\r\t\26\\'\"你"), [['\0\b\n\r\t\Z\\\'\"你']])
			raises("expecting one argument", ngx.quote_sql_str)
			raises("bad argument #1 to '?' (string expected, got table)", ngx.quote_sql_str, {})`,
		"encode args": `
			want(ngx.encode_args{}, "")
			want(ngx.encode_args{foo = 3}, "foo=3")
			want(ngx.encode_args{["a b"] = "c&d"}, "a%20b=c%26d")
			want(ngx.encode_args{a = true}, "a")
			want(ngx.encode_args{a = false}, "")
			want(ngx.encode_args{a = {1, true, false, "x y"}}, "a=1&a&a=x%20y")
			raises("expecting 1 argument but seen 0", ngx.encode_args)
			raises("bad argument #1 to '?' (table expected, got boolean)", ngx.encode_args, true)
			raises('attempt to use a non-string key in the "args" option table', ngx.encode_args, {1})
			raises("attempt to use function as query arg value", ngx.encode_args, {a = print})
			raises("attempt to use table as query arg value", ngx.encode_args, {a = {{}}})`,
		"decode args": `
			local t = ngx.decode_args("a=bar&b=foo&a=x&c&=e&a=%20z&d=")
			want(t.a[1], t.a[2], t.a[3], t.b, t.c, t.d, t[""], "bar", "x", " z", "foo", true, "", nil)
			want(next(ngx.decode_args("")), nil)
			want(next(ngx.decode_args("&&=&")), nil)
			want(ngx.decode_args("a=b=c").a, "b=c")
			want(ngx.decode_args("a%3Db=c")["a=b"], "c")
			local t, err = ngx.decode_args("a=1&b=2&c=3", 2)
			want(t.a, t.b, t.c, err, "1", "2", nil, "truncated")
			local t, err = ngx.decode_args("a=1&b=2", 2)
			want(t.b, err, "2", nil)
			local t, err = ngx.decode_args(("a&"):rep(101))
			want(#t.a, err, 100, "truncated")
			want(select(2, ngx.decode_args(("a&"):rep(101), 0)), nil)
			raises("expecting 1 or 2 arguments but seen 0", ngx.decode_args)
			raises("bad argument #1 to '?' (string expected, got nil)", ngx.decode_args, nil)`,
		"base64": `
			for plain, text in pairs{[""] = "", a = "YQ==", ab = "YWI=", abc = "YWJj", ["\255\254\253"] = "//79"} do
				want(ngx.encode_base64(plain), ngx.decode_base64(text), text, plain)
				want(ngx.encode_base64(plain, true), (text:gsub("=", "")))
				want(ngx.decode_base64((text:gsub("=", ""))), plain)
			end
			want(ngx.encode_base64(nil), ngx.encode_base64(5), "", "NQ==")
			want(ngx.decode_base64("^*~"), nil)
			want(ngx.decode_base64("YQ==&ignored"), "a")
			want(ngx.decode_base64("Y"), nil)
			want(ngx.decode_base64mime("YW\nJj Y*Q=="), "abca")
			want(ngx.decode_base64mime("Y"), nil)
			raises("string argument only", ngx.decode_base64, 5)
			raises("string argument only", ngx.decode_base64mime)
			raises("bad no_padding: boolean expected, got number", ngx.encode_base64, "a", 1)
			local b = require "ngx.base64"
			want(b.encode_base64url("\255\254\253\1"), b.decode_base64url("__79AQ"), "__79AQ", "\255\254\253\1")
			want(select(2, b.decode_base64url("//79")), "invalid input")
			want(select(2, b.encode_base64url(1)), "must provide a string")`,
		"digests": `
			want(ngx.md5(""), "d41d8cd98f00b204e9800998ecf8427e")
			want(ngx.md5(nil), "d41d8cd98f00b204e9800998ecf8427e")
			want(ngx.md5("hello"), "5d41402abc4b2a76b9719d911017c592")
			want(ngx.md5_bin(45), "\108\131\73\204\114\96\174\98\227\177\57\104\49\168\57\143")
			want(#ngx.md5_bin("hello"), 16)
			want(ngx.encode_base64(ngx.sha1_bin("hello")), "qvTGHdzF6KLavt4PO0gs2a6pQ00=")
			want(ngx.encode_base64(ngx.sha1_bin()), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
			want(ngx.encode_base64(ngx.hmac_sha1("thisisverysecretstuff", "some string we want to sign")),
				"R/pvxzHC4NLtj7S+kXFg/NePTmk=")
			want(ngx.crc32_short("hello, world"), ngx.crc32_long("hello, world"), 4289425978, 4289425978)
			raises("expecting 2 arguments, but got 1", ngx.hmac_sha1, "a")
			raises("bad argument #2 to '?' (string expected, got nil)", ngx.hmac_sha1, "a", nil)`,
		"clock": `
			clock.now, clock.time, clock.mono, clock.offset = 1700000000.25, 1700000000, 1500, 3600
			want(ngx.now(), ngx.time(), 1700000000.25, 1700000000)
			want(ngx.utctime(), ngx.localtime(), ngx.today(), "2023-11-14 22:13:20", "2023-11-14 23:13:20", "2023-11-14")
			clock.time, clock.offset = 1700006400, 7200
			want(ngx.utctime(), ngx.localtime(), ngx.today(), "2023-11-15 00:00:00", "2023-11-15 02:00:00", "2023-11-15")
			local t = require "resty.core.time"
			want(t.monotonic_msec(), t.monotonic_time(), 1500, 1.5)`,
		"http time": `
			want(ngx.http_time(1290079655), "Thu, 18 Nov 2010 11:27:35 GMT")
			want(ngx.cookie_time(1290079655), "Thu, 18-Nov-10 11:27:35 GMT")
			want(ngx.cookie_time(2200000000), "Sun, 18-Sep-2039 23:06:40 GMT")
			for _, s in ipairs{"Thu, 18 Nov 2010 11:27:35 GMT", "Thursday, 18-Nov-10 11:27:35 GMT",
				"Thu Nov 18 11:27:35 2010"} do
				want(ngx.parse_http_time(s), 1290079655)
			end
			want(ngx.parse_http_time("Sun Nov  7 00:00:00 2010"), 1289088000)
			for s = -1e9, 5e9, 123456789 do
				if s >= 0 then want(ngx.parse_http_time(ngx.http_time(s)), s) end
			end
			for _, s in ipairs{"", "Thu", "Thu, 18 Nov 2010", "Thu, 18 Foo 2010 11:27:35 GMT",
				"Thu, 31 Nov 2010 11:27:35 GMT", "Thu, 29 Feb 2010 11:27:35 GMT", "Thu, 18 Nov 2010 24:27:35 GMT"} do
				want(ngx.parse_http_time(s), nil)
			end
			want(ngx.parse_http_time("Sat, 29 Feb 2020 00:00:00 GMT"), 1582934400)
			raises("number argument only", ngx.http_time, "a")
			raises("string argument only", ngx.parse_http_time, 5)`,
		"resty.core.base": `
			local base = require "resty.core.base"
			want(base.get_string_buf(10), base.get_string_buf(4096))
			want(base.get_string_buf(10) ~= base.get_string_buf(10, true), true)
			local list = {}
			want(base.ref_in_table(list, "a"), base.ref_in_table(list, "b"), base.ref_in_table(list, nil), 1, 2, -1)
			base.allows_subsystem("http", "stream")
			raises("unsupported subsystem: stream", base.allows_subsystem, "http")
			want(base.FFI_BAD_CONTEXT, -101)`,
	}
	vm := newVM(t)
	for name, source := range tests {
		t.Run(name, func(t *testing.T) { luatest.Eval(t, vm, source) })
	}
}
