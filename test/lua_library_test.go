package test

import "testing"

// TestLibraries requires what OpenResty has, and uses what is not ngx.*'s own.
func TestLibraries(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; content_by_lua_block {
		for _, name in ipairs{"resty.core", "resty.core.base", "resty.core.base64", "resty.core.ctx", "resty.core.exit",
			"resty.core.hash", "resty.core.misc", "resty.core.regex", "resty.core.request", "resty.core.shdict",
			"resty.core.socket", "resty.core.time", "resty.core.uri", "resty.core.var", "resty.core.worker", "ngx.base64",
			"ngx.errlog", "ngx.pipe", "ngx.process", "ngx.re", "ngx.semaphore", "tablepool", "table.new", "table.clear",
			"table.nkeys", "table.isempty", "table.isarray", "table.clone", "thread.exdata"} do
			local module = require(name)
			if type(module) ~= "table" and type(module) ~= "function" then ngx.say(name) end
		end
		for _, name in ipairs{"ngx.resp", "ngx.req", "ngx.ocsp", "resty.core.ndk"} do
			local ok, err = pcall(require, name)
			if ok or not err:find("unsupported subsystem: stream", 1, true) then ngx.say(name, ": ", err) end
		end
		ngx.say(package.loaded["resty.core"] == require "resty.core")
		ngx.say(require("resty.core.base").get_request() ~= nil)
		ngx.say(tonumber(tostring(exdata()):match("0x%x+")) > 0, " ", coroutine.wrap(function() return exdata() end)() == exdata())
		local process = require "ngx.process"
		ngx.say(process.type(), " ", process.get_master_pid() == ngx.worker.pid(), " ", process.enable_privileged_agent())
		local pool = require "tablepool"
		local t = pool.fetch("tag", 2, 2)
		t.x = 1
		pool.release("tag", t)
		ngx.say(pool.fetch("tag", 2, 2) == t, " ", t.x, " ", pool.fetch("tag", 2, 2) == t)
		ngx.say(select(2, pcall(pool.release, "tag")))
		ngx.say(table.nkeys({1, a = 2}), table.isempty({}), table.isarray({a = 1}), #table.clone({1, 2}))
		ngx.say(ngx.arg, ngx.location, ngx.header)
		local before = ngx.now()
		ngx.update_time()
		ngx.say(ngx.now() >= before, " ", ngx.time() - os.time() <= 1, " ", ngx.localtime():sub(1, 10) == ngx.today())
	} } }`)
	s.dial(9000).wantAll("true\ntrue\ntrue true\nworker true nilAPI disabled in the current context\ntrue nil false\n" +
		"object empty\n2truefalse2\nnilnilnil\ntrue true true\n")
}
