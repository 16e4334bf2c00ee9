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

// Field is Slot for a value in the scope's Data, which is a *C.
func Field[C, T any](field func(c *C) *Value[T], read func(n *Node) (T, error)) Setter {
	return Slot(func(s *Scope) *Value[T] { return field(s.Data.(*C)) }, read)
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

func (n *Node) read(parse func(string) (int64, bool), complaint string) (int64, error) {
	v, ok := parse(n.arg())
	if !ok {
		return 0, n.Directivef("%s", complaint)
	}
	return v, nil
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

// arg is the first argument, "" without one: arity has been checked before.
func (n *Node) arg() string {
	if len(n.Args) == 0 {
		return ""
	}
	return n.Args[0]
}
