package proxyproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Types of TLVs.
const (
	TypeALPN      = 0x01
	TypeAuthority = 0x02
	TypeUniqueID  = 0x05
	TypeSSL       = 0x20
	TypeNetNS     = 0x30
)

// Types of the TLVs within that of TypeSSL.
const (
	TypeSSLVersion = 0x21
	TypeSSLCN      = 0x22
	TypeSSLCipher  = 0x23
	TypeSSLSigAlg  = 0x24
	TypeSSLKeyAlg  = 0x25
)

// sslFixed is the size of what stands before the TLVs within TypeSSL's: a byte of flags, and the verification's result.
const sslFixed = 5

var (
	// ErrNoTLV says that the header has no TLV of that type.
	ErrNoTLV = errors.New("no such PROXY protocol TLV")
	// ErrBrokenTLV says that lengths do not fit.
	ErrBrokenTLV = errors.New("broken PROXY protocol TLV")
)

// TLV is an addition to a header of version 2.
type TLV struct {
	Type  byte
	Value []byte
}

// AppendTLVs appends TLVs, as they stand in a header or in the value of TypeSSL. The only error is ErrTooLarge.
func AppendTLVs(buf []byte, tlvs ...TLV) ([]byte, error) {
	for _, t := range tlvs {
		if len(t.Value) > 0xffff {
			return buf, ErrTooLarge
		}
		buf = append(buf, t.Type)
		buf = binary.BigEndian.AppendUint16(buf, uint16(len(t.Value)))
		buf = append(buf, t.Value...)
	}
	return buf, nil
}

// Next cuts the first TLV off tlvs: `for len(rest) > 0 { t, rest, err = Next(rest) }`. The value aliases tlvs. The
// error is ErrBrokenTLV.
func Next(tlvs []byte) (t TLV, rest []byte, err error) {
	if len(tlvs) < 3 {
		return TLV{}, nil, ErrBrokenTLV
	}
	end := 3 + int(binary.BigEndian.Uint16(tlvs[1:]))
	if len(tlvs) < end {
		return TLV{}, nil, ErrBrokenTLV
	}
	return TLV{tlvs[0], tlvs[3:end]}, tlvs[end:], nil
}

// Lookup is the value of the first TLV of a type, which aliases tlvs. The error is ErrNoTLV or ErrBrokenTLV.
func Lookup(tlvs []byte, kind byte) ([]byte, error) {
	for len(tlvs) > 0 {
		t, rest, err := Next(tlvs)
		if err != nil {
			return nil, err
		}
		if t.Type == kind {
			return t.Value, nil
		}
		tlvs = rest
	}
	return nil, ErrNoTLV
}

// AppendNamed appends the value of the TLV that nginx calls $proxy_protocol_tlv_NAME: alpn, authority, unique_id, ssl,
// netns, 0x01 and so on; ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg, ssl_0x21 and so on, and ssl_verify,
// a number. The error is ErrNoTLV, or one that is worth a line in the log.
func (h *Header) AppendNamed(dst []byte, name string) ([]byte, error) {
	within, isSSL := strings.CutPrefix(name, "ssl_")
	if !isSSL {
		kind, err := typeOf(name, plainType)
		if err != nil {
			return dst, err
		}
		return appendFound(dst, h.TLVs, kind)
	}
	ssl, err := Lookup(h.TLVs, TypeSSL)
	if err != nil {
		return dst, err
	}
	if len(ssl) < sslFixed {
		return dst, ErrBrokenTLV
	}
	if within == "verify" {
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(ssl[1:])), 10), nil
	}
	kind, err := typeOf(within, sslType)
	if err != nil {
		return dst, err
	}
	return appendFound(dst, ssl[sslFixed:], kind)
}

func appendFound(dst, tlvs []byte, kind byte) ([]byte, error) {
	value, err := Lookup(tlvs, kind)
	return append(dst, value...), err
}

// typeOf is the type that name says as a number, or that known tells; 0 is none.
func typeOf(name string, known func(string) byte) (byte, error) {
	if digits, ok := strings.CutPrefix(name, "0x"); ok {
		kind, err := strconv.ParseUint(digits, 16, 8)
		if err != nil {
			return 0, fmt.Errorf(`invalid PROXY protocol TLV "%s"`, name)
		}
		return byte(kind), nil
	}
	if kind := known(name); kind != 0 {
		return kind, nil
	}
	return 0, fmt.Errorf(`unknown PROXY protocol TLV "%s"`, name)
}

func plainType(name string) byte {
	switch name {
	case "alpn":
		return TypeALPN
	case "authority":
		return TypeAuthority
	case "unique_id":
		return TypeUniqueID
	case "ssl":
		return TypeSSL
	case "netns":
		return TypeNetNS
	}
	return 0
}

func sslType(name string) byte {
	switch name {
	case "version":
		return TypeSSLVersion
	case "cn":
		return TypeSSLCN
	case "cipher":
		return TypeSSLCipher
	case "sig_alg":
		return TypeSSLSigAlg
	case "key_alg":
		return TypeSSLKeyAlg
	}
	return 0
}
