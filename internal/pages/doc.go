// Package pages holds the pages of signing in: templates, styles, scripts and the
// words of every failure. It knows how to write a page with its security headers,
// and nothing of tokens, users or the store.
//
// It may import the standard library only.
package pages
