// Package key keeps the RSA keys that sign this server's own tokens: the current
// pair, the one that follows it, and public keys that only verify what was signed
// earlier. They are made on first start, or brought by the operator as DER or PEM
// files. The ring's file may be changed by several processes; each notices what the
// others did within a second.
//
// It imports auth/secret only.
package key
