// Package oidc is the relying party of OpenID Connect: one implementation for
// Auth0, Google, Okta, Azure, Amazon Cognito and any other provider that follows
// the standard. It discovers the provider, keeps its keys, sends the browser there,
// exchanges codes and refresh tokens, and reads back-channel logouts.
//
// Differences between the kinds of provider are data in preset.go. ID tokens are
// judged by auth.Trust, the pipeline of every bearer token. The package imports
// auth and entity; its HTTP client is given (see package outbound).
package oidc
