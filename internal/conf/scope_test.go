package conf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type limits struct {
	size  Value[int64]
	on    Value[bool]
	order []string
}

var testEnum = Enum[int]{{"first", 1}, {"second", 2}}

func testTable() *Table {
	l := func(s *Scope) *limits { return s.Data.(*limits) }
	note := func(s *Scope, n *Node) error {
		l(s).order = append(l(s).order, fmt.Sprint(s.In, " ", n.Name))
		return nil
	}
	enter := func(in Context) Setter {
		return func(s *Scope, n *Node) error {
			if err := note(s, n); err != nil {
				return err
			}
			return s.Enter(in, s.Data).Walk(n.Block)
		}
	}
	var enum Value[int]
	return NewTable(
		[]Directive{
			{"stream", InMain, Block | NoArgs, enter(InStream)},
			{"server", InStream, Block | NoArgs, enter(InServer)},
			{"upstream", InStream, Block | Take1, enter(InUpstream)},
			{"note", InAny, Any, note},
		},
		[]Directive{
			{"server", InUpstream, OneMore, note},
			{"size", InStream | InServer, Take1, Slot(func(s *Scope) *Value[int64] { return &l(s).size }, (*Node).Size)},
			{"flag", InMain, Flag, Slot(func(s *Scope) *Value[bool] { return &l(s).on }, (*Node).Flag)},
			{"enum", InMain, Take1, Slot(func(*Scope) *Value[int] { return &enum }, testEnum.Read)},
			{"two", InMain, TwoMore, note},
			{"some", InMain, Take13, note},
			{"fails", InMain, NoArgs, func(*Scope, *Node) error { return errors.New("no luck") }},
			{"ends", InMain, Block | NoArgs, func(_ *Scope, n *Node) error { return n.EndErrorf("empty") }},
			{"x_by_lua_block", InMain, Code | NoArgs, func(_ *Scope, n *Node) error { return n.Duplicate() }},
			{"map", InMain, Block | NoArgs, func(_ *Scope, n *Node) error {
				return Each(n.Block, func(line *Node) error {
					if line.Name == "bad" {
						return errors.New("bad line")
					}
					return nil
				})
			}},
		},
	)
}

func TestWalk(t *testing.T) {
	data := &limits{}
	text := "stream { server { size 2k; } upstream u { server a; note; } }"
	if err := testTable().Root(InMain, data).Walk(ParseString("t", text).Nodes); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(InMain, " stream,", InStream, " server,", InStream, " upstream,", InUpstream, " server,", InUpstream, " note")
	if got := strings.Join(data.order, ","); got != want {
		t.Errorf("order %q, want %q", got, want)
	}
	if !data.size.Given || data.size.V != 2048 {
		t.Errorf("size %v", data.size)
	}
}

func TestWalkErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"note;\nbogus\nx;\n}", `unknown directive "bogus" in t:3`},
		{"note;\n}\nbogus;", `unexpected "}" in t:2`},
		{"size 1;", `"size" directive is not allowed here in t:1`},
		{"server {}", `"server" directive is not allowed here in t:1`},
		{"stream;", `directive "stream" has no opening "{" in t:1`},
		{"note {\n}", `directive "note" is not terminated by ";" in t:1`},
		{"stream x {", `invalid number of arguments in "stream" directive in t:1`},
		{"two a;", `invalid number of arguments in "two" directive in t:1`},
		{"some a b;", `invalid number of arguments in "some" directive in t:1`},
		{"some 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15;", `invalid number of arguments in "some" directive in t:1`},
		{"some a;some a b c;note a b c d e f g h i;", ""},
		{"stream { size 1; size 1; }", `"size" directive is duplicate in t:1`},
		{"stream { size 1q; }", `"size" directive invalid value in t:1`},
		{"stream {\nsize 1;\n", `unexpected end of file, expecting "}" in t:3`},
		{"flag maybe;", `invalid value "maybe" in "flag" directive, it must be "on" or "off" in t:1`},
		{"flag ON;", ""},
		{"flag;", `invalid number of arguments in "flag" directive in t:1`},
		{"enum third;", `invalid value "third" in t:1`},
		{"enum FIRST;", ""},
		{"\nfails;", "no luck in t:2"},
		{"ends {\n note;\n}", "empty in t:3"},
		{"x_by_lua_block {\n\n}", `"x_by_lua_block" directive is duplicate in t:3`},
		{"x_by_lua_block;", `directive "x_by_lua_block" has no opening "{" in t:1`},
		{"x_by_lua_block y {\n '\n", `invalid number of arguments in "x_by_lua_block" directive in t:1`},
		{"y_by_lua_block {\n {\n", `unknown directive "y_by_lua_block" in t:1`},
		{"x_by_lua_block {\n {\n", luaUnfinished + " in t:2"},
		{"map { a b; }", ""},
		{"map {\n bad; }", "bad line in t:2"},
		{"map { a {\n } }", `unexpected "{" in t:1`},
		{"map { a; b", `unexpected end of file, expecting ";" or "}" in t:1`},
	}
	for _, tt := range tests {
		got := ""
		if err := testTable().Root(InMain, &limits{}).Walk(ParseString("t", tt.text).Nodes); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestOr(t *testing.T) {
	given := func(v int) Value[int] { return Value[int]{V: v, Given: true} }
	for _, tt := range []struct {
		inner, outer Value[int]
		want         int
	}{{given(1), given(2), 1}, {Value[int]{}, given(2), 2}, {Value[int]{}, Value[int]{}, 3}} {
		if got := tt.inner.Or(tt.outer, 3); got.V != tt.want {
			t.Errorf("got %d, want %d", got.V, tt.want)
		}
	}
}
