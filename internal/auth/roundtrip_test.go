package auth

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestRoundTrip(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	var departed Departure
	f.provider.finish = func(d Departure, answer url.Values) (Grant, error) {
		departed = d
		if answer.Get("code") != "code-1" {
			return Grant{}, Refuse(CodeCode)
		}
		return f.grant("sub-zoe", nil), nil
	}
	begun, back := f.trip()
	if begun.Lifetime != 10*time.Minute || !strings.HasPrefix(back.Params.Get("state"), begun.Cookie+".") || begun.Test != "" {
		t.Errorf("%+v", begun)
	}
	done, err := f.FinishLogin(f.ctx, back)
	must(t, err)
	if departed != f.provider.begun[0] || departed.Note != "request-7" || departed.Nonce == "" || len(departed.Verifier) < 43 || departed.State == departed.Nonce {
		t.Errorf("departed as %+v, came back as %+v", f.provider.begun[0], departed)
	}
	if done.Attempt != begun.Cookie || done.Return != "/explore" || done.Expires != f.clock.Now().Add(24*time.Hour) {
		t.Errorf("%+v", done)
	}
	tokens, err := f.SessionToken(f.ctx, done.Session)
	must(t, err)
	p, err := f.use(tokens.AccessToken)
	must(t, err)
	if p.Name != "zoe" || p.TokenType != TypeUser || p.SignedIn != f.clock.Now().UnixMilli() || tokens.RefreshToken != "" {
		t.Errorf("%+v", p)
	}
	// The store holds none of the secrets.
	for _, secret := range []string{departed.State, departed.Nonce, departed.Verifier, begun.Value, done.Session, "refresh-0", "id-token-0"} {
		if f.stored(secret) {
			t.Errorf("the store holds %.10q...", secret)
		}
	}
}

// stored tells whether a record holds a text.
func (f *fixture) stored(text string) bool {
	f.t.Helper()
	found := false
	must(f.t, f.db.View(f.ctx, func(r store.Reader) error {
		for _, kind := range []string{kindAttempt, kindCredential, kindLink, kindPerson, kindTest, kindAudit, kindProviderSession} {
			records, err := r.Records(f.ctx, store.RecordQuery{Kind: kind, Any: true})
			if err != nil {
				return err
			}
			for _, rec := range records {
				found = found || strings.Contains(string(rec.Doc)+rec.Key, text)
			}
		}
		return nil
	}))
	return found
}

func TestT16ToT20Callbacks(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	finished := 0
	f.provider.finish = func(Departure, url.Values) (Grant, error) {
		finished++
		return f.grant("sub-zoe", nil), nil
	}
	_, other := f.trip()
	for name, c := range map[string]struct {
		change func(*LoginReturn)
		code   string
	}{
		"T16 no cookie":             {func(b *LoginReturn) { b.Cookies = nil }, CodeNoAttempt},
		"T16 cookie of another":     {func(b *LoginReturn) { b.Cookies = other.Cookies }, CodeNoAttempt},
		"T16 another's value":       {func(b *LoginReturn) { b.Cookies = rename(b.Cookies, other.Cookies) }, CodeNoAttempt},
		"T16 no state":              {func(b *LoginReturn) { b.Params.Del("state") }, CodeState},
		"T16 nothing at all":        {func(b *LoginReturn) { *b = LoginReturn{} }, CodeNoAttempt},
		"T16 two states":            {func(b *LoginReturn) { b.Params.Add("state", other.Params.Get("state")) }, CodeState},
		"state altered":             {func(b *LoginReturn) { b.Params.Set("state", b.Params.Get("state")+"x") }, CodeState},
		"state cut":                 {func(b *LoginReturn) { b.Params.Set("state", b.Params.Get("state")[:15]) }, CodeState},
		"state of other things":     {func(b *LoginReturn) { b.Params.Set("state", "x.y") }, CodeState},
		"cookie of an older server": {func(b *LoginReturn) { b.Cookies = map[string]string{first(b.Cookies): "AAAA"} }, CodeNoAttempt},
	} {
		t.Run(name, func(t *testing.T) {
			_, back := f.trip()
			c.change(&back)
			_, err := f.FinishLogin(f.ctx, back)
			wantCode(t, err, c.code)
		})
	}
	if finished != 0 {
		t.Errorf("the provider's answer was judged %d times", finished)
	}
	t.Run("T17 replayed", func(t *testing.T) {
		_, back := f.trip()
		_, err := f.FinishLogin(f.ctx, back)
		must(t, err)
		done, err := f.FinishLogin(f.ctx, back)
		wantCode(t, err, CodeState)
		if done.Attempt == "" || done.Session != "" {
			t.Errorf("%+v: the cookie is of no use and must go", done)
		}
	})
	t.Run("too late", func(t *testing.T) {
		_, back := f.trip()
		f.clock.Advance(10 * time.Minute)
		_, err := f.FinishLogin(f.ctx, back)
		wantCode(t, err, CodeNoAttempt)
	})
	t.Run("after a change of the provider", func(t *testing.T) {
		_, back := f.trip()
		f.confidential(func(so *SignOn) { so.Identity = "another" })
		_, err := f.FinishLogin(f.ctx, back)
		wantCode(t, err, CodeNoAttempt)
		f.confidential()
	})
	t.Run("T20 new id each time", func(t *testing.T) {
		a, b := f.signedIn(), f.signedIn()
		if a.Session == b.Session {
			t.Error("the session is not new")
		}
	})
	refusals, err := f.Refusals(f.ctx, 100)
	must(t, err)
	if len(refusals) == 0 || refusals[0].Action != "signInRefused" || refusals[0].Code == "" {
		t.Errorf("the trail says %+v", refusals)
	}
}

