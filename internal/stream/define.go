package stream

import (
	"fmt"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
)

// Define adds a variable. One that is Changeable may be defined more than once; any other is a duplicate.
func (b *Builder) Define(def Variable) (*Var, error) {
	if def.Name == "" {
		return nil, fmt.Errorf(`invalid variable name "$"`)
	}
	def.Name = strings.ToLower(def.Name)
	if def.Prefix {
		b.Config.prefix = append(b.Config.prefix, &def)
		return nil, nil
	}
	v := b.use(def.Name)
	if v.Variable != nil {
		if !v.Changeable {
			return nil, fmt.Errorf(`the duplicate "%s" variable`, def.Name)
		}
		if def.Get == nil {
			return v, nil // takes another value by Set
		}
	}
	v.Variable = &def
	b.keep(v)
	return v, nil
}

// keep gives the variable a place among a session's values, if it needs one.
func (b *Builder) keep(v *Var) {
	if (v.Cached || v.Changeable) && v.index < 0 {
		v.index = b.Config.cached
		b.Config.cached++
	}
}

func (b *Builder) defineAll(list []Variable) error {
	for _, def := range list {
		if _, err := b.Define(def); err != nil {
			return err
		}
	}
	return nil
}

// use is the variable of that name, which may be defined later.
func (b *Builder) use(name string) *Var {
	name = strings.ToLower(name)
	v := b.Config.vars[name]
	if v == nil {
		v = &Var{Name: name, index: -1}
		b.Config.vars[name] = v
	}
	return v
}

// Var is the variable of that name, for a directive that names it; it may be defined later, and is an error in the
// end when it was not.
func (b *Builder) Var(name string) (*Var, error) {
	if name == "" {
		return nil, fmt.Errorf(`invalid variable name "$"`)
	}
	v := b.use(name)
	b.pending = append(b.pending, v)
	return v, nil
}

func (b *Builder) resolveVars() error {
	for _, v := range b.pending {
		if v.Variable != nil {
			continue
		}
		if v.Variable = b.Config.prefixOf(v.Name); v.Variable == nil {
			return &conf.Error{Msg: fmt.Sprintf(`unknown "%s" variable`, v.Name)}
		}
		b.keep(v)
	}
	for name, v := range b.Config.vars {
		if v.Variable == nil {
			delete(b.Config.vars, name)
		}
	}
	return nil
}

// VarName is the name in an argument that names a variable to be defined: "$name".
func VarName(arg string) (string, error) {
	name, ok := strings.CutPrefix(arg, "$")
	if !ok {
		return "", fmt.Errorf(`invalid variable name "%s"`, arg)
	}
	return name, nil
}

// TextVariable makes a setter of directives such as map, "name text $variable { … }": read makes of the block what says
// the variable's value for a text.
func TextVariable(read func(b *Block, n *conf.Node, text *Template) (Variable, error)) conf.Setter {
	return func(s *conf.Scope, n *conf.Node) error {
		b := In(s)
		text, err := b.Template(n.Args[0])
		if err != nil {
			return err
		}
		name, err := VarName(n.Args[1])
		if err != nil {
			return err
		}
		def, err := read(b, n, text)
		if err != nil {
			return err
		}
		def.Name, def.Changeable = name, true
		_, err = b.Define(def)
		return err
	}
}
