package conf

import "testing"

type unitTest struct {
	text string
	want int64 // -1: refused
}

func testUnit(t *testing.T, name string, parse func(string) (int64, bool), tests []unitTest) {
	for _, tt := range tests {
		got, ok := parse(tt.text)
		if !ok {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%s(%q) = %d, want %d", name, tt.text, got, tt.want)
		}
	}
}

func TestUnits(t *testing.T) {
	testUnit(t, "ParseInt", ParseInt, []unitTest{
		{"0", 0}, {"007", 7}, {"9223372036854775807", 1<<63 - 1}, {"9223372036854775808", -1},
		{"", -1}, {"-1", -1}, {"+1", -1}, {"1.0", -1}, {" 1", -1},
	})
	testUnit(t, "ParseSize", ParseSize, []unitTest{
		{"10", 10}, {"1k", 1024}, {"2K", 2048}, {"3m", 3 << 20}, {"1M", 1 << 20}, {"1g", -1}, {"", -1}, {"k", -1},
		{"8796093022207m", 8796093022207 << 20}, {"8796093022208m", -1}, {"1kk", -1}, {"-1k", -1},
	})
	testUnit(t, "ParseOffset", ParseOffset, []unitTest{{"2g", 2 << 30}, {"1G", 1 << 30}, {"5k", 5120}, {"g", -1}})
	testUnit(t, "ParseMsec", ParseMsec, []unitTest{
		{"10", 10000}, {"0", 0}, {"500ms", 500}, {"1s", 1000}, {"1m", 60000}, {"1h30m", 5400000}, {"1d", 86400000},
		{"1w", 604800000}, {"1h 30m", 5400000}, {"1s500ms", 1500}, {"1m 5", 65000}, {"5ms5", 5005}, {"h5", 5000}, {"1 2", 3000},
		{"", -1}, {"ms", -1}, {"1y", -1}, {"1M", -1}, {"30m1h", -1}, {"1h1h", -1}, {"1s1m", -1}, {"1ms1s", -1},
		{"1x", -1}, {"-1", -1}, {"1 2 3", -1}, {"1 2s", -1}, {"9223372036854775807", -1}, {"9223372036854775807ms", 1<<63 - 1},
	})
	testUnit(t, "ParseSec", ParseSec, []unitTest{
		{"10", 10}, {"1y", 31536000}, {"1M", 2592000}, {"1y2M", 36720000}, {"1M1y", -1}, {"1ms", -1}, {"1d12h", 129600},
		{"9223372036854775807", 1<<63 - 1}, {"9223372036854775808", -1}, {"106751991167301d", -1},
	})
	testUnit(t, "ParsePercent", ParsePercent, []unitTest{
		{"50%", 5000}, {"0.5%", 50}, {"12.34%", 1234}, {"0.001%", -1}, {"0%", -1}, {"50", -1}, {"%", -1}, {"1.2.3%", -1}, {".%", -1}, {".5%", 50},
	})
}
