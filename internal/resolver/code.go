package resolver

import (
	"errors"
	"fmt"
)

// Code is why a lookup failed: a DNS response code or TimedOut. It is printed by nginx as "(3: Host not found)".
type Code int

// The codes (ngx_resolver.h).
const (
	FormatError   Code = 1
	ServerFailure Code = 2
	NotFound      Code = 3
	Unimplemented Code = 4
	Refused       Code = 5
	TimedOut      Code = 110 // ETIMEDOUT
	// Closed is given to lookups that the resolver's Close ends.
	Closed Code = 125 // ECANCELED
)

// Error is nginx's text for the code (ngx_resolver_strerror).
func (c Code) Error() string {
	switch c {
	case FormatError:
		return "Format error"
	case ServerFailure:
		return "Server failure"
	case NotFound:
		return "Host not found"
	case Unimplemented:
		return "Unimplemented"
	case Refused:
		return "Operation refused"
	case TimedOut:
		return "Operation timed out"
	}
	return "Unknown error"
}

// NotResolved is what logs say of a name whose lookup failed.
func NotResolved(name string, err error) string {
	var code Code
	errors.As(err, &code)
	return fmt.Sprintf("%s could not be resolved (%d: %s)", name, int(code), err)
}
