package netio

import (
	"os"
	"syscall"
	"unsafe"
)

// An option is a socket option, and whether to set it.
type option struct {
	want               bool
	level, name, value int
}

// setOptions sets the options that are wanted, in their order, up to the first error.
func setOptions(fd int, options []option) error {
	for _, o := range options {
		if !o.want {
			continue
		}
		if err := setsockopt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

func setsockopt(fd, level, name, value int) error {
	v := int32(value)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
	if errno != 0 {
		return os.NewSyscallError("setsockopt", errno)
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
