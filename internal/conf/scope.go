package conf

import "errors"

// Scope is a block being carried out.
type Scope struct {
	In     Context // one bit: the kind of this block
	Data   any     // whatever the block's owner keeps for it
	Table  *Table
	Parent *Scope // the block around; nil for a file's own level
}

// Root is the scope of a file's own level.
func (t *Table) Root(in Context, data any) *Scope {
	return &Scope{In: in, Data: data, Table: t}
}

// Enter is the scope of a block inside s.
func (s *Scope) Enter(in Context, data any) *Scope {
	return &Scope{In: in, Data: data, Table: s.Table, Parent: s}
}

// Walk carries out nodes in order and stops at the first error, which is always an *Error with a position.
func (s *Scope) Walk(nodes []*Node) error {
	for _, n := range nodes {
		if err := s.set(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scope) set(n *Node) error {
	if n.Name == "" && n.Err != nil {
		return n.Err
	}
	d, err := s.Table.find(n, s.In)
	if err != nil {
		return err
	}
	if err := d.check(n); err != nil {
		return err
	}
	if n.Err != nil {
		return n.Err
	}
	return n.positioned(d.Set(s, n))
}

// Each calls fn for the lines of a block that holds data, not directives: such a line has no block of its own. An
// error without a position gets the line's.
func Each(nodes []*Node, fn func(n *Node) error) error {
	for _, n := range nodes {
		if n.Name == "" && n.Err != nil {
			return n.Err
		}
		if n.HasBlock {
			return errorAt(n.Pos, "unexpected \"{\"")
		}
		if err := n.positioned(fn(n)); err != nil {
			return err
		}
	}
	return nil
}

// positioned puts the directive's position on an error that has none.
func (n *Node) positioned(err error) error {
	if err == nil {
		return nil
	}
	if placed, ok := errors.AsType[*Error](err); ok {
		return placed
	}
	return &Error{Pos: n.setPos(), Msg: err.Error(), Err: err}
}
