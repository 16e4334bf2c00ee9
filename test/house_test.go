package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/weirproxy/weir/"

// Packages import what stands in lower rows of the table in docs/architecture.md, or in the same package's folder.
func TestHouse(t *testing.T) {
	rows := houseRows(t)
	seen := 0
	for dir, imports := range importsByFolder(t) {
		row, home := rowOf(rows, dir)
		if home == "" {
			t.Errorf("%s is in no row of the table", dir)
		}
		for name := range imports {
			seen++
			below, other := rowOf(rows, name)
			if same := other == home && !strings.HasSuffix(home, "*"); below <= row && !same {
				t.Errorf("%s imports %s, which does not stand below it", dir, name)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d imports found", seen)
	}
}

var (
	house   = regexp.MustCompile(`(?s)\n## The house\n(.*?)\n## `)
	roomRow = regexp.MustCompile("(?m)^\\| (`.*?) \\|")
	room    = regexp.MustCompile("`([^`]*)`")
)

// houseRows are the packages of each row, the highest first; "internal/stream/*" stands for all that is below.
func houseRows(t *testing.T) (rows [][]string) {
	t.Helper()
	table := house.FindStringSubmatch(manual(t)["docs/architecture.md"])
	if table == nil {
		t.Fatal("docs/architecture.md has no table")
	}
	for _, row := range roomRow.FindAllStringSubmatch(table[1], -1) {
		var names []string
		for _, m := range room.FindAllStringSubmatch(row[1], -1) {
			names = append(names, m[1])
		}
		rows = append(rows, names)
	}
	return rows
}

// rowOf finds the row of a package: that of the longest name which covers it.
func rowOf(rows [][]string, dir string) (row int, name string) {
	for i, names := range rows {
		for _, n := range names {
			if len(n) > len(name) && covers(n, dir) {
				row, name = i, n
			}
		}
	}
	return row, name
}

func covers(name, dir string) bool {
	if above, all := strings.CutSuffix(name, "*"); all {
		return strings.HasPrefix(dir, above)
	}
	return dir == name || strings.HasPrefix(dir, name+"/")
}

// importsByFolder are the packages of this module that each of its folders imports, tests aside.
func importsByFolder(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if found[dir] == nil {
			found[dir] = map[string]bool{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if below, ours := strings.CutPrefix(imported, module); ours {
				found[dir][below] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
