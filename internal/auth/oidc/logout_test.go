package oidc

import (
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

func TestReadLogout(t *testing.T) {
	f := setup(t)
	now := f.clock.Now()
	type members = map[string]any
	for name, c := range map[string]struct {
		claims, header members
		code           string
	}{
		"good":                {nil, nil, ""},
		"sub only":            {members{"sid": nil}, nil, ""},
		"sid only":            {members{"sub": nil}, nil, ""},
		"no exp":              {members{"exp": nil}, nil, ""},
		"typ JWT":             {nil, members{"typ": "JWT"}, ""},
		"no typ":              {nil, members{"typ": nil}, ""},
		"neither sub nor sid": {members{"sub": nil, "sid": nil}, nil, auth.CodeFormat},
		"no jti":              {members{"jti": nil}, nil, auth.CodeFormat},
		"no iat":              {members{"iat": nil}, nil, auth.CodeFormat},
		"exp is text":         {members{"exp": "soon"}, nil, auth.CodeFormat},
		"nonce":               {members{"nonce": "n"}, nil, auth.CodeType},
		"no events":           {members{"events": nil}, nil, auth.CodeType},
		"another event":       {members{"events": members{"https://example.com/event": members{}}}, nil, auth.CodeType},
		"event is text":       {members{"events": members{authtest.LogoutEvent: "x"}}, nil, auth.CodeType},
		"typ of others":       {nil, members{"typ": "at+jwt"}, auth.CodeType},
		"foreign iss":         {members{"iss": "https://issuer.example"}, nil, auth.CodeIssuer},
		"foreign aud":         {members{"aud": "another"}, nil, auth.CodeAudience},
		"aud in a list":       {members{"aud": []string{"another", f.bad.ClientID}}, nil, ""},
		"aud is a number":     {members{"aud": 7}, nil, auth.CodeAudience},
		"expired":             {members{"exp": now.Add(-time.Minute).Unix()}, nil, auth.CodeExpired},
		"old, without exp":    {members{"exp": nil, "iat": now.Add(-time.Hour).Unix()}, nil, auth.CodeExpired},
		"from the future":     {members{"iat": now.Add(time.Hour).Unix()}, nil, auth.CodeSkew},
		"unknown key":         {nil, members{"kid": "never-published"}, auth.CodeKeyID},
		"alg none":            {nil, members{"alg": "none"}, auth.CodeAlgorithm},
		"crit":                {nil, members{"crit": []string{"b64"}, "b64": false}, auth.CodeSignature},
	} {
		t.Run(name, func(t *testing.T) {
			token := f.bad.LogoutToken(c.claims, c.header)
			issuer, subject, session, err := f.ReadLogout(t.Context(), token)
			wantCode(t, err, c.code)
			if err == nil && (issuer != f.bad.Issuer() || subject == "" && session == "") {
				t.Errorf("got %q %q %q", issuer, subject, session)
			}
			if err == nil {
				_, _, _, err = f.ReadLogout(t.Context(), token)
				wantCode(t, err, auth.CodeRevoked)
			}
		})
	}
}

func TestReadLogoutForms(t *testing.T) {
	f := setup(t)
	good := f.bad.LogoutToken(nil, nil)
	dot := strings.LastIndexByte(good, '.')
	for _, token := range []string{"", "a.b", "a.b.c", good + ".x", strings.Repeat("a", 9<<10), `{"payload":"","signatures":[]}`} {
		_, _, _, err := f.ReadLogout(t.Context(), token)
		wantCode(t, err, auth.CodeFormat)
	}
	_, _, _, err := f.ReadLogout(t.Context(), good[:dot+1]+strings.Repeat("A", len(good)-dot-1))
	wantCode(t, err, auth.CodeSignature)
	// An ID token does not sign anybody out, and a logout token signs nobody in.
	_, _, _, err = f.ReadLogout(t.Context(), f.bad.Token())
	wantCode(t, err, auth.CodeType)
	_, err = f.bearer(t.Context(), good)
	wantCode(t, err, auth.CodeType, auth.CodeFormat)
}
