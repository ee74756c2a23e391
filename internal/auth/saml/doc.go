// Package saml signs people in at an identity provider that speaks SAML 2.0: this
// server is the service provider, starts every sign-in itself (Web Browser SSO
// profile, request by redirect, response by POST) and is an auth.RedirectProvider.
//
// A response is believed only as far as a signature covers it. The document is read
// once, strictly: no document types, comments or processing instructions, bounded in
// size and depth, one assertion at the one place where it belongs, signatures only
// where SAML puts them, every id once. What is read out of it are the bytes that the
// signature was computed over, never the document that came along with them. Keys
// come from the configuration, never from the document.
//
// It may import auth, entity and the standard library besides crewjam/saml (types),
// goxmldsig, etree and xml-roundtrip-validator.
package saml
