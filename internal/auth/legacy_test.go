package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// legacyRig is a service that an OpenMetadata server's key was imported into.
type legacyRig struct {
	*fixture
	private *rsa.PrivateKey
	public  string // its file
	until   time.Time
}

func newLegacyRig(t testing.TB, adjust ...func(*Options)) *legacyRig {
	t.Helper()
	rig := &legacyRig{fixture: newFixture(t, append([]func(*Options){ownKeys(t)}, adjust...)...)}
	var err error
	rig.private, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(&rig.private.PublicKey)
	must(t, err)
	rig.public = filepath.Join(t.TempDir(), "public_key.der")
	must(t, os.WriteFile(rig.public, der, 0o600))
	rig.until = rig.clock.Now().Add(30 * 24 * time.Hour)
	_, err = rig.ImportVerifyOnlyKey(rig.ctx, entity.System(), key.VerifyOnlyImport{PublicFile: rig.public, Issuer: key.LegacyIssuer, Until: rig.until})
	must(t, err)
	return rig
}

const (
	legacyHeader  = `{"kid":"` + key.PublishedID + `","typ":"JWT","alg":"RS256"}`
	legacyPayload = `{"iss":"open-metadata.org","sub":"ingestion-bot","roles":[],"email":"ingestion-bot@open-metadata.org","isBot":true,"tokenType":"BOT","iat":1700000000,"exp":null}`
)

func (r *legacyRig) token(header, payload string) string {
	r.t.Helper()
	return signWith(r.t, jwt.SigningMethodRS256, r.private, header, payload)
}

func TestLegacyBotToken(t *testing.T) {
	for name, adjust := range map[string]func(*Options){
		"issuers differ":       func(*Options) {},
		"issuers are the same": func(o *Options) { o.Issuer = key.LegacyIssuer },
	} {
		t.Run(name, func(t *testing.T) {
			rig := newLegacyRig(t, adjust)
			token := rig.token(legacyHeader, legacyPayload)
			for range 3 {
				p, err := rig.use(token)
				must(t, err)
				if p.Name != "ingestion-bot" || !p.IsBot || p.TokenType != TypeBot || p.IsAdmin {
					t.Errorf("%+v", p)
				}
			}
			if _, err := rig.use(rig.botToken().Token); err != nil {
				t.Errorf("a token of our own: %v", err)
			}
			rig.writes.Wait()
			uses := 0
			entries, err := rig.Audit(rig.ctx, 100)
			must(t, err)
			for _, e := range entries {
				if e.Action == "legacyTokenUsed" {
					uses++
					if e.User != "ingestion-bot" || e.KeyID != key.PublishedID || e.Issuer != key.LegacyIssuer {
						t.Errorf("%+v", e)
					}
				}
			}
			if uses != 1 {
				t.Errorf("flagged %d times in one hour", uses)
			}
			// The date ends it, also for a token that passed before.
			rig.clock.Advance(rig.until.Sub(rig.clock.Now()) - time.Second)
			_, err = rig.use(token)
			must(t, err)
			rig.clock.Advance(time.Second)
			_, err = rig.use(token)
			wantCode(t, err, CodeKeyRotated)
			_, err = rig.use(rig.token(legacyHeader, strings.Replace(legacyPayload, "1700000000", "1700000001", 1)))
			wantCode(t, err, CodeKeyRotated)
		})
	}
}

