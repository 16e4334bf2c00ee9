package ngx

import (
	"sync"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// capture keeps the last lines of the error log for ngx.errlog.get_logs (lua_capture_error_log). There is one for
// each generation, which all workers share.
type capture struct {
	mu    sync.Mutex
	level logs.Level // graver lines and those of this level are kept
	size  int        // bytes
	used  int
	lines []captured // from first on
	first int
}

type captured struct {
	level logs.Level
	when  time.Time
	text  string
}

// capturedHeader is what a line costs beside its text, as in ngx_stream_lua_log_ringbuf.c.
const capturedHeader = 16

func newCapture(size int) *capture { return &capture{size: size, level: logs.Debug} }

// attach has all error logs of a generation tell c their lines.
func (c *capture) attach(config *stream.Config) {
	config.Log.Tap = c.add
	for _, s := range config.Servers {
		s.ErrorLog.Tap = c.add
	}
}

// add is a logs.Tap. The oldest lines make room.
func (c *capture) add(level logs.Level, now time.Time, line []byte) {
	cost := len(line) + capturedHeader
	c.mu.Lock()
	defer c.mu.Unlock()
	if level > c.level || cost > c.size {
		return
	}
	for c.used+cost > c.size {
		c.drop()
	}
	c.lines = append(c.lines, captured{level, now, string(line)})
	c.used += cost
}

// take removes and returns the oldest line.
func (c *capture) take() (captured, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == len(c.lines) {
		return captured{}, false
	}
	line := c.lines[c.first]
	c.drop()
	return line, true
}

// drop forgets the oldest line.
func (c *capture) drop() {
	c.used -= len(c.lines[c.first].text) + capturedHeader
	c.lines[c.first] = captured{}
	c.first++
	if c.first == len(c.lines) || c.first > 1024 {
		n := copy(c.lines, c.lines[c.first:])
		clear(c.lines[n:])
		c.lines, c.first = c.lines[:n], 0
	}
}

func (c *capture) setLevel(level logs.Level) {
	c.mu.Lock()
	c.level = level
	c.mu.Unlock()
}
