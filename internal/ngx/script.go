package ngx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// script is the code of one *_by_lua directive.
type script struct {
	chunk  string           // chunk name of inline code
	source []byte           // the code; of a file as it was when the configuration was read, nil when it was not
	number int              // among all of the configuration, from 0 on
	file   *stream.Template // of a *_by_lua_file
	path   string           // of file, where it has no variables
	prefix string           // what a file's name is relative to
}

// newScript makes the script of a directive; name is the directive's without _block or _file. chunk is its chunk
// name, "" for the one with file and line.
func newScript(b *stream.Block, n *conf.Node, name, chunk string) (*script, error) {
	main := slot.Stream(b.Builder)
	s := &script{prefix: b.Prefix, number: main.scripts}
	main.scripts++
	if chunk == "" {
		chunk = n.ChunkName(name)
	}
	s.chunk = chunk
	if n.IsCode {
		s.source = []byte(n.Code)
	} else {
		s.source = []byte(n.Args[0])
	}
	if len(s.source) == 0 && name != "init_worker_by_lua" && name != "balancer_by_lua" {
		return nil, n.Errorf("invalid server config: no runnable Lua code")
	}
	if n.Name == name+"_file" {
		template, err := b.Template(n.Args[0])
		if err != nil {
			return nil, err
		}
		s.file, s.source = template, nil
		if template.IsConstant() {
			s.path = s.rebase(template.Source())
		}
	}
	if b.CodeErrors == stream.CodeIgnored {
		return s, nil
	}
	if err := s.check(); err != nil {
		if b.CodeErrors != stream.CodeWarns {
			return nil, n.Errorf("%s", err)
		}
		b.Warn(n, err.Error())
	}
	return s, nil
}

// check compiles the script, of which its source alone is kept.
func (s *script) check() error {
	if s.file == nil {
		return luajit.Check(s.chunk, s.source)
	}
	if s.path == "" {
		return nil
	}
	source, err := readFile(s.path)
	if err == nil {
		err = luajit.Check("@"+s.path, source)
	}
	if err != nil {
		return err
	}
	s.source = source
	return nil
}

// rebase makes a file's name absolute (ngx_stream_lua_rebase_path).
func (s *script) rebase(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return s.prefix + path
}

// chunkOf is the compiled script for a session (nil: for none).
func (m *machine) chunkOf(s *script, session *stream.Session) (*luajit.Chunk, error) {
	if s.file != nil {
		return m.fileChunk(s.filePath(session), s.source)
	}
	if chunk := m.inline[s.number]; chunk != nil {
		return chunk, nil
	}
	chunk, err := m.vm.Load(s.chunk, s.source)
	m.inline[s.number] = chunk
	return chunk, err
}

// filePath is the name of the script's file for a session.
func (s *script) filePath(session *stream.Session) string {
	if s.path != "" {
		return s.path
	}
	return s.rebase(s.file.Text(session))
}

// fileChunk is the compiled code of a file, which all scripts that name it share. source is what is in it, nil where
// that was not read with the configuration; it is read anew for a machine that caches no code.
func (m *machine) fileChunk(path string, source []byte) (*luajit.Chunk, error) {
	if chunk := m.files[path]; chunk != nil {
		return chunk, nil
	}
	if source == nil || m.session {
		var err error
		if source, err = readFile(path); err != nil {
			return nil, err
		}
	}
	chunk, err := m.vm.Load("@"+path, source)
	if err != nil {
		return nil, err
	}
	m.files[path] = chunk
	return chunk, nil
}

// readFile reads Lua code; the error is luaL_loadfile's message.
func readFile(path string) ([]byte, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(openError(path, err))
	}
	return skipShebang(source), nil
}

// openError is the message of luaL_loadfile.
func openError(path string, err error) string {
	var failed *fs.PathError
	var errno syscall.Errno
	if errors.As(err, &failed) && errors.As(failed.Err, &errno) {
		return "cannot open " + path + ": " + logs.Strerror(errno)
	}
	return "cannot open " + path
}

// skipShebang blanks a first line that begins with "#", as luaL_loadfile does.
func skipShebang(source []byte) []byte {
	if len(source) == 0 || source[0] != '#' {
		return source
	}
	for i, b := range source {
		if b == '\n' {
			return source[i:]
		}
	}
	return source[:0]
}

// code is the chunk for a request's phase; when there is none, that is logged as ngx_stream_lua_cache.c does.
func (r *request) code(s *script) *luajit.Chunk {
	chunk, err := r.m.chunkOf(s, r.session)
	if err == nil {
		return chunk
	}
	if s.file != nil {
		r.log(logs.Error, `failed to load external Lua file "`+s.filePath(r.session)+`": `+err.Error())
	} else {
		r.log(logs.Error, "failed to load inlined Lua code: "+err.Error())
	}
	return nil
}
