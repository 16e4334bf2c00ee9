package main

import (
	"bytes"
	"encoding/binary"
)

const messageSize = 64

// message is a line of 64 bytes that no other connection and no other turn of
// this connection sends.
type message [messageSize]byte

// next makes m the message number seq of connection id.
func (m *message) next(id, seq uint64) {
	hex16(m[0:16], id)
	hex16(m[16:32], seq)
	for i := 32; i < messageSize-1; i++ {
		m[i] = 'w'
	}
	m[messageSize-1] = '\n'
}

func hex16(dst []byte, v uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	for i, c := range b {
		dst[2*i] = "0123456789abcdef"[c>>4]
		dst[2*i+1] = "0123456789abcdef"[c&15]
	}
}

// continues reports whether b is what follows the first got bytes of m.
func (m *message) continues(got int, b []byte) bool {
	return got+len(b) <= messageSize && bytes.Equal(b, m[got:got+len(b)])
}
