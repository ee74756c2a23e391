// Command bench measures what Catalpa's requests cost. It starts the server it is
// given on a data directory of its own, beside a bare net/http handler that
// answers the same bytes after checking a token, drives both with the same load
// generator in one run, and prints rates, latencies, CPU per operation and
// ratios.
//
//	go run ./bench -server bin/catalpa -tables 5000 -seconds 5s
//	go run ./bench -server bin/catalpa -signon
//	go run ./bench -server bin/catalpa -rights
//	go run ./bench -server bin/catalpa -trees 20000
//	go run ./bench -server bin/catalpa -large 10000
//	go run ./bench -server bin/catalpa -search 100000
//
// What is judged by processor time hardly depends on what else the machine does;
// what is judged by the clock does, so -signon and -rights print how much of the
// machine they get. Figures of two runs on different machines cannot be compared;
// the ratios of one run can.
package main
