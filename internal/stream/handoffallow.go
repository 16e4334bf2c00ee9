package stream

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"golang.org/x/sys/unix"
)

// credentials is one handoff_allow: a process whose user and group are these; -1: any.
type credentials struct{ uid, gid int }

// setHandoffAllow reads `handoff_allow uid=… gid=…;`, names or numbers.
func setHandoffAllow(c *core, _ *Block, n *conf.Node) error {
	allowed := credentials{-1, -1}
	for _, arg := range n.Args {
		key, name, _ := strings.Cut(arg, "=")
		var to *int
		var lookup func(string) (string, error)
		switch key {
		case "uid":
			to, lookup = &allowed.uid, userID
		case "gid":
			to, lookup = &allowed.gid, groupID
		default:
			return n.InvalidParam(arg)
		}
		if *to >= 0 {
			return n.Errorf(`duplicate parameter "%s"`, arg)
		}
		id, err := lookup(name)
		if err != nil {
			return n.Errorf(`%s in "%s"`, err, arg)
		}
		if *to, err = strconv.Atoi(id); err != nil || *to < 0 {
			return n.InvalidParam(arg)
		}
	}
	c.allowed = append(c.allowed, allowed)
	return nil
}

func userID(name string) (string, error) {
	if _, err := strconv.Atoi(name); err == nil {
		return name, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", errors.New("unknown user")
	}
	return u.Uid, nil
}

func groupID(name string) (string, error) {
	if _, err := strconv.Atoi(name); err == nil {
		return name, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", errors.New("unknown group")
	}
	return g.Gid, nil
}

// allows tells whether a process may hand connections over to the server. Without handoff_allow that are root's and
// those of the user that this process runs as.
func (s *Server) allows(peer *unix.Ucred) bool {
	uid, gid := int(peer.Uid), int(peer.Gid)
	if s.allowed == nil {
		return uid == 0 || uid == os.Geteuid()
	}
	for _, a := range s.allowed {
		if (a.uid < 0 || a.uid == uid) && (a.gid < 0 || a.gid == gid) {
			return true
		}
	}
	return false
}
