package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSignedTokensParse: what sign writes, parse reads, whatever the names are.
func TestSignedTokensParse(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(0, 1<<40).Draw(t, "at")
		want := claims{
			Issuer: rapid.String().Draw(t, "iss"), Subject: rapid.String().Draw(t, "sub"), Email: rapid.String().Draw(t, "email"),
			IsBot: rapid.Bool().Draw(t, "isBot"), Type: TypeBot, IssuedAt: &at,
			Audience: rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "aud"), ID: randomID(),
		}
		token, err := f.sign(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.claims); diff != "" {
			t.Error(diff)
		}
		if _, err := f.own.verify(f.ctx, got); err != nil {
			t.Error(err)
		}
	})
}

// TestClaimsOnTheWire fixes the members that clients know.
func TestClaimsOnTheWire(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Issuer, o.Audience = "https://catalog.example", "catalog" })
	issued := f.botToken()
	var got map[string]any
	must(t, json.Unmarshal([]byte(f.payload(issued.Token, nil)), &got))
	now := float64(f.clock.Now().Unix())
	want := map[string]any{
		"iss": "https://catalog.example", "sub": "ingestion-bot", "email": "ingestion-bot@example.org", "isBot": true, "tokenType": "BOT",
		"iat": now, "exp": now + 3600, "aud": "catalog", "jti": issued.ID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	id, _ := f.options.Keys.Signer()
	if head, want := strings.Split(issued.Token, ".")[0], b64(`{"alg":"RS256","typ":"JWT","kid":"`+id+`"}`); head != want {
		t.Errorf("header %s, want %s", head, want)
	}
	_, err := f.use(issued.Token)
	must(t, err)
}

func TestParseErrorsDoNotQuote(t *testing.T) {
	const canary = "CANARYCANARY"
	for _, token := range []string{
		canary, canary + "." + canary + "." + canary, b64(canary) + "." + b64(canary) + "." + canary,
		b64(`{"alg":"`+canary+`","kid":["`+canary+`"]}`) + "." + b64(`{}`) + "." + canary,
		b64(`{"alg":"RS256"}`) + "." + b64(`{"exp":"`+canary+`"}`) + "." + canary,
		b64(`{"alg":"RS256"}`) + "." + b64(`{"`+canary+`":1,"`+canary+`":2}`) + "." + canary,
	} {
		_, err := parse(token)
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestDepthLimit(t *testing.T) {
	nested := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	if err := checkJSON([]byte(nested(maxDepth - 1))); err != nil {
		t.Errorf("depth %d: %v", maxDepth, err)
	}
	if err := checkJSON([]byte(nested(maxDepth))); err == nil {
		t.Errorf("depth %d is accepted", maxDepth+1)
	}
}

func TestAudienceWithParty(t *testing.T) {
	p := &Trust{Audiences: []string{"client"}, Party: "client"}
	at := int64(1000)
	now := time.Unix(1000, 0)
	exp := at + 60
	for name, c := range map[string]struct {
		audience audience
		party    string
		code     string
	}{
		"one": {audience{"client"}, "", ""}, "several, ours": {audience{"x", "client"}, "client", ""},
		"several, no party": {audience{"x", "client"}, "", CodeAudience}, "several, foreign party": {audience{"x", "client"}, "x", CodeAudience},
		"foreign": {audience{"x"}, "client", CodeAudience}, "none": {nil, "client", CodeAudience}, "prefix": {audience{"client2"}, "", CodeAudience},
	} {
		err := p.validate(&parsed{claims: claims{IssuedAt: &at, Expires: &exp, Audience: c.audience, Party: c.party}}, now, nil)
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

// TestHostileTokensAreCheap bounds the work for what no issuer signed.
func TestHostileTokensAreCheap(t *testing.T) {
	deep := b64(`{"alg":"RS256","x":` + strings.Repeat("[", 5000))
	wide := b64(`{"alg":"RS256"}`) + "." + b64(`{"a":[`+strings.Repeat("1,", 2500)+`1]}`) + ".AAAA"
	for name, token := range map[string]string{"deep": deep + ".e30.AAAA", "wide": wide, "dots": strings.Repeat(".", maxToken), "huge": strings.Repeat("A", 1<<20)} {
		allocated := testing.AllocsPerRun(5, func() { _, _ = parse(token) })
		if allocated > 200 {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}
