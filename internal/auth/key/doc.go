// Package key keeps the RSA keys that sign this server's own tokens: one current
// pair, and public keys that only verify what was signed earlier. They are made on
// first start, or brought by the operator as DER or PEM files.
//
// It imports auth/secret only.
package key
