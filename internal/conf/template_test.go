package conf

import (
	"reflect"
	"testing"
)

func TestParseTemplate(t *testing.T) {
	text := func(s string) Part { return Part{Text: s} }
	name := func(s string) Part { return Part{Var: s} }
	tests := []struct {
		text string
		want []Part
		err  string
	}{
		{"", nil, ""},
		{"plain {text}", []Part{text("plain {text}")}, ""},
		{"a$b${c}$1", []Part{text("a"), name("b"), name("c"), {Capture: 1}}, ""},
		{"$a_1-$B.${c}d", []Part{name("a_1"), text("-"), name("B"), text("."), name("c"), text("d")}, ""},
		{"$12", []Part{{Capture: 1}, text("2")}, ""},
		{"$0x", []Part{name("0x")}, ""},
		{"${1}", []Part{name("1")}, ""},
		{"$é", nil, "invalid variable name"},
		{"a$", nil, "invalid variable name"},
		{"$$", nil, "invalid variable name"},
		{"${", nil, "invalid variable name"},
		{"${}", nil, "invalid variable name"},
		{"${a", nil, `the closing bracket in "a" variable is missing`},
		{"${a-b}", nil, `the closing bracket in "a" variable is missing`},
		{"${-", nil, `the closing bracket in "" variable is missing`},
	}
	for _, tt := range tests {
		got, err := ParseTemplate(tt.text)
		message := ""
		if err != nil {
			message = err.Error()
		}
		if message != tt.err || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %v, error %q", tt.text, got, message)
		}
	}
}
