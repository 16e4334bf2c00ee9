package stream

import (
	"strings"

	"github.com/weirproxy/weir/internal/logs"
)

// Variable defines a variable that configurations name $name.
type Variable struct {
	Name string
	// Prefix makes the definition one for all names that begin with Name; Var.Name is the one that was asked for.
	Prefix bool
	// Get appends the value for a session to dst. found is false when the session has no such value; then nothing
	// was appended.
	Get func(s *Session, v *Var, dst []byte) (value []byte, found bool)
	// Cached keeps a session's first value for its rest.
	Cached bool
	// Changeable lets several directives define the variable, and Set change it.
	Changeable bool
	// Data is for Get.
	Data any
}

// Var is a variable as one generation's configuration uses it.
type Var struct {
	Name string
	*Variable
	index int // in Session.values; -1: nothing is kept
}

// value is what a session keeps of a variable.
type value struct {
	text  string
	state valueState
}

type valueState uint8

const (
	unknown  valueState = iota
	found               // by the first evaluation
	notFound            // likewise
	assigned            // by Set
	evaluating
)

// Append appends the value of v to dst. found is false when the session has no such value.
func (s *Session) Append(dst []byte, v *Var) (text []byte, ok bool) {
	if v.index < 0 {
		return v.Get(s, v, dst)
	}
	kept := s.value(v)
	switch kept.state {
	case found, assigned:
		return append(dst, kept.text...), true
	case notFound:
		return dst, false
	case evaluating:
		s.Log(logs.Error, `cycle while evaluating variable "`+v.Name+`"`)
		return dst, false
	}
	kept.state = evaluating
	text, ok = v.Get(s, v, dst)
	kept = s.value(v)
	switch {
	case !ok && v.Cached:
		kept.state = notFound
	case v.Cached:
		*kept = value{text: string(text[len(dst):]), state: found}
	default:
		kept.state = unknown
	}
	return text, ok
}

// Value is the value of v as a string; "" when the session has none.
func (s *Session) Value(v *Var) (text string, ok bool) {
	if v.index >= 0 {
		if kept := s.value(v); kept.state == found || kept.state == assigned {
			return kept.text, true
		}
	}
	buf, ok := s.Append(s.Worker.LendText(), v)
	text = string(buf)
	s.Worker.KeepText(buf)
	return text, ok
}

// Set gives v a value for the rest of the session. The variable is Changeable.
func (s *Session) Set(v *Var, text string) {
	*s.value(v) = value{text: text, state: assigned}
}

// forgetEvaluated has variables evaluated anew; those that were Set stay.
func (s *Session) forgetEvaluated() {
	for i := range s.values {
		if s.values[i].state != assigned {
			s.values[i] = value{}
		}
	}
}

// Unset takes back what Set or a first evaluation has left.
func (s *Session) Unset(v *Var) {
	if v.index >= 0 {
		*s.value(v) = value{}
	}
}

func (s *Session) value(v *Var) *value {
	if len(s.values) == 0 {
		n := s.Server.config.cached
		if cap(s.values) < n {
			s.values = make([]value, n)
		}
		s.values = s.values[:n]
	}
	return &s.values[v.index]
}

// Var is the variable of that name, whatever its case; nil when there is none.
func (c *Config) Var(name string) *Var {
	if v := c.vars[name]; v != nil {
		return v
	}
	name = strings.ToLower(name)
	if v := c.vars[name]; v != nil {
		return v
	}
	if def := c.prefixOf(name); def != nil {
		return &Var{Name: name, Variable: def, index: -1}
	}
	return nil
}

// prefixOf is the definition for names of which the longest part is at the beginning of this one.
func (c *Config) prefixOf(name string) (longest *Variable) {
	for _, def := range c.prefix {
		if strings.HasPrefix(name, def.Name) && (longest == nil || len(def.Name) > len(longest.Name)) {
			longest = def
		}
	}
	return longest
}
