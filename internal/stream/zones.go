package stream

import (
	"fmt"

	"github.com/weirproxy/weir/internal/conf"
)

// zone is a name for what workers share: shared memory in nginx (ngx_shared_memory_add).
type zone struct {
	name, use string
	size      int64
}

// Zone takes note of a zone that a directive names. use tells what for: a name has one use. size is in bytes, 0 where the
// directive gives none; another one must.
func (b *Builder) Zone(n *conf.Node, use, name string, size int64) error {
	for _, z := range b.zones {
		if z.name != name {
			continue
		}
		if z.use != use {
			return n.Errorf(`the shared memory zone "%s" is already declared for a different use`, name)
		}
		if size > 0 && z.size > 0 && size != z.size {
			return n.Errorf(`the size %d of shared memory zone "%s" conflicts with already declared size %d`, size, name, z.size)
		}
		z.size = max(z.size, size)
		return nil
	}
	b.zones = append(b.zones, &zone{name, use, size})
	return nil
}

// checkZones tells of a zone that no directive gives a size.
func (b *Builder) checkZones() error {
	for _, z := range b.zones {
		if z.size == 0 {
			return &conf.Error{Msg: fmt.Sprintf(`zero size shared memory zone "%s"`, z.name)}
		}
	}
	return nil
}
