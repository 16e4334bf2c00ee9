package logs

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ value, standard, json string }{
		{"", "", ""},
		{"plain ~ text", "plain ~ text", "plain ~ text"},
		{`"\`, `\x22\x5C`, `\"\\`},
		{"\n\r\t\b\f", `\x0A\x0D\x09\x08\x0C`, `\n\r\t\b\f`},
		{"\x00\x1f", `\x00\x1F`, `\u0000\u001F`},
		{"\x7f\xffü", `\x7F\xFF\xC3\xBC`, "\x7f\xffü"},
	}
	for _, test := range tests {
		if got := string(appendEscaped(nil, test.value)); got != test.standard {
			t.Errorf("default %q: %s", test.value, got)
		}
		if got := string(appendJSON([]byte("x"), test.value)); got != "x"+test.json {
			t.Errorf("json %q: %s", test.value, got)
		}
	}
}

func TestAppendValue(t *testing.T) {
	tests := []struct {
		word        string
		value, none string
	}{
		{"default", `a\x22`, "-"},
		{"json", `a\"`, ""},
		{"none", `a"`, ""},
	}
	for _, test := range tests {
		e, err := ParseEscape(test.word)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.AppendValue(nil, []byte(`a"`), true)); got != test.value {
			t.Errorf("%s: %s", test.word, got)
		}
		if got := string(e.AppendValue(nil, nil, false)); got != test.none {
			t.Errorf("%s of nothing: %s", test.word, got)
		}
	}
	if _, err := ParseEscape("xml"); err == nil || err.Error() != `unknown log format escaping "xml"` {
		t.Error(err)
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "a", "\x00\"\\\n", "ü\xff", "\\x41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		quoted := append(appendJSON([]byte{'"'}, value), '"')
		if !json.Valid(quoted) {
			t.Fatalf("not JSON: %q", quoted)
		}
		var back string
		if utf8.ValidString(value) && (json.Unmarshal(quoted, &back) != nil || back != value) {
			t.Fatalf("%q comes back as %q", value, back)
		}
		escaped := string(appendEscaped(nil, value))
		plain, err := strconv.Unquote(`"` + escaped + `"`)
		if err != nil || plain != value || strings.ContainsAny(escaped, "\"\n") {
			t.Fatalf("%q is escaped as %q: %v", value, escaped, err)
		}
	})
}
