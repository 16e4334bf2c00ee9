package ngx

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

func TestCapture(t *testing.T) {
	line := strings.Repeat("x", 100-capturedHeader)
	tests := map[string]struct {
		level logs.Level
		lines []string
		want  string
	}{
		"in order":          {logs.Debug, []string{"a", "b"}, "a b"},
		"empty":             {logs.Debug, nil, ""},
		"the level":         {logs.Warn, []string{"a", "b"}, ""},
		"the oldest go":     {logs.Debug, []string{"a" + line[1:], "b" + line[1:], "c"}, "b c"},
		"one that fits":     {logs.Debug, []string{strings.Repeat("y", 200-capturedHeader)}, "y"},
		"one that does not": {logs.Debug, []string{"a", strings.Repeat("y", 201-capturedHeader)}, "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCapture(200)
			c.setLevel(test.level)
			for _, text := range test.lines {
				c.add(logs.Notice, time.Now(), []byte(text))
			}
			if got := drain(c); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if c.used != 0 || len(c.lines) != 0 {
				t.Errorf("%d bytes and %d lines are left", c.used, len(c.lines))
			}
		})
	}
}

// drain is the first letters of all lines.
func drain(c *capture) string {
	var letters []string
	for {
		line, ok := c.take()
		if !ok {
			return strings.Join(letters, " ")
		}
		letters = append(letters, line.text[:1])
	}
}

// A full capture keeps to its size, however many lines pass.
func TestCaptureManyLines(t *testing.T) {
	c := newCapture(64 << 10)
	for i := range 100_000 {
		c.add(logs.Error, time.Now(), fmt.Appendf(nil, "line %d", i))
	}
	if c.used > c.size || cap(c.lines) > 16<<10 {
		t.Errorf("%d bytes in room for %d lines", c.used, cap(c.lines))
	}
	var last string
	for line, ok := c.take(); ok; line, ok = c.take() {
		last = line.text
	}
	if last != "line 99999" {
		t.Errorf("the last line is %q", last)
	}
}
