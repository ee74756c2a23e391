package auth

import (
	"context"
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// explained fails unless a token is refused with the code, in the words of the code,
// with all the texts among the remarks.
func explained(t *testing.T, f *fixture, name, token, code string, texts ...string) {
	t.Helper()
	e := f.Explain(f.ctx, token)
	refusal := Refuse(code)
	if e.OK || e.Code != code || e.Message == "" || e.Hint != refusal.Hint {
		t.Errorf("%s: %+v, want %s in the words of that code", name, e, code)
		return
	}
	told := strings.Join(e.Remarks, "\n")
	for _, text := range texts {
		if !strings.Contains(told, text) {
			t.Errorf("%s: the remarks do not say %q:\n%s", name, text, told)
		}
	}
	all := told
	for _, fact := range e.Facts {
		all += "\n" + fact.Value
	}
	for _, part := range strings.Split(strings.TrimSpace(token), ".") {
		if len(part) > 20 && strings.Contains(all, part) {
			t.Errorf("%s: the explanation holds a part of the token", name)
		}
	}
}

// TestExplainOwnTokens: what the doctor says of tokens of this server, one for each code
// that they can be refused with.
func TestExplainOwnTokens(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Issuer = "https://catalog.example" }, ownKeys(t))
	token := f.mustLogin().AccessToken
	now := f.clock.Now().Unix()
	with := func(changes map[string]any) string { return f.forge(f.header(), f.payload(token, changes)) }
	id, _ := f.options.Keys.Signer()
	explained(t, f, "nothing", " \n", CodeMissing)
	explained(t, f, "no token", "hello", CodeFormat, "three parts")
	explained(t, f, "line break", token[:200]+"\n"+token[200:], CodeFormat, "line break")
	explained(t, f, "issuer", with(map[string]any{"iss": "https://catalog.example/"}), CodeIssuer, "differ in a slash at the end only", `own tokens name the issuer "https://catalog.example"`)
	explained(t, f, "algorithm", signWith(t, jwt.SigningMethodHS256, []byte("s"), `{"alg":"HS256","kid":"`+id+`"}`, f.payload(token, nil)), CodeAlgorithm, "shared secret", "At Auth0")
	explained(t, f, "key", f.forge(`{"alg":"RS256","kid":"other"}`, f.payload(token, nil)), CodeKeyID, id+" (current, made 2026-11-24)")
	explained(t, f, "signature", token[:len(token)-6]+"AAAAAA", CodeSignature)
	explained(t, f, "from the future", with(map[string]any{"nbf": now + 600, "iat": now + 600}), CodeSkew, "clock says 2026-11-24T12:00:00Z", "doctor provider")
	explained(t, f, "audience", with(map[string]any{"aud": "shop"}), CodeAudience, "Accepted audiences: https://catalog.example.")
	explained(t, f, "access token", f.forge(strings.Replace(f.header(), `"JWT"`, `"at+jwt"`, 1), f.payload(token, nil)), CodeAudience, "access token for an API", "acceptedAudiences")
	explained(t, f, "kind", with(map[string]any{"tokenType": "SUPER"}), CodeType)
	explained(t, f, "nobody", with(map[string]any{"sub": "nobody"}), CodeUserGone)
	explained(t, f, "expired", with(map[string]any{"iat": now - 7200, "exp": now - 3600}), CodeExpired, "ended 60 minutes ago", "session goes on until 2026-12-01")
	explained(t, f, "expired without a session", with(map[string]any{"iat": now - 7200, "exp": now - 3600, "jti": "other.0"}), CodeExpired, "session is over")

	// Whose end was made: when, how, and by whom.
	other := f.mustLogin().AccessToken
	f.clock.Advance(time.Minute)
	p, err := f.use(token)
	must(t, err)
	must(t, f.Logout(f.ctx, p))
	explained(t, f, "signed out", token, CodeRevoked, "2026-11-24T12:01:00Z: signed out, by ann.")
	must(t, f.SetPassword(f.ctx, entity.Principal{UserID: f.admin.ID, Name: "admin", IsAdmin: true, TokenType: TypeUser}, f.ann.ID, goodPassword+"2", false))
	explained(t, f, "password", other, CodeRevoked, "the password was changed, by admin.")

	bot := f.botToken().Token
	stale := f.botToken().Token
	f.clock.Advance(time.Minute)
	_, err = f.RevokeBotTokens(f.ctx, entity.System(), f.bot.ID)
	must(t, err)
	explained(t, f, "bot revoked", stale, CodeBotStale, "2026-11-24T12:02:00Z: the bot's tokens were ended, by ")
	explained(t, f, "bot revoked before", bot, CodeBotStale, "the bot's tokens were ended")
	bot = f.botToken().Token
	f.clock.Advance(time.Minute)
	replaced, err := f.IssueBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneHour)
	must(t, err)
	explained(t, f, "bot replaced", bot, CodeBotStale, "2026-11-24T12:03:00Z: a newer token was made for the bot")
	fresh := replaced.Token
	old, _ := f.options.Keys.Signer()
	_, err = f.options.Keys.Rotate()
	must(t, err)
	must(t, f.options.Keys.Retire(old))
	explained(t, f, "retired key", fresh, CodeKeyRotated, "signed by the key "+old+", retired ")
	last := f.botToken().Token
	gone := f.bot
	gone.Deleted = true
	f.setUser(gone, gone.Bot)
	explained(t, f, "bot gone", last, CodeBotGone)
}

