package stream

// CodeErrors says what becomes of Lua code that does not compile while a configuration is read.
type CodeErrors int

const (
	// CodeWarns tells of it and goes on: the session that needs the code fails, as in OpenResty (a start).
	CodeWarns CodeErrors = iota
	// CodeFails makes it an error of the configuration (-t, a reload).
	CodeFails
	// CodeIgnored does not look (-s).
	CodeIgnored
)
