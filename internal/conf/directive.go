package conf

// Context is a set of the kinds of block a directive may stand in.
type Context uint32

// The blocks of a stream configuration. Owners of other blocks take bits from InOther upward.
const (
	InMain     Context = 1 << iota // outside of all blocks
	InEvents                       // events {}
	InStream                       // stream {}
	InServer                       // server {} of stream
	InUpstream                     // upstream {}

	InOther Context = 1 << 8
	InAny   Context = 1<<32 - 1
)

// Arity is what a directive takes: alternatives for the number of arguments, and what ends it.
type Arity uint32

// Numbers of arguments, to be or-ed. Flag is one argument, "on" or "off" (the setter checks it, with Node.Flag).
const (
	NoArgs Arity = 1 << iota
	Take1
	Take2
	Take3
	Take4
	Take5
	Take6
	Take7
	Flag
	Any
	OneMore // one or more
	TwoMore // two or more
	Block   // "{" instead of ";"
	Code    // "{" and Lua: a *_by_lua_block

	Take12   = Take1 | Take2
	Take13   = Take1 | Take3
	Take23   = Take2 | Take3
	Take123  = Take12 | Take3
	Take1234 = Take123 | Take4
)

// accepts tells whether n arguments are allowed, with ngx_conf_handler's precedence.
func (a Arity) accepts(n int) bool {
	switch {
	case a&Any != 0:
		return true
	case a&Flag != 0:
		return n == 1
	case a&OneMore != 0:
		return n >= 1
	case a&TwoMore != 0:
		return n >= 2
	default:
		return n <= 7 && a&(NoArgs<<n) != 0
	}
}

// Setter carries a directive out. An error that has no position gets the directive's.
type Setter func(s *Scope, n *Node) error

// Directive is one entry of a module's table. Several may share a name if their contexts differ.
type Directive struct {
	Name string
	In   Context
	Args Arity
	Set  Setter
}

// check tells nginx's objection to how n is written, or nil.
func (d *Directive) check(n *Node) *Error {
	if d.Args&(Block|Code) == 0 && n.HasBlock {
		return errorAt(n.Pos, "directive \"%s\" is not terminated by \";\"", n.Name)
	}
	if d.Args&(Block|Code) != 0 && !n.HasBlock {
		return errorAt(n.Pos, "directive \"%s\" has no opening \"{\"", n.Name)
	}
	if !d.Args.accepts(len(n.Args)) {
		return errorAt(n.Pos, "invalid number of arguments in \"%s\" directive", n.Name)
	}
	return nil
}

// Table is all directives that are known, by name. It is not changed once walking has begun.
type Table struct {
	byName map[string][]Directive
}

// NewTable makes a table of the modules' lists. Of two directives with one name and context, the first counts.
func NewTable(modules ...[]Directive) *Table {
	t := &Table{byName: map[string][]Directive{}}
	for _, m := range modules {
		t.Add(m...)
	}
	return t
}

// Add puts more directives behind those that are there.
func (t *Table) Add(directives ...Directive) {
	for _, d := range directives {
		t.byName[d.Name] = append(t.byName[d.Name], d)
	}
}

// find picks n's directive by context.
func (t *Table) find(n *Node, in Context) (*Directive, *Error) {
	same := t.byName[n.Name]
	for i := range same {
		if same[i].In&in != 0 {
			return &same[i], nil
		}
	}
	if len(same) > 0 {
		return nil, errorAt(n.Pos, "\"%s\" directive is not allowed here", n.Name)
	}
	return nil, errorAt(n.Pos, "unknown directive \"%s\"", n.Name)
}
