package clienthello

import "testing"

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"openssl13", "go", "openssl_three_records"} {
		first := captured(b, name)
		b.Run(name, func(b *testing.B) {
			var h Hello
			b.ReportAllocs()
			for b.Loop() {
				if more, err := h.Parse(first); more != 0 || err != nil {
					b.Fatal(more, err)
				}
			}
		})
	}
}

func BenchmarkCopyTo(b *testing.B) {
	var h, kept Hello
	h.Parse(captured(b, "go"))
	b.ReportAllocs()
	for b.Loop() {
		h.CopyTo(&kept)
	}
}

func BenchmarkJA4(b *testing.B) {
	var h Hello
	h.Parse(captured(b, "go"))
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		h.AppendJA4(buf[:0])
	}
}
