package clienthello

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// AppendJA4 appends the JA4 fingerprint of a hello that came over TCP, as FoxIO's public description has it
// (github.com/FoxIO-LLC/ja4, technical_details/JA4.md): the version, whether a server name is there, how many
// ciphers and extensions, the first protocol; a hash of the ciphers; a hash of the extensions and signature algorithms.
func (h *Hello) AppendJA4(dst []byte) []byte {
	var ciphers, extensions [64]uint16
	sorted := withoutGREASE(ciphers[:0], h.Ciphers)
	types := withoutGREASE(extensions[:0], h.Extensions)

	dst = append(dst, 't')
	dst = append(dst, ja4Version(h.Highest())...)
	if h.HasServerName {
		dst = append(dst, 'd')
	} else {
		dst = append(dst, 'i')
	}
	dst = appendCount(dst, len(sorted))
	dst = appendCount(dst, len(types))
	dst = append(h.appendALPNLetters(dst), '_')

	var room [1024]byte
	slices.Sort(sorted)
	dst = append(appendHash(dst, appendCodes(room[:0], sorted)), '_')

	types = slices.DeleteFunc(types, func(kind uint16) bool { return kind == extServerName || kind == extALPN })
	slices.Sort(types)
	text := appendCodes(room[:0], types)
	if signatures := withoutGREASE(ciphers[:0], h.Signatures); len(types) > 0 && len(signatures) > 0 {
		text = appendCodes(append(text, '_'), signatures)
	}
	return appendHash(dst, text)
}

func withoutGREASE(dst []uint16, codes Codes) []uint16 {
	for i := range codes.Len() {
		if code := codes.At(i); !IsGREASE(code) {
			dst = append(dst, code)
		}
	}
	return dst
}

func ja4Version(version uint16) string {
	switch version {
	case TLS13:
		return "13"
	case TLS12:
		return "12"
	case TLS11:
		return "11"
	case TLS10:
		return "10"
	case SSL3:
		return "s3"
	case SSL2:
		return "s2"
	}
	return "00"
}

func appendCount(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendALPNLetters appends the first and last letter of the first protocol: of its name, or of its name in
// hexadecimal when either is not a letter or digit.
func (h *Hello) appendALPNLetters(dst []byte) []byte {
	if len(h.ALPN) == 0 {
		return append(dst, "00"...)
	}
	name := h.ALPN[1 : 1+int(h.ALPN[0])]
	first, last := name[0], name[len(name)-1]
	if isAlphanumeric(first) && isAlphanumeric(last) {
		return append(dst, first, last)
	}
	return append(dst, hexDigits[first>>4], hexDigits[last&0xf])
}

const hexDigits = "0123456789abcdef"

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// appendCodes appends codes as four hexadecimal digits each, with commas between.
func appendCodes(dst []byte, codes []uint16) []byte {
	for i, code := range codes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, hexDigits[code>>12], hexDigits[code>>8&0xf], hexDigits[code>>4&0xf], hexDigits[code&0xf])
	}
	return dst
}

// appendHash appends the first twelve digits of a text's SHA-256, zeros for no text.
func appendHash(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}
