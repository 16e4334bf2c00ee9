package test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// Debian's lua-cjson, a C module, and lua-resty-lrucache.
func TestLibraryJSON(t *testing.T) {
	eachLibraryServer(t, "json", func(t *testing.T, s *server) {
		type answer struct {
			Factors []int
			Cached  bool
			Error   string
		}
		c := s.dial(7042)
		ask := func(line string) (a answer) {
			t.Helper()
			c.send(line + "\n")
			got := c.line()
			if err := json.Unmarshal([]byte(got), &a); err != nil {
				t.Fatalf("%s: %q: %v", line, got, err)
			}
			return a
		}
		factors := []int{2, 2, 3, 7}
		for _, cached := range []bool{false, true} {
			if got, want := ask(`{"factor": 84}`), (answer{Factors: factors, Cached: cached}); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		for i := range 300 { // more than the cache keeps
			ask(fmt.Sprintf(`{"factor": %d}`, 1000+i))
		}
		if a := ask(`{"factor": 84}`); a.Cached || len(a.Factors) != 4 {
			t.Errorf("84 has outlived 300 others: %+v", a)
		}
		for _, line := range []string{`{"factor": 84`, `{"factor": null}`, `[]`, `7`} {
			if a := ask(line); a.Error == "" {
				t.Errorf("%s: no error: %+v", line, a)
			}
		}
	})
}
