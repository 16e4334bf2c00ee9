// Package logs holds the sinks of the error log and of access logs: files, stderr and syslog.
//
// A process has one Files. Every configuration generation takes what it needs from it, opens it before the
// generation is put to use, and releases it with its last session; a path that two generations name is one File
// with one descriptor:
//
//	files := logs.NewFiles()
//	gen := files.Generation()
//	target, err := gen.ErrorLog([]string{"logs/error.log", "info"}, fullPath)
//	access, err := gen.Writer("/var/log/access.log", logs.Buffering{Size: 64 << 10, Gzip: 1})
//	err = gen.Open()                    // open() "…" failed (13: Permission denied)
//	log := files.NewLog(target)
//	files.SetLog(log)                   // where sinks tell their own troubles
//	files.Start()                       // workers are about to run
//	…
//	log.Printf(logs.Warn, session, "client %s is odd", addr)
//	access.Write(line)
//	…
//	gen.Release()
//	files.Close(time.Second)            // the process ends
//
// The model: whoever writes copies its line into the sink's queue and goes on; it never waits for a disk or a
// socket. A goroutine that lives only while there is something to write takes all that has queued up and writes it
// at once, so a line is in its file microseconds later, and the order of a sink's lines is the order of the calls.
// A queue is bounded: what does not fit is dropped, counted, and told afterwards by one line. Before Start, and
// after Close, lines are written by the caller itself.
//
// What it does not do: it formats no access log (internal/stream/accesslog does), keeps no log in memory, and decides no
// inheritance: a configuration level without error_log uses its parent's *Log, one with error_log has its own.
package logs
