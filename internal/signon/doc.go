// Package signon turns settings into the way people sign in. It merges what an
// administrator saved over the file and the environment, checks the whole, builds
// the provider that auth works with, and follows changes that other processes save.
//
// A change that could lock everybody out needs a test login with the same values or
// an explicit word; earlier settings are kept, so that one command brings them back.
//
// It may import config, outbound, store, entity, auth and the providers below auth.
package signon
