package auth

import (
	"context"
	"crypto"
	"time"
)

// Trust is what ID tokens of one identity provider are judged by (OpenID Connect
// Core 1.0 §3.1.3.7).
type Trust struct {
	Issuer     string   // exact
	Audiences  []string // one of them must be in aud
	Party      string   // azp demanded of a token with several audiences, and accepted with one
	Algorithms []string // RS, PS and ES with 256, 384 or 512
	// AccessTokens accepts typ at+jwt: the audiences name an API, not a client.
	AccessTokens bool
	// Key finds the verification key of a token's kid ("" for none) and alg. Its
	// errors are refusals: CodeKeyID, CodeJWKSDown, CodeJWKSBad.
	Key  func(ctx context.Context, kid, alg string) (crypto.PublicKey, error)
	Skew time.Duration // clocks may differ by this
}

// Expectation is what an ID token must fit besides its Trust.
type Expectation struct {
	Nonce       string        // must be in the token; "" for none sent
	AccessToken string        // checked against at_hash when both are there
	MaxAge      time.Duration // auth_time may lie back this far; 0 for no limit
	Subject     string        // must be the sub, "" for any: a renewed token keeps it
}

// IDToken is a verified ID token.
type IDToken struct {
	Identity Identity
	IssuedAt time.Time
	Expires  time.Time
	Session  string // sid
}