func first(m map[string]string) string {
	for k := range m {
		return k
	}
	return ""
}

func rename(names, values map[string]string) map[string]string {
	return map[string]string{first(names): values[first(values)]}
}

// TestT17Parallel: two processes get the same callback at the same time.
func TestT17Parallel(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	other, err := New(f.ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(f.ctx) })
	other.SetSignOn(f.SignOn())
	_, back := f.trip()
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		s := []*Service{f.Service, other}[i%2]
		wg.Go(func() { _, errs[i] = s.FinishLogin(f.ctx, back) })
	}
	wg.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
			continue
		}
		wantCode(t, err, CodeState)
	}
	if good != 1 {
		t.Errorf("%d of %d got in", good, len(errs))
	}
}

func TestRefusalsOfTheProvider(t *testing.T) {
	f := newSignOn(t)
	f.confidential(func(so *SignOn) { so.Rules.SelfSignup = false })
	for name, c := range map[string]struct {
		err  error
		code string
		kind entity.Kind
	}{
		"refused": {Refuse(CodeProvider), CodeProvider, entity.KindBadRequest}, "mix-up": {Refuse(CodeMixUp), CodeMixUp, entity.KindBadRequest},
		"down": {Refuse(CodeUpstream), CodeUpstream, entity.KindUnavailable}, "our fault": {errors.New("detail"), "", entity.KindInternal},
		"no account": {nil, CodeUserNoSignup, entity.KindForbidden},
	} {
		_, back := f.trip()
		f.provider.finish = func(Departure, url.Values) (Grant, error) { return f.grant("sub-zoe", nil), c.err }
		done, err := f.FinishLogin(f.ctx, back)
		if codeOf(err) != c.code || entity.KindOf(err) != c.kind || done.Session != "" || done.Attempt == "" {
			t.Errorf("%s: %v, %+v", name, err, done)
		}
	}
	f.writes.Wait()
	if len(f.provider.revoked) != 1 {
		t.Errorf("what the refused person was given was taken back %d times", len(f.provider.revoked))
	}
}

func TestNoProviderNoRoundTrip(t *testing.T) {
	f := newSignOn(t)
	_, err := f.BeginLogin(f.ctx, LoginStart{})
	wantCode(t, err, CodeNoProvider)
	_, err = f.AcceptPost(f.ctx, url.Values{}, "")
	wantCode(t, err, CodeState)
	_, err = f.ReceiveLogout(f.ctx, "token")
	wantCode(t, err, CodeNoProvider)
}

