package conf

import (
	"strings"
	"testing"
)

func TestLuaBlock(t *testing.T) {
	for _, body := range []string{
		"",
		" ngx.say('hi') ",
		" local t = { a = { 1 } } ",
		` s = "}" .. '}' .. "\"}" .. '\'}' .. "\\" `,
		" s = [[ } ]] .. [==[ }]] ]=] ]==] ",
		"-- } \n",
		"--[[ } \n } ]] --[=[ }]] ]=] ",
		"--[==x }\n",
		" x = a[b[1]] - 1 ",
		" s = \"a\\\n}\" ",
		" s = \"a\\z  \n  }\" ",
		" s = \"a\\\r\n}\" ",
		" s = 'a\\\\' t = {} ",
		" -- it's\n x = {} ",
		" ' \n ", // Lua will complain, we need not
		" a = # b; c = 'x;y' ",
	} {
		nodes := ParseString("t", "x_by_lua_block {"+body+"}\nafter;").Nodes
		if len(nodes) != 2 || nodes[0].Err != nil || nodes[1].Name != "after" {
			t.Errorf("%q: error %v", body, syntaxError(nodes))
			continue
		}
		if n := nodes[0]; !n.IsCode || !n.HasBlock || n.Code != body || n.EndLine != 1+strings.Count(body, "\n") {
			t.Errorf("%q: got %q, end line %d", body, n.Code, n.EndLine)
		}
	}
}

func TestLuaBlockErrors(t *testing.T) {
	unfinished := luaUnfinished
	tests := []struct{ text, want string }{
		{"x_by_lua_block {\n a\n", unfinished + " in t:1"},
		{"x_by_lua_block {\n a = {\n}\n", unfinished + " in t:2"},
		{"x_by_lua_block { '}'\n", unfinished + " in t:1"},
		{"x_by_lua_block { -- }", unfinished + " in t:1"},
		{"x_by_lua_block {\n\n [[ } \n", `Lua code block missing the closing long bracket "]]" in t:3`},
		{"x_by_lua_block {\n --[==[ } ]]\n", `Lua code block missing the closing long bracket "]==]" in t:2`},
		{"x_by_lua_block { } }", `unexpected "}" in t:1`},
	}
	for _, tt := range tests {
		err := syntaxError(ParseString("t", tt.text).Nodes)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}
