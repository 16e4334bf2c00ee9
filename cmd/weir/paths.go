package main

import (
	"os"
	"strings"
)

// Where things are when the command line does not say otherwise: nginx's layout under a prefix of weir's own.
const (
	defaultPrefix   = "/usr/local/weir/"
	defaultConf     = "conf/nginx.conf"
	defaultErrorLog = "logs/error.log"
	defaultPid      = "logs/weir.pid"
)

// paths makes file names of the configuration absolute.
type paths struct {
	prefix string // ends in "/"
	conf   string // the configuration file
	folder string // its folder, ends in "/"
}

// newPaths follows nginx (ngx_process_options): -c and most names are relative to the prefix, includes and the like to
// the folder of the configuration file. A relative prefix is made absolute at once, as the working directory may change.
func newPaths(o *options) (paths, error) {
	prefix := o.prefix
	if !strings.HasPrefix(prefix, "/") {
		cwd, err := os.Getwd()
		if err != nil {
			return paths{}, err
		}
		prefix = strings.TrimSuffix(cwd, "/") + "/" + strings.TrimPrefix(prefix, "./")
	}
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	p := paths{prefix: prefix}
	p.conf = p.full(o.conf)
	p.folder = p.conf[:strings.LastIndexByte(p.conf, '/')+1]
	return p, nil
}

// full makes name absolute, relative to the prefix.
func (p paths) full(name string) string { return under(p.prefix, name) }

// beside makes name absolute, relative to the configuration file's folder.
func (p paths) beside(name string) string { return under(p.folder, name) }

func under(folder, name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return folder + name
}