// TestFloodOfAttempts fills no store, and leaves room for those from elsewhere.
func TestFloodOfAttempts(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	elsewhere, err := f.BeginLogin(f.ctx, LoginStart{Return: "/", Address: "198.51.100.4"})
	must(t, err)
	for range maxBucket + 20 {
		_, err := f.BeginLogin(f.ctx, LoginStart{Return: "/", Address: "192.0.2.7"})
		must(t, err)
	}
	if n := f.records(kindAttempt); n != maxBucket+1 {
		t.Errorf("%d attempts are kept", n)
	}
	_, err = f.FinishLogin(f.ctx, f.answer(elsewhere))
	must(t, err)
	f.clock.Advance(attemptLifetime)
	f.trip()
	if n := f.records(kindAttempt); n != 1 {
		t.Errorf("%d attempts are kept, most of them too old", n)
	}
}

func (f *fixture) records(kind string) int {
	f.t.Helper()
	n := 0
	must(f.t, f.db.View(f.ctx, func(r store.Reader) error {
		var err error
		n, err = r.CountRecords(f.ctx, store.RecordQuery{Kind: kind, Any: true})
		return err
	}))
	return n
}

func TestAcceptPost(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	posts := 0
	f.provider.finish = func(_ Departure, answer url.Values) (Grant, error) {
		posts++
		if answer.Get("SAMLResponse") != "good" {
			return Grant{}, Refuse(CodeSAML)
		}
		return f.grant("sub-zoe", nil), nil
	}
	_, back := f.trip()
	state := back.Params.Get("state")
	post := func(response, state string) (url.Values, error) {
		return f.AcceptPost(f.ctx, url.Values{"SAMLResponse": {response}, "RelayState": {state}}, "192.0.2.7")
	}
	_, err := post("bad", state)
	wantCode(t, err, CodeSAML)
	_, err = post("good", state+"x")
	wantCode(t, err, CodeState)
	query, err := post("good", state)
	must(t, err)
	_, err = post("good", state)
	wantCode(t, err, CodeState)
	if f.stored("zoe@example.org") || f.stored(query.Get("ticket")) {
		t.Error("the waiting answer is not sealed")
	}
	// Whoever posted it cannot fetch it without the cookie, nor anybody without the
	// ticket.
	_, err = f.FinishLogin(f.ctx, LoginReturn{Params: query})
	wantCode(t, err, CodeNoAttempt)
	back.Params = query
	done, err := f.FinishLogin(f.ctx, back)
	must(t, err)
	if done.Session == "" || posts != 2 {
		t.Errorf("%+v after %d judgements", done, posts)
	}

	_, back = f.trip()
	query, err = post("good", back.Params.Get("state"))
	must(t, err)
	query.Set("ticket", "guess")
	back.Params = query
	_, err = f.FinishLogin(f.ctx, back)
	wantCode(t, err, CodeState)
	_, err = post("good", back.Params.Get("state"))
	wantCode(t, err, CodeNoAttempt)
}

// testing settings: a document that names the domain that is enforced.
func testSignOnOf(f **signOnFixture) func(*Options) {
	return func(o *Options) {
		o.TestSignOn = func(_ context.Context, doc []byte) (*SignOn, error) {
			if string(doc) == "bad" {
				return nil, entity.BadRequest("bad settings")
			}
			so := &SignOn{Provider: "auth0", Identity: "tried", Rules: defaultRules(), Redirect: (*f).provider}
			so.Rules.EnforceDomain, so.Rules.PrincipalDomain = true, string(doc)
			so.Rules.UseRoles, so.Rules.TeamClaim, so.Rules.AdminPrincipals = true, "groups", []string{"zoe"}
			return so, nil
		}
	}
}

