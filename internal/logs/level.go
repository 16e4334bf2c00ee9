package logs

import (
	"errors"
	"fmt"
	"strings"
)

// Level is the severity of an error log line, numbered as in nginx and in Lua's ngx.ERR and friends. A smaller
// number is graver; 0 is the level without a name that is always written.
type Level int8

// The levels of ngx_log.h.
const (
	Stderr Level = iota
	Emerg
	Alert
	Crit
	Error
	Warn
	Notice
	Info
	Debug
)

// off is below every level: nothing is written.
const off Level = -1

var levelNames = [...]string{"", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// String returns the level's name in the configuration and between the brackets of a log line.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return ""
	}
	return levelNames[l]
}

// parseLevel returns the level of that name, "emerg" to "debug". The names debug_core, debug_stream and so on, which
// narrow nginx's debug lines to one subsystem, all mean Debug.
func parseLevel(name string) (Level, bool) {
	for level, known := range levelNames {
		if level > 0 && known == name {
			return Level(level), true
		}
	}
	switch strings.TrimPrefix(name, "debug_") {
	case "core", "alloc", "mutex", "event", "http", "mail", "stream":
		return Debug, strings.HasPrefix(name, "debug_")
	}
	return 0, false
}

// parseLevels reads what follows the destination in an error_log directive; without any word the level is Error.
// Errors have nginx's wording (ngx_log_set_levels).
func parseLevels(words []string) (Level, error) {
	if len(words) == 0 {
		return Error, nil
	}
	level := off
	for _, word := range words {
		found, ok := parseLevel(word)
		if !ok {
			return 0, fmt.Errorf("invalid log level %s", quote(word))
		}
		if level != off && !(level == Debug && found == Debug) {
			return 0, fmt.Errorf("duplicate log level %s", quote(word))
		}
		level = found
	}
	return level, nil
}

// quote puts a word between quotes as nginx's messages do, without escaping.
func quote(word string) string { return `"` + word + `"` }

// errMemory refuses error_log memory:…, nginx's ring for debuggers.
var errMemory = errors.New("logs in memory are not supported, use a file, stderr or syslog")
