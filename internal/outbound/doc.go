// Package outbound makes the one HTTP client for everything this server fetches
// or sends on somebody's word: discovery documents, keys and tokens of identity
// providers, webhooks, connection tests. It keeps such words from reaching into
// the network the server stands in (server-side request forgery).
//
// It may import entity only.
package outbound
