package splitclients

import (
	"testing"

	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// TestMurmur2 has values that other implementations give.
func TestMurmur2(t *testing.T) {
	for text, want := range map[string]uint32{
		"": 0, "a": 0x92685f5e, "ab": 0x1aa14063, "abc": 0x13577c9b, "abcd": 0x26873021, "abcde": 0x5f09a8de,
	} {
		if got := murmur2([]byte(text)); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

// TestSplit has hashes at known places: "a" at 57.2%, "abc" at 7.6%, "abcde" at 37.1%, "" at 0.
func TestSplit(t *testing.T) {
	for _, tc := range []struct{ lines, key, want string }{
		{`50% one; * two;`, "", "one"},
		{`50% one; * two;`, "abc", "one"},
		{`50% one; * two;`, "a", "two"},
		{`7.5% one; .5% two; * three;`, "abc", "two"},
		{`50% one; 50% two;`, "a", "two"},
		{`50% one; 5% two;`, "a", ""},
		{`100% one;`, "abcde", "one"},
		{`* all;`, "a", "all"},
		{``, "a", ""},
	} {
		s := streamtest.Start(t, `split_clients $key $part { `+tc.lines+` }
			server { listen unix:%DIR%/s; set $key "`+tc.key+`"; return $part; }`, Module, setvar.Module, returns.Module)
		if got := s.Ask(0, ""); got != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.lines, tc.key, got, tc.want)
		}
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, Module)
	for text, want := range map[string]string{
		`split_clients a b { }`:                            `invalid variable name "b" in nginx.conf:2`,
		"split_clients a $b {\n 50 x;\n}":                  `invalid percent value "50" in nginx.conf:3`,
		"split_clients a $b {\n 0% x;\n}":                  `invalid percent value "0%" in nginx.conf:3`,
		"split_clients a $b {\n 1.234% x;\n}":              `invalid percent value "1.234%" in nginx.conf:3`,
		"split_clients a $b {\n 50% x;\n 51% y;\n}":        `percent total is greater than 100% in nginx.conf:5`,
		"split_clients a $b {\n 101% x;\n}":                `percent total is greater than 100% in nginx.conf:4`,
		"split_clients a $b {\n * x;\n 1% y;\n}":           `percent total is greater than 100% in nginx.conf:5`,
		"split_clients a $b {\n 1%;\n}":                    `invalid number of the split_clients parameters in nginx.conf:3`,
		`server { listen unix:a; split_clients a $b { } }`: `"split_clients" directive is not allowed here in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
