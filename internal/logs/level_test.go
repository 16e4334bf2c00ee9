package logs

import (
	"strings"
	"testing"
)

func TestParseLevels(t *testing.T) {
	for words, want := range map[string]Level{
		"": Error, "emerg": Emerg, "alert": Alert, "crit": Crit, "error": Error, "warn": Warn, "notice": Notice,
		"info": Info, "debug": Debug, "debug_stream": Debug, "debug_core debug_event": Debug,
	} {
		got, err := parseLevels(strings.Fields(words))
		if got != want || err != nil {
			t.Errorf("%q: %v %v", words, got, err)
		}
	}
	for words, want := range map[string]string{
		"loud":        `invalid log level "loud"`,
		"stderr":      `invalid log level "stderr"`,
		"core":        `invalid log level "core"`,
		"info notice": `duplicate log level "notice"`,
	} {
		if _, err := parseLevels(strings.Fields(words)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", words, err, want)
		}
	}
	if Emerg != 1 || Error != 4 || Debug != 8 {
		t.Error("numbers are not nginx's")
	}
}