func TestTestLogin(t *testing.T) {
	var f *signOnFixture
	f = newSignOn(t, testSignOnOf(&f))
	f.people.roles["datasteward"] = entity.NewID()
	boss := entity.Principal{UserID: f.admin.ID, Name: "admin", IsAdmin: true, TokenType: TypeUser}
	f.provider.finish = func(Departure, url.Values) (Grant, error) {
		return f.grant("sub-zoe", map[string]any{"roles": []string{"DataSteward", "Nobody"}, "long": strings.Repeat("x", 500), "nonce": "secret-nonce"}), nil
	}
	try := func(doc string) TestReport {
		t.Helper()
		begun, err := f.BeginLogin(f.ctx, LoginStart{Return: "/settings", Address: "192.0.2.7", Test: []byte(doc), By: boss})
		must(t, err)
		done, err := f.FinishLogin(f.ctx, f.answer(begun))
		must(t, err)
		if done.Test == "" || done.Test != begun.Test || done.Session != "" || done.Return != "/settings" {
			t.Errorf("%+v", done)
		}
		if _, err := f.TestResult(f.ctx, entity.Principal{UserID: f.ann.ID, IsAdmin: true}, done.Test); entity.KindOf(err) != entity.KindNotFound {
			t.Errorf("somebody else reads the report: %v", err)
		}
		report, err := f.TestResult(f.ctx, boss, done.Test)
		must(t, err)
		f.clock.Advance(testLifetime)
		if _, err := f.TestResult(f.ctx, boss, done.Test); entity.KindOf(err) != entity.KindNotFound {
			t.Errorf("the report does not end: %v", err)
		}
		return report
	}
	report := try("example.org")
	if report.Outcome != "new" || report.Name != "zoe" || report.Email != "zoe@example.org" || !report.DomainAllowed || !report.Admin ||
		!report.Renewal || report.Issuer != testIssuer || strings.Join(report.Roles, " ") != "DataSteward" || strings.Join(report.UnknownRoles, " ") != "Nobody" {
		t.Errorf("%+v", report)
	}
	for _, claim := range report.Claims {
		if len(claim.Value) > maxValue+5 || claim.Name == "nonce" {
			t.Errorf("claim %+v", claim)
		}
	}
	if report := try("corp.example"); report.Outcome != "refused" || report.Code != CodeUserDomain || report.DomainAllowed || len(report.Claims) == 0 {
		t.Errorf("%+v", report)
	}
	f.provider.finish = func(Departure, url.Values) (Grant, error) { return Grant{}, Refuse(CodeClient) }
	if report := try("example.org"); report.Outcome != "refused" || report.Code != CodeClient || report.Hint == "" {
		t.Errorf("%+v", report)
	}
	if f.people.made != 0 || f.records(kindLink) != 0 || f.records(kindPerson) != 0 || !f.SignOn().Basic {
		t.Error("a test login has left something behind")
	}
	_, err := f.BeginLogin(f.ctx, LoginStart{Test: []byte("bad"), By: boss})
	if entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("%v", err)
	}
	_, err = f.BeginLogin(f.ctx, LoginStart{Test: []byte("x"), By: entity.Principal{TokenType: TypeUser}})
	wantCode(t, err, CodeType)
	_, err = f.BeginLogin(f.ctx, LoginStart{Test: []byte("x"), By: entity.Principal{TokenType: TypePersonal, IsAdmin: true}})
	wantCode(t, err, CodeType)
}

// TestTestLoginOfAnExistingUser says who it would be.
func TestTestLoginOfAnExistingUser(t *testing.T) {
	var f *signOnFixture
	f = newSignOn(t, testSignOnOf(&f))
	so, err := f.options.TestSignOn(f.ctx, []byte("example.org"))
	must(t, err)
	report, err := f.rehearse(f.ctx, so, f.grant("sub-ann", map[string]any{"email": "ann@example.org"}))
	must(t, err)
	if report.Outcome != "existing" || report.Name != "ann" || report.Admin {
		t.Errorf("%+v", report)
	}
	must(t, f.bind(f.ctx, f.identity("sub-ann", nil), f.ann))
	_, err = f.rehearse(f.ctx, so, f.grant("sub-other", map[string]any{"email": "ann@example.org"}))
	wantCode(t, err, CodeUserRelink)
	_, err = f.rehearse(f.ctx, so, f.grant("sub-bot", map[string]any{"email": "ingestion-bot@example.org"}))
	wantCode(t, err, CodeUserRelink)
}
