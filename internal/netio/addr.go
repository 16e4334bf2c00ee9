package netio

import (
	"net/netip"
	"strings"
	"syscall"
	"unsafe"

	"github.com/weirproxy/weir/internal/resolver/addr"
	"golang.org/x/sys/unix"
)

// Addr is a socket address: an IP address and port, or the path of a unix socket ("@name" for an abstract one). The
// zero value is an unnamed unix socket, as most unix clients are.
type Addr = addr.Addr

// family is the address family that a socket to or for a needs.
func family(a *Addr) int {
	switch {
	case !a.AddrPort.IsValid():
		return unix.AF_UNIX
	case a.AddrPort.Addr().Is4():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// raw writes a into buf as the kernel wants it and returns the length in bytes.
func raw(a *Addr, buf *unix.RawSockaddrAny) uint32 {
	switch family(a) {
	case unix.AF_UNIX:
		return rawUnix(buf, a.Path)
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(buf))
		*sa = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap16(a.AddrPort.Port()), Addr: a.AddrPort.Addr().As4()}
		return unix.SizeofSockaddrInet4
	}
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(buf))
	*sa = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap16(a.AddrPort.Port()), Addr: a.AddrPort.Addr().As16()}
	return unix.SizeofSockaddrInet6
}

func rawUnix(buf *unix.RawSockaddrAny, path string) uint32 {
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(buf))
	*sa = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&sa.Path[0])), len(sa.Path)-1), path)
	if strings.HasPrefix(path, "@") {
		sa.Path[0] = 0
		return uint32(2 + n)
	}
	return uint32(2 + n + 1)
}

// fromRaw reads an address that the kernel wrote. IPv4-mapped IPv6 addresses stay IPv6, as nginx prints them.
func fromRaw(buf *unix.RawSockaddrAny, length uint32) Addr {
	switch buf.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(buf))
		return Addr{AddrPort: netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), swap16(sa.Port))}
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(buf))
		return Addr{AddrPort: netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), swap16(sa.Port))}
	}
	if length <= 2 {
		return Addr{}
	}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(buf))
	path := unsafe.Slice((*byte)(unsafe.Pointer(&sa.Path[0])), length-2)
	if path[0] == 0 {
		return Addr{Path: "@" + string(path[1:])}
	}
	return Addr{Path: unix.ByteSliceToString(path)}
}

// swap16 turns a port between host and network order.
func swap16(port uint16) uint16 { return port<<8 | port>>8 }

// LocalAddr is the address a socket is bound to.
func LocalAddr(fd int) Addr { return name(syscall.SYS_GETSOCKNAME, fd) }

// PeerAddr is the address a socket is connected to.
func PeerAddr(fd int) Addr { return name(syscall.SYS_GETPEERNAME, fd) }

func name(call uintptr, fd int) Addr {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	_, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return Addr{}
	}
	return fromRaw(&sa, size)
}
