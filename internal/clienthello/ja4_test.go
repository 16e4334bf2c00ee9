package clienthello

import (
	"fmt"
	"strings"
	"testing"
)

// The lists that JA4's public description has for its example, in the order of its raw output.
const (
	ja4Ciphers    = "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
	ja4Extensions = "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"
	ja4Signatures = "0403,0804,0401,0503,0805,0501,0806,0601"
)

// offering makes a hello of lists, with GREASE in each of them.
func offering(ciphers, extensions, signatures string) string {
	suites := "0a0a" + strings.ReplaceAll(ciphers, ",", "")
	body := "0303" + random + "00" + number(len(suites)/2, 2) + suites + "0100"
	all := extension("1a1a", "")
	for kind := range strings.SplitSeq(extensions, ",") {
		switch kind {
		case "":
		case "0000":
			all += extension(kind, name("00", "example.com"))
		case "0010":
			all += extension(kind, "000c"+"026832"+"08687474702f312e31")
		case "002b":
			all += extension(kind, "06"+"2a2a"+"0304"+"0303")
		case "000d":
			list := "3a3a" + strings.ReplaceAll(signatures, ",", "")
			all += extension(kind, number(len(list)/2, 2)+list)
		default:
			all += extension(kind, "")
		}
	}
	all += extension("4a4a", "00")
	return record(body + number(len(all)/2, 2) + all)
}

// TestJA4 has the values that the description gives for its lists.
func TestJA4(t *testing.T) {
	for _, tc := range []struct{ first, want string }{
		{offering(ja4Ciphers, ja4Extensions, ja4Signatures), "t13d1516h2_8daaf6152771_e5627efa2ab1"},
		{offering(ja4Ciphers, ja4Extensions, ""), "t13d1516h2_8daaf6152771_6d807ffa2a79"},
		{offering("", "", ""), "t12i000000_000000000000_000000000000"},
		{offering("", "0000,0010", ""), "t12d0002h2_000000000000_000000000000"},
		{record("0301" + random + "00" + "0000" + "0100"), "t10i000000_000000000000_000000000000"},
		{"802e010002", "ts2i000000_000000000000_000000000000"},
	} {
		if got := ja4(t, tc.first); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.first, got, tc.want)
		}
	}
}

// TestJA4Letters has the description's table of first protocols.
func TestJA4Letters(t *testing.T) {
	for protocol, want := range map[string]string{
		"6832": "h2", "687474702f312e31": "h1", "68": "hh", "ab": "ab", "20": "20", "abcd": "ad", "2061": "21", "30ab": "3b",
		"6120": "60", "3031abcd": "3d", "30abcd31": "01",
	} {
		list := number(len(protocol)/2, 1) + protocol
		first := record(hello(extension("0010", number(len(list)/2, 2)+list)))
		if got := ja4(t, first)[8:10]; got != want {
			t.Errorf("%s: %s, want %s", protocol, got, want)
		}
	}
}

func TestJA4Counts(t *testing.T) {
	var many []string
	for i := range 120 {
		many = append(many, fmt.Sprintf("%04x", 0xe000+i))
	}
	list := strings.Join(many, ",")
	if got := ja4(t, offering(list, list, "")); got[:10] != "t12i999900" {
		t.Errorf("120 ciphers and extensions: %s", got)
	}
}

func ja4(t *testing.T, first string) string {
	t.Helper()
	var h Hello
	if more, err := h.Parse(unhex(t, first)); more != 0 || err != nil {
		t.Fatalf("%s: %d, %v", first, more, err)
	}
	return string(h.AppendJA4(nil))
}
