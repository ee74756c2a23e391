package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestAuthenticateReturnsThePrincipal(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	person, err := f.use(tokens.AccessToken)
	must(t, err)
	if person.TokenID == "" {
		t.Error("the principal has no token id")
	}
	want := entity.Principal{UserID: f.ann.ID, Name: "ann", TokenType: TypeUser, TokenID: person.TokenID, SignedIn: f.clock.Now().UnixMilli()}
	if diff := cmp.Diff(want, person); diff != "" {
		t.Error(diff)
	}
	issued := f.botToken()
	bot, err := f.use(issued.Token)
	must(t, err)
	if diff := cmp.Diff(entity.Principal{UserID: f.bot.ID, Name: "ingestion-bot", IsBot: true, TokenType: TypeBot, TokenID: issued.ID}, bot); diff != "" {
		t.Error(diff)
	}
}

func TestBearerScheme(t *testing.T) {
	f := newFixture(t)
	token := f.botToken().Token
	for _, header := range []string{"Bearer " + token, "bearer " + token, "BEARER   " + token + "  ", "  Bearer " + token} {
		if _, err := f.Authenticate(f.ctx, header); err != nil {
			t.Errorf("%.10q: %v", header, err)
		}
	}
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + token, token, "Token " + token, "Bearer:" + token} {
		_, err := f.Authenticate(f.ctx, header)
		wantCode(t, err, CodeMissing)
		if !strings.HasPrefix(messageOf(err), "Not Authorized! Token not present") {
			t.Errorf("message %q", messageOf(err))
		}
	}
}

