package conf

import (
	"os"
	"slices"
	"strings"
)

// maxOpen bounds how deep files include each other.
const maxOpen = 128

// include reads the files an include directive names and gives their nodes (ngx_conf_include).
func (p *parser) include(lx *lexer, st statement) []*Node {
	if st.end == '{' {
		return []*Node{p.fail(lx.errorf("directive \"include\" is not terminated by \";\""))}
	}
	if len(st.words) != 2 {
		return []*Node{p.fail(lx.errorf("invalid number of arguments in \"include\" directive"))}
	}

	path := st.words[1]
	if !strings.HasPrefix(path, "/") {
		path = p.prefix + path
	}
	if !strings.ContainsAny(path, "*?[") {
		return p.includeFile(lx, path)
	}
	var nodes []*Node
	for _, name := range p.glob(path) {
		if p.failed {
			break
		}
		nodes = append(nodes, p.includeFile(lx, name)...)
	}
	return nodes
}

func (p *parser) includeFile(lx *lexer, path string) []*Node {
	if slices.Contains(p.open, path) {
		return []*Node{p.fail(lx.errorf("include loop: \"%s\" is being read already", path))}
	}
	if len(p.open) >= maxOpen {
		return []*Node{p.fail(lx.errorf("too many nested includes, \"%s\" is the %dth", path, maxOpen))}
	}
	text, err := p.readFile(path)
	if err != nil {
		return []*Node{p.fail(fileError(lx.place(), path, err))}
	}
	return p.file(path, text)
}

func readFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}
