package conf

import "strings"

// Value is a setting that may have been given or not. A block's values inherit with Or.
type Value[T any] struct {
	V     T
	Given bool
}

// Or is v if given, else outer if given, else the default: nginx's ngx_conf_merge_*_value.
func (v Value[T]) Or(outer Value[T], def T) Value[T] {
	switch {
	case v.Given:
		return v
	case outer.Given:
		return outer
	default:
		return Value[T]{V: def}
	}
}

// Slot makes a setter that reads one value, once: a second time "is duplicate". field finds the value's place from the
// scope; read is one of Node's readers, as (*Node).Size.
func Slot[T any](field func(s *Scope) *Value[T], read func(n *Node) (T, error)) Setter {
	return func(s *Scope, n *Node) error {
		f := field(s)
		if f.Given {
			return n.Duplicate()
		}
		v, err := read(n)
		if err != nil {
			return err
		}
		*f = Value[T]{V: v, Given: true}
		return nil
	}
}

// The readers below take the directive's first argument and word their errors as nginx's slots do.

// Str is the argument as it is.
func (n *Node) Str() (string, error) { return n.arg(), nil }

// Flag reads "on" or "off", in any case.
func (n *Node) Flag() (bool, error) {
	switch strings.ToLower(n.arg()) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, n.Errorf("invalid value \"%s\" in \"%s\" directive, it must be \"on\" or \"off\"", n.arg(), n.Name)
}

// Int reads an unsigned number.
func (n *Node) Int() (int64, error) { return n.read(ParseInt, "invalid number") }

// Size reads a number of bytes, or of bytes per second.
func (n *Node) Size() (int64, error) { return n.read(ParseSize, "invalid value") }

// Offset reads a number of bytes that may be in gigabytes.
func (n *Node) Offset() (int64, error) { return n.read(ParseOffset, "invalid value") }

// Msec reads a time in milliseconds.
func (n *Node) Msec() (int64, error) { return n.read(ParseMsec, "invalid value") }

// Sec reads a time in seconds.
func (n *Node) Sec() (int64, error) { return n.read(ParseSec, "invalid value") }

func (n *Node) read(parse func(string) (int64, bool), complaint string) (int64, error) {
	v, ok := parse(n.arg())
	if !ok {
		return 0, n.Directivef("%s", complaint)
	}
	return v, nil
}

// Bufs is what "8 16k" says: how many buffers of how many bytes.
type Bufs struct {
	Num  int64
	Size int64
}

// Bufs reads two arguments, neither of them zero.
func (n *Node) Bufs() (Bufs, error) {
	if len(n.Args) < 2 {
		return Bufs{}, n.Directivef("invalid value")
	}
	num, ok := ParseInt(n.Args[0])
	size, ok2 := ParseSize(n.Args[1])
	if !ok || !ok2 || num == 0 || size == 0 {
		return Bufs{}, n.Directivef("invalid value")
	}
	return Bufs{Num: num, Size: size}, nil
}

// Enum is the words a directive may take, and what they mean.
type Enum[T any] []struct {
	Name  string
	Value T
}

// Lookup finds a word, in any case.
func (e Enum[T]) Lookup(word string) (v T, ok bool) {
	for _, item := range e {
		if strings.EqualFold(item.Name, word) {
			return item.Value, true
		}
	}
	return v, false
}

// Read is a reader for Slot: one of the words.
func (e Enum[T]) Read(n *Node) (T, error) {
	v, ok := e.Lookup(n.arg())
	if !ok {
		return v, n.InvalidValue(n.arg())
	}
	return v, nil
}

// Bits is an Enum of bits, of which a directive takes any number.
type Bits Enum[uint64]

// Read is a reader for Slot: all arguments or-ed.
func (b Bits) Read(n *Node) (uint64, error) {
	var all uint64
	for _, word := range n.Args {
		bit, ok := Enum[uint64](b).Lookup(word)
		if !ok {
			return 0, n.InvalidValue(word)
		}
		all |= bit
	}
	return all, nil
}

// Between is a reader that checks a number's bounds; high -1 is no upper bound (ngx_conf_check_num_bounds).
func Between(low, high int64) func(n *Node) (int64, error) {
	return func(n *Node) (int64, error) {
		v, err := n.Int()
		switch {
		case err != nil:
			return 0, err
		case high == -1 && v < low:
			return 0, n.Errorf("value must be equal to or greater than %d", low)
		case v < low || high != -1 && v > high:
			return 0, n.Errorf("value must be between %d and %d", low, high)
		}
		return v, nil
	}
}

// arg is the first argument, "" without one: arity has been checked before.
func (n *Node) arg() string {
	if len(n.Args) == 0 {
		return ""
	}
	return n.Args[0]
}
