// Package auth says who is calling: it verifies bearer tokens, issues the
// server's own ones (people, bots, personal access tokens), signs people in by
// password, refreshes and ends their sessions, and keeps an audit trail of it.
//
// Tokens are judged by trust profiles, chosen by the exact issuer before any key
// is looked up; this server's own tokens are one profile, each identity provider
// becomes another. Below it lie auth/key (signing keys), auth/secret (master key
// and sealing) and auth/password (hashes and rules).
//
// It may import entity and store. Users come through the interface Users, which
// the engine implements; the package knows neither HTTP nor policy.
package auth
