package stream

import "github.com/weirproxy/weir/internal/pcre"

// Regexp is a regular expression of the configuration. What its groups match is $1 to $9 afterwards, and named groups are
// variables.
type Regexp struct {
	re    *pcre.Regexp
	named []namedGroup
}

type namedGroup struct {
	v     *Var
	group int
}

// Regexp compiles a pattern and defines the variables that it names.
func (b *Builder) Regexp(pattern string, options pcre.Options) (*Regexp, error) {
	re, err := pcre.Compile(pattern, options)
	if err != nil {
		return nil, err
	}
	x := &Regexp{re: re}
	for _, name := range re.Names() {
		v, err := b.Define(Variable{Name: name.Name, Get: notMatched, Changeable: true})
		if err != nil {
			return nil, err
		}
		x.named = append(x.named, namedGroup{v, name.Group})
	}
	return x, nil
}

func notMatched(_ *Session, _ *Var, dst []byte) ([]byte, bool) { return dst, false }

// String is the pattern.
func (x *Regexp) String() string { return x.re.String() }

// Match matches, and keeps what the groups matched in the session.
func (x *Regexp) Match(s *Session, text []byte) (bool, error) {
	var room [64]int
	offsets := room[:]
	if need := 2 * (x.re.Groups() + 1); need <= len(room) {
		offsets = offsets[:need]
	} else {
		offsets = make([]int, need)
	}
	n, err := x.re.MatchBytes(text, offsets)
	if n == 0 {
		return false, err
	}
	if x.re.Groups() == 0 {
		return true, nil
	}
	s.SetCaptures(string(text), offsets)
	for _, name := range x.named {
		value := ""
		if from := offsets[2*name.group]; from >= 0 {
			value = string(text[from:offsets[2*name.group+1]])
		}
		s.Set(name.v, value)
	}
	return true, nil
}
