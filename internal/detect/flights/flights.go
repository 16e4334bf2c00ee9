// Package flights reads what real clients have sent first, for tests: files in hexadecimal digits, one for each client.
package flights

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Flight is what a client sends before it is answered.
type Flight struct {
	Name  string // the file's, without ".hex"
	First string
}

// Glob reads the files of that pattern, of which there must be one, in the order of their names.
func Glob(t testing.TB, pattern string) (all []Flight) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	for _, name := range names {
		all = append(all, Flight{strings.TrimSuffix(filepath.Base(name), ".hex"), Read(t, name)})
	}
	return all
}

// Read reads one file.
func Read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(first)
}
