package detect

import "bytes"

// isMemcached sees a command line of the text protocol, or a request's header of the binary one (memcached,
// doc/protocol.txt and doc/protocol-binary.txt).
func isMemcached(first []byte) Verdict {
	if len(first) > 0 && first[0] == 0x80 {
		return isMemcachedBinary(first)
	}
	if len(first) > 0 && (first[0] < 'a' || first[0] > 'z') {
		return No
	}
	end, more := lineEnd(first, maxMemcachedLine)
	word := first
	if end >= 0 {
		word = trimCR(first[:end])
	}
	name, arguments, cut := bytes.Cut(word, []byte(" "))
	if !cut && end < 0 {
		name = bytes.TrimSuffix(name, []byte("\r"))
		return waitIf(beginsMemcachedCommand(name) && more)
	}
	form, ok := memcachedCommand(name)
	switch {
	case !ok:
		return No
	case end < 0:
		return waitIf(more)
	case !form.fits(arguments):
		return No
	}
	return Yes
}

// maxMemcachedLine is what a line may have at most before memcached itself gives up.
const maxMemcachedLine = 2048

func waitIf(more bool) Verdict {
	if more {
		return NeedMore(1)
	}
	return No
}

// memcachedForm says what follows a command: between min and max words, the numbers'th and those behind it numbers.
type memcachedForm struct {
	name              string
	min, max, numbers int
}

const many = 1 << 10

var memcachedCommands = [...]memcachedForm{
	{"get", 1, many, many}, {"gets", 1, many, many}, {"gat", 2, many, many}, {"gats", 2, many, many},
	{"set", 4, 5, 1}, {"add", 4, 5, 1}, {"replace", 4, 5, 1}, {"append", 4, 5, 1}, {"prepend", 4, 5, 1}, {"cas", 5, 6, 1},
	{"delete", 1, 3, many}, {"incr", 2, 3, many}, {"decr", 2, 3, many}, {"touch", 2, 3, many},
	{"mg", 1, many, many}, {"ms", 2, many, many}, {"md", 1, many, many}, {"ma", 1, many, many}, {"me", 1, many, many},
	{"mn", 0, 0, many}, {"stats", 0, many, many}, {"version", 0, 0, many}, {"verbosity", 1, 2, many},
	{"flush_all", 0, 2, many}, {"quit", 0, 0, many},
}

func memcachedCommand(name []byte) (memcachedForm, bool) {
	for _, form := range memcachedCommands {
		if form.name == string(name) {
			return form, true
		}
	}
	return memcachedForm{}, false
}

func beginsMemcachedCommand(name []byte) bool {
	for _, form := range memcachedCommands {
		if len(name) <= len(form.name) && form.name[:len(name)] == string(name) {
			return true
		}
	}
	return false
}

func (f memcachedForm) fits(arguments []byte) bool {
	n := 0
	for word := range bytes.SplitSeq(arguments, []byte(" ")) {
		switch {
		case len(word) == 0:
			continue
		case n >= f.numbers && n < f.numbers+3 && !isNumber(word):
			return false
		}
		n++
	}
	return f.min <= n && n <= f.max
}

func isNumber(word []byte) bool {
	for i, c := range word {
		if (c < '0' || c > '9') && (i > 0 || c != '-' || len(word) == 1) {
			return false
		}
	}
	return len(word) > 0
}

// isMemcachedBinary checks a request's header against itself.
func isMemcachedBinary(first []byte) Verdict {
	const (
		highestOpcode = 0x4f
		maxKey        = 250
		maxExtras     = 32
		maxBody       = 128 << 20
	)
	if len(first) > 1 && first[1] > highestOpcode || len(first) > 4 && first[4] > maxExtras || isNot(first, 5, 0) {
		return No
	}
	if len(first) >= 4 && uint16At(first, 2) > maxKey {
		return No
	}
	if len(first) >= 12 {
		body := uint32At(first, 8)
		if body > maxBody || body < uint32(uint16At(first, 2))+uint32(first[4]) {
			return No
		}
	}
	return atLeast(first, 12)
}
