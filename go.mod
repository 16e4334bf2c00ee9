module github.com/weirproxy/weir

go 1.26.8

require (
	github.com/gaissmai/bart v0.30.0
	github.com/miekg/dns v1.1.73
	golang.org/x/sys v0.49.0
)

require golang.org/x/net v0.57.0 // indirect
