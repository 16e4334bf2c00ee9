package accesslog

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// gzipBuffer is the buffer's size in bytes when gzip is asked for and no size is.
const gzipBuffer = 64 << 10

// maxBuffer bounds a buffer in bytes: there is one for each log, and a process without memory ends.
const maxBuffer = 1 << 30

// parameters reads what follows the format in an access_log.
func (l *accessLog) parameters(b *stream.Block, n *conf.Node) (logs.Buffering, error) {
	var buffering logs.Buffering
	for _, param := range n.Args[2:] {
		name, value, _ := strings.Cut(param, "=")
		var err error
		switch {
		case param == "gzip" || strings.HasPrefix(param, "gzip="):
			err = setGzip(&buffering, param, value)
		case strings.HasPrefix(param, "buffer="):
			err = setSize(&buffering, value)
		case strings.HasPrefix(param, "flush="):
			err = setFlush(&buffering, value)
		case name == "if" && param != name:
			l.filter, err = b.Template(value)
		default:
			err = n.InvalidParam(param)
		}
		if err != nil {
			return buffering, err
		}
	}
	if buffering.Flush > 0 && buffering.Size == 0 {
		return buffering, fmt.Errorf(`no buffer is defined for access_log "%s"`, n.Args[0])
	}
	return buffering, nil
}

func setSize(b *logs.Buffering, value string) error {
	size, ok := conf.ParseSize(value)
	if !ok || size == 0 {
		return fmt.Errorf(`invalid buffer size "%s"`, value)
	}
	if size > maxBuffer {
		return fmt.Errorf(`buffer size "%s" is more than 1g`, value)
	}
	b.Size = int(size)
	return nil
}

func setFlush(b *logs.Buffering, value string) error {
	flush, ok := conf.ParseMsec(value)
	if !ok || flush == 0 {
		return fmt.Errorf(`invalid flush time "%s"`, value)
	}
	b.Flush = time.Duration(flush) * time.Millisecond
	return nil
}

func setGzip(b *logs.Buffering, param, value string) error {
	if b.Size == 0 {
		b.Size = gzipBuffer
	}
	b.Gzip = 1
	if param == "gzip" {
		return nil
	}
	level, ok := conf.ParseInt(value)
	if !ok || level < 1 || level > 9 {
		return fmt.Errorf(`invalid compression level "%s"`, value)
	}
	b.Gzip = int(level)
	return nil
}

func setCache(c *config, _ *stream.Block, n *conf.Node) error {
	if c.files != nil {
		return n.Duplicate()
	}
	c.files = &openFiles{cache: logs.Cache{Inactive: 10 * time.Second, Valid: 60 * time.Second, MinUses: 1}}
	off := false
	for _, param := range n.Args {
		if param == "off" {
			off = true
			continue
		}
		if !c.files.parameter(param) {
			return n.Errorf(`invalid "open_log_file_cache" parameter "%s"`, param)
		}
	}
	switch {
	case off:
		c.files.cache = logs.Cache{}
	case c.files.cache.Max == 0:
		return n.Errorf(`"open_log_file_cache" must have "max" parameter`)
	}
	return nil
}

func (f *openFiles) parameter(param string) bool {
	name, value, _ := strings.Cut(param, "=")
	switch name {
	case "max":
		return setInt(&f.cache.Max, value)
	case "min_uses":
		return setInt(&f.cache.MinUses, value)
	case "inactive":
		return setSeconds(&f.cache.Inactive, value)
	case "valid":
		return setSeconds(&f.cache.Valid, value)
	}
	return false
}

func setInt(to *int, value string) bool {
	v, ok := conf.ParseInt(value)
	*to = int(v)
	return ok
}

func setSeconds(to *time.Duration, value string) bool {
	v, ok := conf.ParseSec(value)
	*to = time.Duration(v) * time.Second
	return ok
}
