package logs

import (
	"container/list"
	"time"
)

// A fileCache keeps log files open by path, the most recently used in front (ngx_open_file_cache with `log` set). A
// path is remembered, without a descriptor, before it has been used often enough.
type fileCache struct {
	opts   Cache
	byPath map[string]*list.Element
	recent list.List // of *cachedFile
}

type cachedFile struct {
	path    string
	fd      int // -1 is closed
	uses    int
	used    time.Time
	checked time.Time // when path was last known to lead to fd
}

func (c *fileCache) init(opts Cache) {
	c.opts = opts
	c.byPath = map[string]*list.Element{}
}

// get returns the file at path, open. The caller gives it back with put.
func (c *fileCache) get(path []byte, now time.Time) (*cachedFile, error) {
	c.expire(now)
	f := c.lookup(path)
	f.uses++
	f.used = now
	if f.fd >= 0 && now.Sub(f.checked) >= c.opts.Valid {
		c.check(f, now)
	}
	if f.fd >= 0 {
		return f, nil
	}
	fd, err := openLog(f.path)
	if err != nil {
		c.remove(f.path)
		return nil, err
	}
	f.fd, f.checked = fd, now
	return f, nil
}

// put closes the file if it is not to stay open.
func (c *fileCache) put(f *cachedFile) {
	if c.opts.Max > 0 && f.uses >= c.opts.MinUses {
		return
	}
	f.close()
}

func (c *fileCache) lookup(path []byte) *cachedFile {
	if e := c.byPath[string(path)]; e != nil {
		c.recent.MoveToFront(e)
		return e.Value.(*cachedFile)
	}
	f := &cachedFile{path: string(path), fd: -1}
	if c.opts.Max == 0 {
		return f
	}
	if c.recent.Len() >= c.opts.Max {
		c.remove(c.recent.Back().Value.(*cachedFile).path)
	}
	c.byPath[f.path] = c.recent.PushFront(f)
	return f
}

func (c *fileCache) check(f *cachedFile, now time.Time) {
	if sameFile(f.fd, f.path) {
		f.checked = now
		return
	}
	f.close()
}

func (c *fileCache) expire(now time.Time) {
	for e := c.recent.Back(); e != nil; e = c.recent.Back() {
		f := e.Value.(*cachedFile)
		if now.Sub(f.used) < c.opts.Inactive {
			return
		}
		c.remove(f.path)
	}
}

func (c *fileCache) remove(path string) {
	e := c.byPath[path]
	if e == nil {
		return
	}
	delete(c.byPath, path)
	c.recent.Remove(e).(*cachedFile).close()
}

func (c *fileCache) clear() {
	for e := c.recent.Back(); e != nil; e = c.recent.Back() {
		c.remove(e.Value.(*cachedFile).path)
	}
}

func (f *cachedFile) close() {
	if f.fd >= 0 {
		closeQuietly(f.fd)
	}
	f.fd = -1
}
