package handoff

import (
	"encoding/binary"
	"slices"
	"strings"
)

// TLV types (proxy-protocol.txt §2.2.7); those from 0xE0 on are for applications.
const (
	typeALPN     = 0x01
	typeSNI      = 0x02 // PP2_TYPE_AUTHORITY
	typeUniqueID = 0x05
	typeProtocol = 0xE0
	typeMeta     = 0xE1 // "name=value"; as many as there are
)

// maxUniqueID is proxy-protocol.txt §2.2.5.
const maxUniqueID = 128

func (d *Metadata) append(dst []byte) ([]byte, error) {
	for _, tlv := range []struct {
		kind byte
		text string
		most int
	}{
		{typeSNI, d.SNI, MaxHeader},
		{typeALPN, d.ALPN, MaxHeader},
		{typeUniqueID, d.UniqueID, maxUniqueID},
		{typeProtocol, d.Protocol, MaxHeader},
	} {
		if len(tlv.text) > tlv.most {
			return dst, ErrTooLarge
		}
		if tlv.text != "" {
			dst = appendTLV(dst, tlv.kind, tlv.text)
		}
	}
	names := make([]string, 0, 8)
	for name := range d.Meta {
		if name == "" || strings.Contains(name, "=") {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		dst = appendTLV(dst, typeMeta, name, "=", d.Meta[name])
	}
	return dst, nil
}

// appendTLV appends one. A value that is too long makes the whole header too long, which Append finds.
func appendTLV(dst []byte, kind byte, value ...string) []byte {
	dst = append(dst, kind, 0, 0)
	begin := len(dst)
	for _, part := range value {
		dst = append(dst, part...)
	}
	binary.BigEndian.PutUint16(dst[begin-2:], uint16(len(dst)-begin))
	return dst
}

// parse reads TLVs to the end. Types that are not known are skipped.
func (d *Metadata) parse(data []byte) bool {
	for len(data) > 0 {
		if len(data) < 3 {
			return false
		}
		kind, size := data[0], 3+int(binary.BigEndian.Uint16(data[1:]))
		if size > len(data) {
			return false
		}
		d.take(kind, string(data[3:size]))
		data = data[size:]
	}
	return true
}

func (d *Metadata) take(kind byte, value string) {
	switch kind {
	case typeSNI:
		d.SNI = value
	case typeALPN:
		d.ALPN = value
	case typeUniqueID:
		d.UniqueID = value
	case typeProtocol:
		d.Protocol = value
	case typeMeta:
		name, text, ok := strings.Cut(value, "=")
		if !ok || name == "" {
			return
		}
		if d.Meta == nil {
			d.Meta = map[string]string{}
		}
		d.Meta[name] = text
	}
}
