package ngx

import (
	"github.com/weirproxy/weir/internal/conf"
)

func setBalancer(s *conf.Scope, n *conf.Node) error { return nil }