func TestRefusedLegacyTokens(t *testing.T) {
	rig := newLegacyRig(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(legacyPayload, from) {
			t.Fatalf("%s is not in the payload", from)
		}
		return rig.token(legacyHeader, strings.Replace(legacyPayload, from, to, 1))
	}
	ownID, _ := rig.options.Keys.Signer()
	for name, c := range map[string]struct{ token, code string }{
		"another issuer":        {change(`"open-metadata.org"`, `"open-metadata.com"`), CodeIssuer},
		"our issuer":            {change(`"open-metadata.org"`, `"`+rig.Issuer()+`"`), CodeKeyID},
		"our issuer and kid":    {rig.token(`{"alg":"RS256","kid":"`+ownID+`"}`, strings.Replace(legacyPayload, "open-metadata.org", rig.Issuer(), 1)), CodeSignature},
		"no kid":                {rig.token(`{"alg":"RS256"}`, legacyPayload), CodeIssuer},
		"another kid":           {rig.token(`{"alg":"RS256","kid":"x"}`, legacyPayload), CodeIssuer},
		"another key":           {signWith(t, jwt.SigningMethodRS256, stranger, legacyHeader, legacyPayload), CodeSignature},
		"another algorithm":     {signWith(t, jwt.SigningMethodRS512, rig.private, strings.Replace(legacyHeader, "RS256", "RS512", 1), legacyPayload), CodeAlgorithm},
		"a person":              {change(`"isBot":true,"tokenType":"BOT"`, `"isBot":false,"tokenType":"OM_USER"`), CodeFormat},
		"a person with an end":  {change(`"isBot":true,"tokenType":"BOT","iat":1700000000,"exp":null`, `"isBot":false,"tokenType":"OM_USER","iat":1700000000,"exp":4000000000`), CodeType},
		"a bot that is none":    {change(`"sub":"ingestion-bot"`, `"sub":"ann"`), CodeType},
		"an administrator":      {change(`"sub":"ingestion-bot"`, `"sub":"admin"`), CodeType},
		"a personal token":      {change(`"isBot":true,"tokenType":"BOT"`, `"isBot":false,"tokenType":"PERSONAL_ACCESS"`), CodeFormat},
		"bot by one claim only": {change(`"isBot":true`, `"isBot":false`), CodeType},
		"an unknown bot":        {change(`"sub":"ingestion-bot"`, `"sub":"profiler-bot"`), CodeBotGone},
		"no subject":            {change(`"sub":"ingestion-bot"`, `"sub":""`), CodeClaims},
		"an audience":           {change(`"roles":[]`, `"aud":"`+rig.Issuer()+`"`), CodeAudience},
		"expired":               {change(`"exp":null`, `"exp":1700003600`), CodeExpired},
		"from the future":       {change(`1700000000`, `4000000000`), CodeSkew},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rig.use(c.token)
			wantCode(t, err, c.code)
		})
	}
}

func TestLegacyTokensEnd(t *testing.T) {
	by := entity.Principal{Name: "admin", IsAdmin: true, TokenType: TypeUser}
	for name, c := range map[string]struct {
		end  func(*legacyRig)
		code string
	}{
		"the bot's tokens are revoked": {func(r *legacyRig) {
			_, err := r.RevokeBotTokens(r.ctx, by, r.bot.ID)
			must(r.t, err)
		}, CodeBotStale},
		"the bot gets a new token": {func(r *legacyRig) {
			_, err := r.IssueBotToken(r.ctx, by, r.bot.ID, ExpireOneDay)
			must(r.t, err)
		}, CodeBotStale},
		"the overlap with a new token is over": {func(r *legacyRig) {
			r.opts.RotationOverlap = time.Hour
			_, err := r.IssueBotToken(r.ctx, by, r.bot.ID, ExpireOneDay)
			must(r.t, err)
			_, err = r.use(r.token(legacyHeader, legacyPayload))
			must(r.t, err)
			r.opts.RotationOverlap = 24 * time.Hour
			_, err = r.IssueBotToken(r.ctx, by, r.bot.ID, ExpireOneDay) // cannot prolong it
			must(r.t, err)
			r.clock.Advance(time.Hour)
		}, CodeBotStale},
		"the key is retired": {func(r *legacyRig) {
			_, err := r.RetireKey(r.ctx, by, key.PublishedID, false)
			must(r.t, err)
		}, CodeKeyRotated},
		"the bot is deleted": {func(r *legacyRig) {
			bot := r.bot
			bot.Deleted = true
			r.setUser(bot, bot.ID)
		}, CodeBotGone},
		"the bot becomes a person": {func(r *legacyRig) {
			bot := r.bot
			bot.IsBot = false
			r.setUser(bot, bot.ID)
		}, CodeType},
	} {
		t.Run(name, func(t *testing.T) {
			rig := newLegacyRig(t)
			token := rig.token(legacyHeader, legacyPayload)
			_, err := rig.use(token)
			must(t, err)
			c.end(rig)
			_, err = rig.use(token)
			wantCode(t, err, c.code)
		})
	}
}

func TestOneMoreTokenLeavesTheLegacyOnes(t *testing.T) {
	rig := newLegacyRig(t)
	rig.botToken()
	if _, err := rig.use(rig.token(legacyHeader, legacyPayload)); err != nil {
		t.Error(err)
	}
}

func TestLegacyUsesAreBounded(t *testing.T) {
	var uses legacyUses
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	user := entity.NewID()
	if !uses.first(user, now) || uses.first(user, now.Add(time.Minute)) || !uses.first(user, now.Add(time.Hour)) {
		t.Error("not once an hour")
	}
	for range maxSubjects {
		uses.first(entity.NewID(), now)
	}
	if len(uses.seen) > maxSubjects {
		t.Errorf("%d are remembered", len(uses.seen))
	}
}
