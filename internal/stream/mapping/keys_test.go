package mapping

import (
	"testing"

	"github.com/weirproxy/weir/internal/stream"
)

func TestFindAllocatesNothing(t *testing.T) {
	value := new(stream.Template)
	k := keys{
		exact:    map[string]*stream.Template{"www.example.com": value},
		suffixes: map[string]suffix{"example.org": {value: value}},
		prefixes: map[string]*stream.Template{"www": value},
	}
	for _, text := range []string{"www.example.com", "a.b.c.example.org", "www.a.b.c", "nothing"} {
		key := []byte(text)
		if n := testing.AllocsPerRun(100, func() { k.find(key) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
