// Package authtest holds identity providers for tests: BadProvider, every
// misbehaviour of which is a switch and which mints any token, and GoodProvider,
// the independent implementation of another project. Both listen on loopback.
//
// Only tests import it. It must not import package auth, whose own tests use it.
package authtest
