package conf

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// syntaxError is the one that ended parsing, or nil.
func syntaxError(nodes []*Node) error {
	for len(nodes) > 0 {
		last := nodes[len(nodes)-1]
		if last.Err != nil {
			return last.Err
		}
		nodes = last.Block
	}
	return nil
}

func words(n *Node) []string { return append([]string{n.Name}, n.Args...) }

func TestWords(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{`a b c;`, []string{"a", "b", "c"}},
		{"a\tb\r\nc\n;", []string{"a", "b", "c"}},
		{`a"b" c'd;`, []string{`a"b"`, `c'd`}},
		{`a "b c" 'd "e"';`, []string{"a", "b c", `d "e"`}},
		{`a "";`, []string{"a", ""}},
		{`a "b;{}#";`, []string{"a", "b;{}#"}},
		{`a "\"\'\\\t\r\n\d\$";`, []string{"a", "\"'\\\t\r\n\\d\\$"}},
		{`a b\ c\;d\{;`, []string{"a", `b\ c\;d\{`}},
		{`a \\n;`, []string{"a", `\n`}},
		{`a ${b}c "$d{e";`, []string{"a", "${b}c", "$d{e"}},
		{`a $d{e;`, nil}, // only a brace right after "$" belongs to the word
		{`a "x"){`, nil},
		{`a "x")b;`, []string{"a", "x", ")b"}},
		{`a b#c; # d`, []string{"a", "b#c"}},
		{"# x ; {\na b;", []string{"a", "b"}},
		{`a b};`, []string{"a", "b}"}},
		{`a #b;` + "\n c;", []string{"a", "c"}},
		{`"a"b;`, nil},
	}
	for _, tt := range tests {
		nodes := ParseString("t", tt.text).Nodes
		var got []string
		if len(nodes) > 0 && nodes[0].Err == nil {
			got = words(nodes[0])
		}
		if tt.want == nil {
			if err := syntaxError(nodes); err == nil {
				t.Errorf("%q: parsed as %q", tt.text, got)
			}
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	long := strings.Repeat("x", maxParam)
	tests := []struct{ text, want string }{
		{"a b", `unexpected end of file, expecting ";" or "}" in t:1`},
		{"a b\n\n", `unexpected end of file, expecting ";" or "}" in t:3`},
		{"a \"b;\n", `unexpected end of file, expecting ";" or "}" in t:2`},
		{"a {\n b;\n", `unexpected end of file, expecting "}" in t:3`},
		{"a;\n}", `unexpected "}" in t:2`},
		{"a { b }", `unexpected "}" in t:1`},
		{"a { b ; }\n ;", `unexpected ";" in t:2`},
		{"{", `unexpected "{" in t:1`},
		{"a \n}", `unexpected "}" in t:2`},
		{`a "b"c;`, `unexpected "c" in t:1`},
		{"a 'b'\"c\";", `unexpected """ in t:1`},
		{"a;\nb \"\n" + long + `";`, `too long parameter, probably missing terminating """ character in t:2`},
		{"a '" + long + `x`, `too long parameter, probably missing terminating "'" character in t:1`},
		{"a\n" + long + `x;`, `too long parameter "xxxxxxxxxx..." started in t:2`},
		{"a " + long[1:] + ";", ""},
		{"include;", `invalid number of arguments in "include" directive in t:1`},
		{"include x {", `directive "include" is not terminated by ";" in t:1`},
		{"a;\ninclude\n/no/such;", `open() "/no/such" failed (2: No such file or directory) in t:3`},
		{"include /no/such*;", ""},
		{"include /;", `pread() "/" failed (21: Is a directory) in t:1`},
	}
	for _, tt := range tests {
		got := ""
		if err := syntaxError(ParseString("t", tt.text).Nodes); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%.40q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestParam(t *testing.T) {
	tests := []struct{ text, want string }{
		{"daemon off;\nuser x;", ""},
		{"daemon", `unexpected end of parameter, expecting ";" in command line`},
		{"events {", "block directives are not supported in -g option in command line"},
		{"}", `unexpected "}" in command line`},
	}
	for _, tt := range tests {
		tree, got := ParseParam("/p/", tt.text), ""
		if err := syntaxError(tree.Nodes); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	n := ParseParam("/p/", "\nx y;").Nodes[0]
	if err := n.Errorf("bad"); err.Error() != "bad in command line" {
		t.Error(err)
	}
	if got := n.ChunkName("init_by_lua"); got != "=init_by_lua(:1)" {
		t.Error(got)
	}
}

func TestPositions(t *testing.T) {
	nodes := ParseString("/x/nginx.conf", "\na\n b\n;\nc {\n d;\n\n}\ne_by_lua_block {\n x = {}\n}\n").Nodes
	tests := []struct {
		n               *Node
		start, pos, end int
		chunk           string
	}{
		{nodes[0], 2, 4, 4, "=a(nginx.conf:4)"},
		{nodes[1], 5, 5, 8, "=c(nginx.conf:8)"},
		{nodes[1].Block[0], 6, 6, 6, "=d(nginx.conf:6)"},
		{nodes[2], 9, 9, 11, "=e_by_lua_block(nginx.conf:11)"},
	}
	for _, tt := range tests {
		if tt.n.StartLine != tt.start || tt.n.Pos.Line != tt.pos || tt.n.EndLine != tt.end {
			t.Errorf("%s: lines %d, %d, %d", tt.n.Name, tt.n.StartLine, tt.n.Pos.Line, tt.n.EndLine)
		}
		if got := tt.n.ChunkName(tt.n.Name); got != tt.chunk {
			t.Errorf("%s: chunk name %q", tt.n.Name, got)
		}
	}
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInclude(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"nginx.conf":     "a;\ns { include conf.d/*.conf; include d/sub.inc; }\ninclude d/[!x]ub.inc;\nz;",
		"conf.d/2.conf":  "two;",
		"conf.d/1.conf":  "one { x; }\n",
		"conf.d/.h.conf": "hidden;",
		"conf.d/1.bak":   "bak;",
		"d/sub.inc":      "include d/deep.inc;", // relative to the main file's folder, not to d
		"d/deep.inc":     "\ndeep;",
	})
	tree, err := ParseFile(dir + "/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var names func(nodes []*Node)
	names = func(nodes []*Node) {
		for _, n := range nodes {
			got = append(got, n.Name)
			names(n.Block)
		}
	}
	names(tree.Nodes)
	if s := strings.Join(got, " "); s != "a s one x two deep deep z" {
		t.Errorf("got %q, error %v", s, syntaxError(tree.Nodes))
	}
	if pos := tree.Nodes[2].Pos.String(); pos != dir+"/d/deep.inc:2" {
		t.Errorf("position %q", pos)
	}

	var dump strings.Builder
	if err := tree.Dump(&dump); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, f := range tree.Files {
		want += "# configuration file " + f.Path + ":\n" + f.Text + "\n"
	}
	if dump.String() != want || len(tree.Files) != 5 || tree.Files[1].Path != dir+"/conf.d/1.conf" {
		t.Errorf("dump:\n%s", dump.String())
	}
}

func TestIncludeErrors(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"loop.conf":  "a;\ninclude l2.conf;",
		"l2.conf":    "include loop.conf;",
		"brace.conf": "s { include open.conf; }",
		"open.conf":  "x {\n",
		"shut.conf":  "s { include brace; }",
		"brace":      "}",
	})
	tests := []struct{ file, want string }{
		{"loop.conf", `include loop: "D/loop.conf" is being read already in D/l2.conf:1`},
		{"brace.conf", `unexpected end of file, expecting "}" in D/open.conf:2`},
		{"shut.conf", `unexpected "}" in D/brace:1`},
		{"none.conf", `open() "D/none.conf" failed (2: No such file or directory)`},
	}
	for _, tt := range tests {
		tree, err := ParseFile(dir + "/" + tt.file)
		if err == nil {
			err = syntaxError(tree.Nodes)
		}
		if got := strings.ReplaceAll(err.Error(), dir, "D"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.file, got, tt.want)
		}
	}
}
