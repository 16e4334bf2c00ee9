// Command bench compares weir with nginx, HAProxy and OpenResty on one machine.
//
// Every server runs alone on one core (CPU 0) with one worker, no logs and
// equal timeouts; the load generator and the echo backend share one thread on
// another core (CPU 1). What is printed is the CPU time that the server's
// processes used per operation, read from /proc before and after a time window,
// so that the figure does not depend on how fast the client is. Servers take turns,
// a fresh process each (A B C A B C …), and the median over the rounds counts.
//
//	go run ./bench                       all workloads, under four minutes
//	go run ./bench -only 'pingpong|bulk' some of them
//	go run ./bench -json out.json        every sample as well
//	OPENRESTY=/path/to/nginx go run ./bench
//
// A peer that is not installed is named in one line and left out. Bytes that
// come back are compared while the load runs; a wrong or missing one fails the
// run. All traffic stays on the loopback of a network namespace that the
// program makes for itself.
//
// A workload is one value of type workload in a file of its own, and a
// configuration template per kind of server in conf/; add it to the list in
// workloads.go.
//
// It does not measure latency, and it does not find a server's highest rate.
package main
