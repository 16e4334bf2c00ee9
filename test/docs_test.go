package test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// manual are the texts for readers, by their path in the repository.
func manual(t *testing.T) map[string]string {
	t.Helper()
	root := os.DirFS("..")
	texts := map[string]string{}
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		names, err := fs.Glob(root, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(root, name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
)

// Every link leads to a file, and to a heading in it.
func TestDocsLinks(t *testing.T) {
	texts := manual(t)
	for name, text := range texts {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := name
			if m[1] != "" {
				target = path.Join(path.Dir(name), m[1])
			}
			if _, err := os.Stat("../" + target); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
			}
			if m[2] != "" && !anchors(texts[target])[m[2]] {
				t.Errorf("%s: %s has no heading %s", name, target, m[2])
			}
		}
	}
}

// anchors are a text's headings as links name them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		var anchor strings.Builder
		for _, c := range strings.ToLower(m[1]) {
			switch {
			case c == ' ':
				anchor.WriteByte('-')
			case c == '_' || c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
				anchor.WriteRune(c)
			}
		}
		found["#"+anchor.String()] = true
	}
	return found
}

// Every page can be found from the first.
func TestDocsIndex(t *testing.T) {
	texts := manual(t)
	index := texts["docs/index.md"]
	for name := range texts {
		page, isDoc := strings.CutPrefix(name, "docs/")
		if isDoc && page != "index.md" && !strings.Contains(index, "("+page+")") {
			t.Errorf("docs/index.md does not link to %s", page)
		}
	}
}

var nginxBlock = regexp.MustCompile("(?s)```nginx\n(.*?)```")

// The complete configurations in the manual are accepted.
func TestDocsConfigurations(t *testing.T) {
	complete := 0
	for name, text := range manual(t) {
		for _, m := range nginxBlock.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "stream {") || strings.Contains(m[1], "…") {
				continue
			}
			complete++
			w := newWorkspace(t)
			w.put("nginx.conf", m[1])
			if r := w.command("-t", "-q", "-p", w.dir, "-c", "nginx.conf", "-e", "stderr", "-g", "pid weir.pid;"); r.code != 0 {
				t.Errorf("%s: %s\n%s", name, r.stderr, m[1])
			}
		}
	}
	if complete < 3 {
		t.Errorf("%d complete configurations", complete)
	}
}

// The first page's example does what it says.
func TestReadmeExample(t *testing.T) {
	m := nginxBlock.FindStringSubmatch(manual(t)["README.md"])
	s := start(t, strings.ReplaceAll(m[1], "127.0.0.1", "{host}"))
	c := s.dial(7000)
	c.send("hello\n")
	c.want("hello\n")
}

var (
	goModule = regexp.MustCompile(`(?m)^\s+([a-z.]+/\S+) v`)
	packages = regexp.MustCompile(`(?m)^[A-Z]+_PACKAGES = (.*)$`)
)

// Every dependency has its reason.
func TestDocsDependencies(t *testing.T) {
	root := os.DirFS("..")
	page := manual(t)["docs/dependencies.md"]
	var names []string
	for file, pattern := range map[string]*regexp.Regexp{"go.mod": goModule, "Makefile": packages} {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			t.Fatal(err)
		}
		found := pattern.FindAllStringSubmatch(string(text), -1)
		if len(found) < 2 {
			t.Errorf("%s: %d dependencies", file, len(found))
		}
		for _, m := range found {
			names = append(names, strings.Fields(m[1])...)
		}
	}
	for _, name := range names {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/dependencies.md: %s is missing", name)
		}
	}
}

var sourcePath = regexp.MustCompile("`((?:internal|cmd|test|bench|examples)/[^`* ]*)`")

// The code that the manual leads to is there.
func TestDocsSources(t *testing.T) {
	for name, text := range manual(t) {
		for _, m := range sourcePath.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat("../" + m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