// TestExplainTakesWhatPeopleCopy: quotes, the header, and the word Bearer are told of,
// as a request with them is refused, and the token inside is judged.
func TestExplainTakesWhatPeopleCopy(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	for text, says := range map[string]string{
		"Bearer " + token: "belongs to the header", "Bearer Bearer " + token: "more than once: a request with it is refused with " + CodeFormat,
		`"` + token + "\"\n": "quotes around the token", "Authorization: Bearer " + token: "the whole header",
	} {
		if e := f.Explain(f.ctx, text); !e.OK || !strings.Contains(strings.Join(e.Remarks, " "), says) {
			t.Errorf("%.20s...: %+v, want accepted and %q", text, e, says)
		}
	}
	if e := f.Explain(f.ctx, token); !e.OK || len(e.Remarks) > 0 {
		t.Errorf("a good token: %+v", e)
	}
}

// TestExplainProviderTokens: the same for tokens of a public client's provider.
func TestExplainProviderTokens(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) {
		so.Rules.SelfSignup = false
		so.Rules.PrincipalClaims = []string{"email"}
		so.Rules.EnforceDomain = true
		so.Trust.Known = func() []KnownKey { return []KnownKey{{ID: "rsa", Fetched: f.clock.Now().Add(-5 * time.Minute)}} }
	})
	private, _ := providerKeys()
	of := func(changes map[string]any) string { return f.idToken("sub-zoe", changes) }
	explained(t, f.fixture, "key", signWith(t, jwt.SigningMethodRS256, private, `{"alg":"RS256","kid":"x"}`, f.json(f.claimsOf("s", nil))), CodeKeyID, "Known of it: rsa (asked for 5 minutes ago).")
	explained(t, f.fixture, "audience", of(map[string]any{"aud": "https://api.example"}), CodeAudience, "Accepted audiences: "+testClient+".")
	explained(t, f.fixture, "no claim", of(map[string]any{"email": nil}), CodeClaims, "claims present", "email_verified")
	explained(t, f.fixture, "unverified", of(map[string]any{"email_verified": false}), CodeUserUnverified)
	explained(t, f.fixture, "domain", of(map[string]any{"email": "zoe@elsewhere.example"}), CodeUserDomain)
	explained(t, f.fixture, "stranger", of(nil), CodeUserNoSignup)
	must(t, f.linkFor(t))
	explained(t, f.fixture, "another subject", f.idToken("sub-other", map[string]any{"email": "ann@example.org"}), CodeUserRelink)
	if e := f.Explain(f.ctx, "Bearer "+f.idToken("sub-ann", map[string]any{"email": "ann@example.org"})); !e.OK {
		t.Errorf("ann herself: %+v", e)
	}
	for code, fail := range map[string]error{CodeJWKSDown: Refuse(CodeJWKSDown), CodeJWKSBad: Refuse(CodeJWKSBad)} {
		f.public(func(so *SignOn) {
			so.Trust.Key = func(context.Context, string, string) (crypto.PublicKey, error) { return nil, fail }
		})
		explained(t, f.fixture, code, of(nil), code)
	}
	tenant := of(map[string]any{"iss": "https://shop.eu.auth0.com/"})
	explained(t, f.fixture, "tenant instead of the custom domain", tenant, CodeIssuer, "tenant domain and custom domain are different issuers", `name the issuer "`+testIssuer+`"`)
	f.confidential()
	explained(t, f.fixture, "a token of the provider at a confidential client", of(nil), CodeIssuer, "people sign in through the server")
}

// linkFor lets ann sign in once, so that she is linked.
func (f *signOnFixture) linkFor(t *testing.T) error {
	t.Helper()
	_, err := f.use(f.idToken("sub-ann", map[string]any{"email": "ann@example.org"}))
	return err
}
