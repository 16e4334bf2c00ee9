package ngx

import (
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// TestRegexIsMadeLate: nobody sees that ngx.re is compiled at the first call. What was taken from it before works, what a
// program has put in its place stays.
func TestRegexIsMadeLate(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local re, match, find = ngx.re, ngx.re.match, ngx.re.find
		local function mine() end
		re.find = mine
		local names = {}
		for name in pairs(re) do names[#names + 1] = name end
		table.sort(names)
		ngx.say(table.concat(names, " "))
		ngx.say(match("hello", "l+")[0], " ", match("hello", "l+", "jo")[0], " ", table.concat({ find("hello", "l+") }, " "))
		ngx.say(re.find == mine, " ", re.match ~= match, " ", re.match("hello", "e")[0], " ", re.gsub("hello", "l", "r"))
		ngx.say(require "ngx.re".opt == nil)
	} }`, Module)
	want := "find gmatch gsub match sub\nll ll 3 4\ntrue true e herro2\nfalse\n"
	if got := s.Ask(0, ""); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
