package conf

import (
	"math"
	"strings"
)

// ParseInt reads an unsigned decimal number; nothing but digits is allowed (ngx_atoi).
func ParseInt(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	var v int64
	for i := 0; i < len(s); i++ {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit > 9 || v > (math.MaxInt64-digit)/10 {
			return 0, false
		}
		v = v*10 + digit
	}
	return v, true
}

// parseFixed reads a decimal fraction as an integer scaled by 10^point: ("10.5", 2) is 1050 (ngx_atofp).
func parseFixed(s string, point int) (int64, bool) {
	whole, fraction, dotted := strings.Cut(s, ".")
	if len(fraction) > point || dotted && whole+fraction == "" {
		return 0, false
	}
	return ParseInt(whole + fraction + strings.Repeat("0", point-len(fraction)))
}

// ParsePercent reads "12.34%" as hundredths of a percent, 1234. Zero is not a percentage (split_clients).
func ParsePercent(s string) (int64, bool) {
	number, ok := strings.CutSuffix(s, "%")
	if !ok || number == "" {
		return 0, false
	}
	v, ok := parseFixed(number, 2)
	return v, ok && v > 0
}

// ParseSize reads a number of bytes, with k or m for 2^10 and 2^20 (ngx_parse_size). Rates are bytes per second in the
// same form.
func ParseSize(s string) (int64, bool) { return parseScaled(s, "kKmM") }

// ParseOffset is ParseSize with g for 2^30 as well (ngx_parse_offset).
func ParseOffset(s string) (int64, bool) { return parseScaled(s, "kKmMgG") }

func parseScaled(s, units string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	shift := 0
	if i := strings.IndexByte(units, s[len(s)-1]); i >= 0 {
		shift = 10 * (i/2 + 1)
		s = s[:len(s)-1]
	}
	v, ok := ParseInt(s)
	if !ok || v > math.MaxInt64>>shift {
		return 0, false
	}
	return v << shift, true
}

// timeUnit is a unit of time in milliseconds. Units stand in falling order in a value, each once at most.
type timeUnit struct {
	name string
	ms   int64
}

const second = 1000

var timeUnits = []timeUnit{
	{"y", 365 * 24 * 3600 * second},
	{"M", 30 * 24 * 3600 * second},
	{"w", 7 * 24 * 3600 * second},
	{"d", 24 * 3600 * second},
	{"h", 3600 * second},
	{"m", 60 * second},
	{"s", second},
	{"ms", 1},
	{"", second},
}

const (
	yearUnit   = 0
	secondUnit = 6
	msUnit     = 7
	bareUnit   = 8
)

// ParseMsec reads a time as milliseconds: "1h30m", "500ms", "10" (seconds). Years and months are not allowed, as their
// number of milliseconds once did not fit (ngx_parse_time).
func ParseMsec(s string) (int64, bool) { return parseTime(s, false) }

// ParseSec reads a time as seconds: "1y6M", "1d12h", "90". Milliseconds are not allowed (ngx_parse_time).
func ParseSec(s string) (int64, bool) { return parseTime(s, true) }

func parseTime(s string, inSeconds bool) (int64, bool) {
	total, last, digits := int64(0), -1, false
	if !inSeconds {
		last = yearUnit + 1
	}
	for s != "" {
		n := len(s) - len(strings.TrimLeft(s, "0123456789"))
		digits = digits || n > 0
		number, rest := s[:n], s[n:]

		unit, after := cutTimeUnit(rest)
		if rest != "" && (unit < 0 || unit <= last || inSeconds && unit == msUnit || last >= secondUnit && unit == bareUnit) {
			return 0, false
		}
		v, ok := scaleTime(number, timeUnits[unit].ms, inSeconds)
		if !ok || total > math.MaxInt64-v {
			return 0, false
		}
		total, last = total+v, unit
		s = strings.TrimLeft(after, " ")
	}
	return total, digits
}

// cutTimeUnit finds the unit s begins with; a space or the end means seconds.
func cutTimeUnit(s string) (unit int, rest string) {
	switch {
	case s == "" || s[0] == ' ':
		return bareUnit, s
	case strings.HasPrefix(s, "ms"):
		return msUnit, s[2:]
	}
	for i := range msUnit {
		if s[0] == timeUnits[i].name[0] {
			return i, s[1:]
		}
	}
	return -1, s
}

// scaleTime turns a number of units into seconds or milliseconds. No digits are zero: nginx reads "h" so.
func scaleTime(number string, ms int64, inSeconds bool) (int64, bool) {
	if number == "" {
		return 0, true
	}
	v, ok := ParseInt(number)
	if inSeconds {
		ms /= second
	}
	if !ok || v > math.MaxInt64/ms {
		return 0, false
	}
	return v * ms, true
}
