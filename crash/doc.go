// Package crash proves that the server loses nothing: its tests kill the built
// binary while clients write, start it again on the same directory, and compare
// what it then serves with what it had acknowledged. It has no product code.
package crash
