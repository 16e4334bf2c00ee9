package conf

import (
	"os"
	"path"
	"strings"
)

// glob gives the existing files a pattern matches, sorted by bytes within each folder. As with glob(3): a wildcard
// matches no leading dot, "[!a]" negates, and no match is no error.
func glob(pattern string) []string {
	found := []string{""}
	if strings.HasPrefix(pattern, "/") {
		found[0] = "/"
	}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var deeper []string
		for _, dir := range found {
			deeper = append(deeper, globIn(dir, part)...)
		}
		found = deeper
	}
	return found
}

// globIn gives the paths in dir ("" is here) whose last part matches.
func globIn(dir, part string) []string {
	base := dir
	if base != "" && !strings.HasSuffix(base, "/") {
		base += "/"
	}
	if !strings.ContainsAny(part, "*?[") {
		if _, err := os.Lstat(base + part); err != nil {
			return nil
		}
		return []string{base + part}
	}

	entries, _ := os.ReadDir(path.Clean(base))
	var found []string
	for _, e := range entries {
		if globMatch(part, e.Name()) {
			found = append(found, base+e.Name())
		}
	}
	return found
}

func globMatch(part, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
		return false
	}
	ok, err := path.Match(strings.ReplaceAll(part, "[!", "[^"), name)
	if err != nil {
		return part == name
	}
	return ok
}
