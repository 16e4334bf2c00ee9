// Package setvar is the set directive: it gives variables a value at the beginning of a session (ngx_stream_set_module).
package setvar

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the set module. It stands before limit_conn, so that limits may have its variables for a key.
var Module = &stream.Module{
	Name:       "set",
	Config:     slot.Decl(nil, nil),
	Directives: []conf.Directive{{Name: "set", In: conf.InServer, Args: conf.Take2, Set: slot.Set(addAssignment)}},
	Handlers:   []stream.PhaseHandler{{Phase: stream.Preaccess, Run: assign, Active: hasAssignments}},
}

var slot = stream.NewSlot[assignments]()

type assignments struct{ list []assignment }

type assignment struct {
	to    *stream.Var
	value *stream.Template
}

func addAssignment(a *assignments, b *stream.Block, n *conf.Node) error {
	name, err := stream.VarName(n.Args[0])
	if err != nil {
		return err
	}
	v, err := b.Define(stream.Variable{Name: name, Changeable: true})
	if err != nil {
		return err
	}
	if v.Get == nil {
		v.Variable.Get = empty // in servers that do not set it
	}
	value, err := b.Template(n.Args[1])
	if err != nil {
		return err
	}
	a.list = append(a.list, assignment{v, value})
	return nil
}

func empty(_ *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) { return dst, true }

func hasAssignments(s *stream.Server) bool { return len(slot.Of(s).list) > 0 }

func assign(s *stream.Session) stream.Result {
	for _, a := range slot.Of(s.Server).list {
		s.Set(a.to, a.value.Text(s))
	}
	return stream.Declined
}
