package conf

import (
	"io"
	"strings"
)

// Tree is a whole configuration, its includes resolved in place.
type Tree struct {
	Nodes []*Node
	Files []File // every file read, once each, in the order of first reading
}

// File is the text of one configuration file.
type File struct {
	Path string
	Text string
}

// Dump writes all files as nginx -T does.
func (t *Tree) Dump(w io.Writer) error {
	for _, f := range t.Files {
		if _, err := io.WriteString(w, "# configuration file "+f.Path+":\n"+f.Text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// ParseFile reads a configuration file and what it includes. It fails only if the file itself cannot be read; other
// mistakes are nodes of the tree, and Walk reports them. Includes are relative to the file's folder, which nginx calls
// the configuration prefix.
func ParseFile(path string) (*Tree, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fileError(Pos{}, path, err)
	}
	return ParseString(path, text), nil
}

// ParseString is ParseFile for a text at hand: name stands in positions and its folder is where includes are looked for.
func ParseString(name, text string) *Tree {
	p := newParser(folder(name))
	p.tree.Nodes = p.file(name, text)
	return p.tree
}

// ParseParam reads directives given with -g. Their errors are told "in command line"; prefix is the folder includes
// are relative to and ends in "/".
func ParseParam(prefix, text string) *Tree {
	p := newParser(prefix)
	p.tree.Nodes = p.nodes(&lexer{text: text, param: true}, false)
	return p.tree
}

func folder(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

type parser struct {
	tree   *Tree
	prefix string
	open   []string        // files being read, outermost first
	seen   map[string]bool // files in tree.Files
	failed bool            // a syntax error has been recorded: nothing more is read

	readFile func(path string) (string, error)
	glob     func(pattern string) []string
}

func newParser(prefix string) *parser {
	return &parser{tree: &Tree{}, prefix: prefix, seen: map[string]bool{}, readFile: readFile, glob: glob}
}

func (p *parser) fail(err *Error) *Node {
	p.failed = true
	return &Node{Err: err, Pos: err.Pos}
}

func (p *parser) file(path, text string) []*Node {
	if !p.seen[path] {
		p.seen[path] = true
		p.tree.Files = append(p.tree.Files, File{Path: path, Text: text})
	}
	p.open = append(p.open, path)
	nodes := p.nodes(&lexer{text: text, line: 1, file: path}, false)
	p.open = p.open[:len(p.open)-1]
	return nodes
}

// nodes reads a file, or a block up to its closing brace.
func (p *parser) nodes(lx *lexer, inBlock bool) []*Node {
	var nodes []*Node
	for !p.failed {
		st, err := lx.statement()
		if err == nil {
			err = lx.checkEnd(st.end, inBlock)
		}
		if err != nil {
			return append(nodes, p.fail(err))
		}
		switch {
		case st.end == endOfText || st.end == '}':
			return nodes
		case st.words[0] == "include":
			nodes = append(nodes, p.include(lx, st)...)
		default:
			nodes = append(nodes, p.node(lx, st))
		}
	}
	return nodes
}

// checkEnd tells whether a statement may end so where it stands.
func (lx *lexer) checkEnd(end byte, inBlock bool) *Error {
	switch {
	case end == endOfText && inBlock:
		return lx.errorf("unexpected end of file, expecting \"}\"")
	case end == '}' && !inBlock:
		return lx.errorf("unexpected \"}\"")
	case end == '{' && lx.param:
		return lx.errorf("block directives are not supported in -g option")
	}
	return nil
}

func (p *parser) node(lx *lexer, st statement) *Node {
	n := &Node{
		Name:      st.words[0],
		Args:      st.words[1:],
		HasBlock:  st.end == '{',
		Pos:       lx.place(),
		StartLine: st.startLine,
	}
	switch {
	case n.HasBlock && strings.HasSuffix(n.Name, "_by_lua_block"):
		n.IsCode = true
		n.Code, n.Err = lx.luaBlock()
		p.failed = n.Err != nil
	case n.HasBlock:
		n.Block = p.nodes(lx, true)
	}
	n.EndLine = lx.line
	return n
}
