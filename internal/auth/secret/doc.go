// Package secret keeps what must not lie about in clear: a master key in the
// data directory and a Sealer that encrypts small texts with it, such as the
// connection secrets of services. It also creates private files so that two
// processes which start at once agree on one content.
//
// It imports nothing of ours but entity.
package secret
