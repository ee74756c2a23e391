// Package signontest signs people in to the built binary as they do: in headless
// Chromium, at real identity providers. These are npm's oidc-provider in Auth0's
// shape (provider.mjs), with both kinds of client and the unmodified Auth0 library
// for browsers in a client's application (clientapp/), and Keycloak (keycloak/) for
// OIDC, SAML and back-channel logout. Everything listens on 127.0.0.1.
//
// Its tests have the build tag signon, since they need Node, Chromium and Java:
//
//	make test-signon
//
// runs them with everything set up. By hand, CATALPA_BIN names the binary, CHROMIUM
// the browser and KEYCLOAK_HOME the unpacked Keycloak; SIGNON_SHOTS a directory for a
// screenshot of every page that was judged.
//
// Tests bear the ids of the attacks and faults they stage (T15, F06 ...).
//
// The package may import nothing of ours: it sees Catalpa from outside.
package signontest
