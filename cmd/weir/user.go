package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/weirproxy/weir/internal/conf"
)

// account is whom the process becomes after binding (user directive).
type account struct {
	name     string
	uid, gid int
	groups   []int
}

func (a *account) equal(b *account) bool {
	return a == b || a != nil && b != nil && a.uid == b.uid && a.gid == b.gid
}

func setUser(c *settings, n *conf.Node) error {
	if c.user != nil {
		return n.Duplicate()
	}
	if os.Geteuid() != 0 {
		if !c.loading.dropped {
			c.loading.warn(n, `the "user" directive makes sense only if weir is started with super-user privileges, ignored`)
			return nil
		}
	}
	a, err := lookUp(n)
	if err != nil {
		return err
	}
	c.user = a
	return nil
}

func lookUp(n *conf.Node) (*account, error) {
	found, err := user.Lookup(n.Args[0])
	if err != nil {
		return nil, n.Errorf(`getpwnam("%s") failed`, n.Args[0])
	}
	group := n.Args[len(n.Args)-1]
	foundGroup, err := user.LookupGroup(group)
	if err != nil {
		return nil, n.Errorf(`getgrnam("%s") failed`, group)
	}
	a := &account{name: n.Args[0]}
	if a.uid, err = strconv.Atoi(found.Uid); err != nil {
		return nil, n.Errorf("%s", err)
	}
	if a.gid, err = strconv.Atoi(foundGroup.Gid); err != nil {
		return nil, n.Errorf("%s", err)
	}
	ids, err := found.GroupIds()
	if err != nil {
		return nil, n.Errorf(`getgrouplist("%s") failed`, n.Args[0])
	}
	a.groups = []int{a.gid}
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil && gid != a.gid {
			a.groups = append(a.groups, gid)
		}
	}
	return a, nil
}

// become changes the user of all threads: with cgo, the calls of package syscall are the C library's, which does so.
func (a *account) become() error {
	if err := syscall.Setgroups(a.groups); err != nil {
		return fmt.Errorf("initgroups(%s, %d) failed: %w", a.name, a.gid, err)
	}
	if err := syscall.Setgid(a.gid); err != nil {
		return fmt.Errorf("setgid(%d) failed: %w", a.gid, err)
	}
	if err := syscall.Setuid(a.uid); err != nil {
		return fmt.Errorf("setuid(%d) failed: %w", a.uid, err)
	}
	return nil
}
