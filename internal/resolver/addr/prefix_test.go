package addr

import "testing"

func TestParsePrefix(t *testing.T) {
	for _, tc := range []struct {
		text, prefix string
		exact        bool
	}{
		{"127.0.0.1", "127.0.0.1/32", true},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.1.2.3/8", "10.0.0.0/8", false},
		{"0.0.0.0/0", "0.0.0.0/0", true},
		{"::1", "::1/128", true},
		{"2001:db8::/32", "2001:db8::/32", true},
		{"2001:db8::1/32", "2001:db8::/32", false},
		{"10.0.0.0/33", "", false},
		{"10.0.0.0/", "", false},
		{"10.0.0.0/+8", "", false},
		{"::/129", "", false},
		{"10.0.0/8", "", false},
		{"name", "", false},
		{"", "", false},
	} {
		prefix, exact, ok := ParsePrefix(tc.text)
		if ok != (tc.prefix != "") || ok && prefix.String() != tc.prefix || exact != tc.exact {
			t.Errorf("%q: %v, %v, %v", tc.text, prefix, exact, ok)
		}
	}
}
