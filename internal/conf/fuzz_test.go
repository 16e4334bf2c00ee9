package conf

import (
	"os"
	"strings"
	"testing"
)

// write gives nodes as text that parses to the same nodes.
func write(b *strings.Builder, nodes []*Node) {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for _, n := range nodes {
		for _, word := range words(n) {
			b.WriteString(`"` + quote.Replace(word) + `" `)
		}
		switch {
		case n.IsCode:
			b.WriteString("{" + n.Code + "}")
		case n.HasBlock:
			b.WriteString("{\n")
			write(b, n.Block)
			b.WriteString("}\n")
		default:
			b.WriteString(";\n")
		}
	}
}

// parseAlone parses without touching the file system.
func parseAlone(text string) *Tree {
	p := newParser("/")
	p.readFile = func(string) (string, error) { return "", os.ErrNotExist }
	p.glob = func(string) []string { return nil }
	p.tree.Nodes = p.file("t", text)
	return p.tree
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a b;\nc { d \"e f\" 'g'; # h\n}", "a ${b}\\;c{}", "x_by_lua_block { --[[ } ]] \"}\" }", "include x*;", `a "\t\n\\\"" ;`, "a 'b')c;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree := parseAlone(text)
		err := testTable().Root(InMain, &limits{}).Walk(tree.Nodes)
		if err == nil && syntaxError(tree.Nodes) != nil {
			t.Fatalf("Walk passed over %v", syntaxError(tree.Nodes))
		}
		if syntaxError(tree.Nodes) != nil || len(text) > maxParam/2 {
			return
		}
		var first, second strings.Builder
		write(&first, tree.Nodes)
		again := parseAlone(first.String())
		if err := syntaxError(again.Nodes); err != nil {
			t.Fatalf("%q, written as %q: %v", text, first.String(), err)
		}
		write(&second, again.Nodes)
		if first.String() != second.String() {
			t.Fatalf("%q, written as %q, then as %q", text, first.String(), second.String())
		}
	})
}

func FuzzLuaBlock(f *testing.F) {
	for _, seed := range []string{
		" local t = {} ", "--[==[ } ]==]", `"\"}" '\z` + "\n}'", "[[ } ]]", "-- }\n", "{ { } } }", "'\n}", "[=[ ]] ]=]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		lx := &lexer{text: body + "}", line: 1, file: "t"}
		code, err := lx.luaBlock()
		if lx.line != 1+strings.Count(lx.text[:lx.pos], "\n") {
			t.Fatalf("%q: line %d at byte %d", body, lx.line, lx.pos)
		}
		if err != nil {
			return
		}
		if code+"}" != lx.text[:lx.pos] {
			t.Fatalf("%q: code %q", body, code)
		}
		again := &lexer{text: code + "}; more {", line: 1, file: "t"}
		if same, err := again.luaBlock(); err != nil || same != code {
			t.Fatalf("%q, read again: %q, %v", code, same, err)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"a$b${c}$1", "$", "${", "${a-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := ParseTemplate(text)
		if err == nil && text != "" && len(parts) == 0 {
			t.Fatalf("%q has no parts", text)
		}
		for _, p := range parts {
			if p == (Part{}) {
				t.Fatalf("%q has an empty part", text)
			}
		}
	})
}
