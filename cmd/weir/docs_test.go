package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Every directive and every variable of a module is in the manual, as code.
func TestEverythingIsDocumented(t *testing.T) {
	words := documented(t)
	for _, list := range [][]conf.Directive{mainDirectives, eventsDirectives, stream.Directives(&stream.Env{Modules: modules})} {
		for _, d := range list {
			if !words[d.Name] {
				t.Errorf("docs: directive %s is missing", d.Name)
			}
		}
	}
	for _, m := range modules {
		for _, v := range m.Variables {
			if !words["$"+v.Name] && !v.Prefix {
				t.Errorf("docs: variable $%s of module %s is missing", v.Name, m.Name)
			}
		}
	}
}

var (
	code  = regexp.MustCompile("(?s)```.*?```|`[^`]+`")
	words = regexp.MustCompile(`\$?[a-z0-9_]+`)
)

// documented are the words that the manual has in code.
func documented(t *testing.T) map[string]bool {
	found := map[string]bool{}
	docs := os.DirFS("../../docs")
	err := fs.WalkDir(docs, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := fs.ReadFile(docs, path)
		for _, span := range code.FindAllString(string(text), -1) {
			for _, word := range words.FindAllString(span, -1) {
				found[word] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