func messageOf(err error) string {
	var e *entity.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

// TestRefusals goes through every code that a token alone can provoke.
func TestRefusals(t *testing.T) {
	f := newFixture(t)
	token := f.botToken().Token
	person := f.mustLogin().AccessToken
	now := f.clock.Now().Unix()
	head := f.header()
	with := func(token string, changes map[string]any) string { return f.forge(head, f.payload(token, changes)) }
	plain := f.payload(token, nil)
	_, private := f.options.Keys.Signer()
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	signed := token[:strings.LastIndex(token, ".")+1]
	none := func(alg string) string {
		return b64(`{"alg":"`+alg+`","typ":"JWT"}`) + "." + b64(plain) + "."
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	must(t, err)
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hs := strings.Replace(head, "RS256", "HS256", 1)
	kid := func(json string) string { return f.forge(`{"alg":"RS256","typ":"JWT","kid":`+json+`}`, plain) }

	for name, c := range map[string]struct{ token, code string }{
		"garbage":              {"garbage", CodeFormat},
		"two parts":            {"a.b", CodeFormat},
		"five parts":           {"a.b.c.d.e", CodeFormat},
		"trailing dot":         {token + ".", CodeFormat},
		"trailing dots":        {token + "...", CodeFormat},
		"leading dot":          {"." + token, CodeFormat},
		"empty signature":      {signed, CodeFormat},
		"quoted":               {`"` + token + `"`, CodeFormat},
		"bearer twice":         {"Bearer " + token, CodeFormat},
		"two tokens":           {token + ", Bearer " + token, CodeFormat},
		"line break":           {token[:20] + "\n" + token[20:], CodeFormat},
		"break in signature":   {token[:len(token)-5] + "\r\n" + token[len(token)-5:], CodeFormat},
		"padding":              {token + "=", CodeFormat},
		"not base64url":        {strings.Replace(token, ".", ".+/", 1), CodeFormat},
		"9 KiB":                {token + strings.Repeat("A", 9<<10), CodeFormat},
		"invalid UTF-8":        {f.forge(head, "{\"iss\":\"catalpa\",\"sub\":\"\xff\"}"), CodeFormat},
		"payload is no object": {f.forge(head, `["iss"]`), CodeFormat},
		"text after payload":   {f.forge(head, plain+`{}`), CodeFormat},
		"duplicate in payload": {f.forge(head, `{"sub":"admin",`+plain[1:]), CodeFormat},
		"duplicate in header":  {f.forge(`{"alg":"none",`+head[1:], plain), CodeFormat},
		"crit":                 {f.forge(`{"crit":["b64"],`+head[1:], plain), CodeFormat},
		"deep":                 {f.forge(head, `{"x":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`,`+plain[1:]), CodeFormat},
		"kid array":            {kid(`["a"]`), CodeFormat},
		"kid number":           {kid(`7`), CodeFormat},
		"exp text":             {with(token, map[string]any{"exp": "9999999999"}), CodeFormat},
		"exp fraction":         {with(token, map[string]any{"exp": 9999999999.5}), CodeFormat},
		"exp 2^63":             {f.forge(head, strings.Replace(plain, `"exp":`, `"exp":9223372036854775808,"was":`, 1)), CodeFormat},
		"no exp of a person":   {with(person, map[string]any{"exp": nil}), CodeFormat},
		"no iat":               {with(token, map[string]any{"iat": nil}), CodeFormat},
		"no jti":               {with(token, map[string]any{"jti": nil}), CodeFormat},
		"foreign issuer":       {with(token, map[string]any{"iss": "https://evil.example"}), CodeIssuer},
		"issuer in capitals":   {with(token, map[string]any{"iss": "Catalpa"}), CodeIssuer},
		"issuer with slash":    {with(token, map[string]any{"iss": "catalpa/"}), CodeIssuer},
		"no issuer":            {with(token, map[string]any{"iss": nil}), CodeIssuer},
		"alg none":             {none("none"), CodeAlgorithm},
		"alg None":             {none("None"), CodeAlgorithm},
		"alg NONE":             {none("NONE"), CodeAlgorithm},
		"alg nOnE":             {none("nOnE"), CodeAlgorithm},
		"alg empty":            {f.forge(strings.Replace(head, "RS256", "", 1), plain), CodeAlgorithm},
		"alg RS512":            {signWith(t, jwt.SigningMethodRS512, private, strings.Replace(head, "RS256", "RS512", 1), plain), CodeAlgorithm},
		"alg rs256":            {f.forge(strings.Replace(head, "RS256", "rs256", 1), plain), CodeAlgorithm},
		"HS256 with PEM":       {signWith(t, jwt.SigningMethodHS256, block, hs, plain), CodeAlgorithm},
		"HS256 with DER":       {signWith(t, jwt.SigningMethodHS256, der, hs, plain), CodeAlgorithm},
		"HS256 with JWK":       {signWith(t, jwt.SigningMethodHS256, f.JWKS(), hs, plain), CodeAlgorithm},
		"HS256 empty key":      {signWith(t, jwt.SigningMethodHS256, []byte{}, hs, plain), CodeAlgorithm},
		"unknown kid":          {kid(`"nope"`), CodeKeyID},
		"kid path":             {kid(`"../../etc/passwd"`), CodeKeyID},
		"kid SQL":              {kid(`"' OR 1=1 --"`), CodeKeyID},
		"kid NUL":              {kid(`"a\u0000b"`), CodeKeyID},
		"kid long":             {kid(`"` + strings.Repeat("k", 3000) + `"`), CodeKeyID},
		"foreign key":          {signWith(t, jwt.SigningMethodRS256, foreign, head, plain), CodeSignature},
		"own payload, altered": {strings.Split(token, ".")[0] + "." + b64(f.payload(token, map[string]any{"sub": "admin"})) + "." + strings.Split(token, ".")[2], CodeSignature},
		"jku and jwk": {signWith(t, jwt.SigningMethodRS256, foreign,
			`{"jku":"https://evil.example/jwks","x5u":"https://evil.example/c","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"},"x5c":["AAAA"],`+head[1:], plain), CodeSignature},
		"expired":                  {with(token, map[string]any{"exp": now - 31}), CodeExpired},
		"exp negative":             {with(token, map[string]any{"exp": -1}), CodeExpired},
		"iat in an hour":           {with(token, map[string]any{"iat": now + 3600}), CodeSkew},
		"nbf in an hour":           {with(token, map[string]any{"nbf": now + 3600}), CodeSkew},
		"foreign aud":              {with(token, map[string]any{"aud": "other"}), CodeAudience},
		"no aud":                   {with(token, map[string]any{"aud": nil}), CodeAudience},
		"two aud, no azp":          {with(token, map[string]any{"aud": []string{"catalpa", "other"}}), CodeAudience},
		"access token":             {f.forge(strings.Replace(head, `"JWT"`, `"at+jwt"`, 1), plain), CodeAudience},
		"unknown type":             {with(token, map[string]any{"tokenType": "SUPER"}), CodeType},
		"bot says person":          {with(token, map[string]any{"isBot": false}), CodeType},
		"bot as OM_USER":           {with(token, map[string]any{"isBot": false, "tokenType": TypeUser}), CodeType},
		"bot of a person":          {with(token, map[string]any{"sub": "ann"}), CodeType},
		"no subject":               {with(token, map[string]any{"sub": nil}), CodeClaims},
		"unknown person":           {with(person, map[string]any{"sub": "nobody"}), CodeUserGone},
		"unknown bot":              {with(token, map[string]any{"sub": "nobody-bot"}), CodeBotGone},
		"person's other id":        {with(person, map[string]any{"jti": "AAAA.0"}), CodeRevoked},
		"session of another":       {with(person, map[string]any{"sub": "admin"}), CodeRevoked},
		"bot jti not known":        {with(token, map[string]any{"jti": "AAAA"}), CodeBotStale},
		"bot, same jti, re-signed": {with(token, map[string]any{"email": "x@example.org"}), CodeBotStale},
		"PAT not known":            {with(person, map[string]any{"tokenType": TypePersonal}), CodeRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			principal, err := f.use(c.token)
			wantCode(t, err, c.code)
			want := entity.KindUnauthorized
			if c.code == CodeType {
				want = entity.KindForbidden
			}
			if entity.KindOf(err) != want {
				t.Errorf("kind %d, want %d", entity.KindOf(err), want)
			}
			if principal != (entity.Principal{}) {
				t.Errorf("a refused token gave %+v", principal)
			}
			// A refusal is not remembered as anything else.
			_, err = f.use(c.token)
			wantCode(t, err, c.code)
		})
	}
	if _, err := f.use(token); err != nil {
		t.Errorf("after all that the right token is refused: %v", err)
	}
	if _, err := f.use(with(person, map[string]any{"exp": now - 29})); err != nil {
		t.Errorf("29 s beyond, with a skew of 30 s: %v", err)
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestNoKeyIDNeedsTheOnlyKey(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	if _, err := f.use(f.forge(`{"alg":"RS256"}`, f.payload(token, nil))); err != nil {
		t.Errorf("one key, no kid: %v", err)
	}
}

// TestFlippedBits alters a token in many places; none may pass.
func TestFlippedBits(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	for i := 0; i < len(token); i += 3 {
		altered := []byte(token)
		if altered[i] == 'A' {
			altered[i] = 'B'
		} else {
			altered[i] = 'A'
		}
		if _, err := f.use(string(altered)); err == nil {
			t.Fatalf("byte %d altered, and accepted", i)
		}
	}
}

func TestMessagesKeepTheirPrefixes(t *testing.T) {
	for code, prefix := range map[string]string{
		CodeMissing: "Not Authorized! Token not present", CodeFormat: "Invalid token", CodeIssuer: "Invalid token",
		CodeAlgorithm: "Invalid token", CodeKeyID: "Invalid token", CodeSignature: "Invalid token", CodeExpired: "Expired token!",
		CodeSkew: "Invalid token", CodeAudience: "Invalid token", CodeRevoked: "Expired token!",
		CodeClaims: "Invalid JWT token, none of the following claims are present", CodeUserGone: "Not Authorized!",
		CodeBotStale: "Not Authorized! Invalid Token", CodeBotGone: "Not Authorized! Invalid Token",
		CodeLogin: "You have entered an invalid username or password.", CodeThrottled: "Failed Login Attempts Exceeded. Please try after some time.",
		CodeRefresh: "Invalid Request Token. Please check your Token",
	} {
		e := Refuse(code)
		if !strings.HasPrefix(e.Message, prefix) || e.Hint == "" || e.Code != code || e.Kind != entity.KindUnauthorized {
			t.Errorf("%s: %+v", code, e)
		}
	}
}

func TestExpiryTakesEffectOnCachedTokens(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	_, err := f.use(token)
	must(t, err)
	f.clock.Advance(time.Hour + 29*time.Second)
	_, err = f.use(token)
	must(t, err)
	f.clock.Advance(2 * time.Second)
	_, err = f.use(token)
	wantCode(t, err, CodeExpired)
}

func TestUserChangesTakeEffectAtOnce(t *testing.T) {
	f := newFixture(t)
	person, bot := f.mustLogin().AccessToken, f.botToken().Token
	use := func(token string) (entity.Principal, error) { return f.use(token) }
	_, err := use(person)
	must(t, err)
	_, err = use(bot)
	must(t, err)

	ann := f.ann
	ann.IsAdmin = true
	f.setUser(ann, ann.ID)
	p, err := use(person)
	must(t, err)
	if !p.IsAdmin {
		t.Error("the promotion is not seen")
	}
	f.setUser(f.ann, f.ann.ID)
	p, err = use(person)
	must(t, err)
	if p.IsAdmin {
		t.Error("the demotion is not seen")
	}
	ann = f.ann
	ann.Deleted = true
	f.setUser(ann, ann.ID)
	_, err = use(person)
	wantCode(t, err, CodeUserGone)
	f.setUser(f.ann, f.ann.ID)
	_, err = use(person)
	must(t, err)

	// The bot entity is another entity than the bot's user.
	gone := f.bot
	gone.Deleted = true
	f.setUser(gone, gone.Bot)
	_, err = use(bot)
	wantCode(t, err, CodeBotGone)
	f.setUser(f.bot, f.bot.Bot)
	_, err = use(bot)
	must(t, err)

	// A new user under an old name inherits no credentials.
	f.removeUser(f.ann)
	_, err = use(person)
	wantCode(t, err, CodeUserGone)
	again := f.ann
	again.ID = entity.NewID()
	f.setUser(again, again.ID)
	_, err = use(person)
	wantCode(t, err, CodeUserGone)
	f.verified.Purge()
	_, err = use(person)
	wantCode(t, err, CodeRevoked)
}

func TestUserChangedElsewhereIsSeenWithinASecond(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	_, err := f.use(token)
	must(t, err)
	f.users.mu.Lock()
	ann := f.ann
	ann.Deleted = true
	f.users.byID[ann.ID] = ann // no commit is announced
	f.users.mu.Unlock()
	f.clock.Advance(time.Second)
	_, err = f.use(token)
	wantCode(t, err, CodeUserGone)
}

func TestHotPathDoesNotReadUsers(t *testing.T) {
	f := newFixture(t)
	token := f.botToken().Token
	_, err := f.use(token)
	must(t, err)
	before := f.users.reads
	for range 100 {
		_, err := f.use(token)
		must(t, err)
	}
	if f.users.reads != before {
		t.Errorf("%d look-ups of users for 100 cached tokens", f.users.reads-before)
	}
}

func TestStoreFailureIsNotARefusal(t *testing.T) {
	f := newFixture(t)
	token := f.botToken().Token
	must(t, f.db.Close())
	_, err := f.use(token)
	if kind := entity.KindOf(err); kind == entity.KindUnauthorized || err == nil {
		t.Errorf("a closed store gave %v", err)
	}
}

func TestRetiredKeyTakesItsTokensAlong(t *testing.T) {
	f := newFixture(t, ownKeys(t))
	token := f.botToken().Token
	_, err := f.use(token)
	must(t, err)
	old, _ := f.options.Keys.Signer()
	_, err = f.options.Keys.Rotate()
	must(t, err)
	if _, err = f.use(token); err != nil {
		t.Fatalf("after the rotation: %v", err)
	}
	if _, err = f.use(f.botToken().Token); err != nil {
		t.Fatalf("a token of the new key: %v", err)
	}
	_, err = f.use(f.forge(`{"alg":"RS256"}`, f.payload(token, nil)))
	wantCode(t, err, CodeKeyID) // no kid, two keys
	must(t, f.options.Keys.Retire(old))
	_, err = f.use(token)
	wantCode(t, err, CodeKeyRotated)
}

func TestConcurrentUseAndRevocation(t *testing.T) {
	f := newFixture(t)
	for round := range 5 {
		token := f.botToken().Token
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				<-start
				for range 50 {
					if _, err := f.use(token); err != nil && codeOf(err) != CodeBotStale {
						t.Errorf("round %d: %v", round, err)
					}
				}
			})
		}
		wg.Go(func() {
			<-start
			if _, err := f.RevokeBotTokens(f.ctx, entity.System(), f.bot.ID); err != nil {
				t.Error(err)
			}
			// Whatever the others are loading: from here on it is over.
			for range 20 {
				if _, err := f.use(token); codeOf(err) != CodeBotStale {
					t.Errorf("round %d: after the revocation: %v", round, err)
				}
			}
		})
		close(start)
		wg.Wait()
	}
}

func codeOf(err error) string {
	var e *entity.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func FuzzParse(fz *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "a.b.c", b64(`{"alg":"RS256"}`) + "." + b64(`{"iss":"catalpa","aud":["a"],"exp":1}`) + ".AAAA",
		b64(`{"alg":"none"}`) + "." + b64(`{"aud":"a"}`) + ".", b64(`{"alg":"RS256","alg":"none"}`) + ".e30.AA", b64(`{}`) + "." + b64(`{"exp":1e400}`) + ".AA",
	} {
		fz.Add(seed)
	}
	fz.Fuzz(func(t *testing.T, token string) {
		p, err := parse(token)
		if err != nil {
			return
		}
		if p.signed+"."+base64.RawURLEncoding.EncodeToString(p.signature) != token {
			t.Errorf("%q has a second spelling", token)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	f := newFixture(b, func(o *Options) { o.Clock = time.Now })
	header := "Bearer " + f.botToken().Token
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Authenticate(f.ctx, header); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthenticateParallel(b *testing.B) {
	f := newFixture(b, func(o *Options) { o.Clock = time.Now })
	header := "Bearer " + f.botToken().Token
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := f.Authenticate(f.ctx, header); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkAuthenticateCold measures a token that is not cached.
func BenchmarkAuthenticateCold(b *testing.B) {
	f := newFixture(b, func(o *Options) { o.Clock = time.Now })
	header := "Bearer " + f.botToken().Token
	for b.Loop() {
		f.verified.Purge()
		if _, err := f.Authenticate(f.ctx, header); err != nil {
			b.Fatal(err)
		}
	}
}
