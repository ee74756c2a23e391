package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

const (
	testIssuer = "https://idp.example/"
	testClient = "client-1"
)

// providerKeys are made once for all tests.
var providerKeys = sync.OnceValues(func() (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return r, e
})

// people is a directory in memory.
type people struct {
	*testUsers
	touch   func(entity.ID)
	mu      sync.Mutex
	made    int
	regrant int
	roles   map[string]entity.ID // by name in lower case
	groups  map[string]entity.ID
	grants  map[entity.ID]Grants
	asked   int // names looked up at most in one call
}

func (p *people) CreatePerson(_ context.Context, who Person) (User, error) {
	p.testUsers.mu.Lock()
	defer p.testUsers.mu.Unlock()
	for _, user := range p.byID {
		if user.Name == who.Name || strings.EqualFold(user.Email, who.Email) {
			return User{}, entity.Conflict("taken")
		}
	}
	user := User{ID: entity.NewID(), Name: who.Name, Email: who.Email}
	p.byID[user.ID] = user
	p.made++
	return user, nil
}

func (p *people) SetAdmin(_ context.Context, id entity.ID, admin bool) error {
	p.testUsers.mu.Lock()
	others := 0
	for other, user := range p.byID {
		if other != id && user.IsAdmin {
			others++
		}
	}
	if !admin && others == 0 {
		p.testUsers.mu.Unlock()
		return entity.Conflict("the last administrator")
	}
	user := p.byID[id]
	user.IsAdmin = admin
	p.byID[id] = user
	p.testUsers.mu.Unlock()
	p.touch(id)
	return nil
}

func (p *people) lookup(in map[string]entity.ID, names []string) map[string]entity.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = max(p.asked, len(names))
	found := map[string]entity.ID{}
	for _, name := range names {
		if id, ok := in[strings.ToLower(name)]; ok {
			found[strings.ToLower(name)] = id
		}
	}
	return found
}

func (p *people) Roles(_ context.Context, names []string) (map[string]entity.ID, error) {
	return p.lookup(p.roles, names), nil
}

func (p *people) Groups(_ context.Context, names []string) (map[string]entity.ID, error) {
	return p.lookup(p.groups, names), nil
}

func (p *people) Grants(_ context.Context, user entity.ID) (Grants, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.grants[user], nil
}

func (p *people) Regrant(_ context.Context, user entity.ID, add, remove Grants) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.regrant++
	apply := func(has, add, remove []entity.ID) []entity.ID {
		has = slices.DeleteFunc(slices.Clone(has), func(id entity.ID) bool { return slices.Contains(remove, id) })
		return append(has, add...)
	}
	g := p.grants[user]
	p.grants[user] = Grants{Roles: apply(g.Roles, add.Roles, remove.Roles), Teams: apply(g.Teams, add.Teams, remove.Teams)}
	return nil
}

// fakeProvider is an identity provider of the test's making.
type fakeProvider struct {
	mu       sync.Mutex
	begun    []Departure
	finish   func(Departure, url.Values) (Grant, error)
	renew    func(refreshToken string) (Grant, error)
	renewals []string
	revoked  []string
	logout   func(token string) (issuer, subject, session string, err error)
}

func (p *fakeProvider) Start(_ context.Context, d *Departure) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.Note = "request-7"
	p.begun = append(p.begun, *d)
	return testIssuer + "authorize?state=" + url.QueryEscape(d.State), nil
}

func (p *fakeProvider) Finish(_ context.Context, d Departure, answer url.Values) (Grant, error) {
	return p.finish(d, answer)
}

func (p *fakeProvider) SignOut(idToken, session, back string) string {
	return testIssuer + "logout?id=" + idToken + "&sid=" + session + "&back=" + back
}

func (p *fakeProvider) Renew(_ context.Context, refreshToken string) (Grant, error) {
	p.mu.Lock()
	p.renewals = append(p.renewals, refreshToken)
	p.mu.Unlock()
	return p.renew(refreshToken)
}

func (p *fakeProvider) Revoke(_ context.Context, refreshToken string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked = append(p.revoked, refreshToken)
	return nil
}

func (p *fakeProvider) ReadLogout(_ context.Context, token string) (issuer, subject, session string, err error) {
	return p.logout(token)
}

func (p *fakeProvider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.renewals)
}

// signOnFixture is a service in front of a provider.
type signOnFixture struct {
	*fixture
	people   *people
	provider *fakeProvider
}

func newSignOn(t testing.TB, adjust ...func(*Options)) *signOnFixture {
	t.Helper()
	p := &people{grants: map[entity.ID]Grants{}, roles: map[string]entity.ID{}, groups: map[string]entity.ID{}}
	f := newFixture(t, append([]func(*Options){func(o *Options) {
		p.testUsers = o.Users.(*testUsers)
		o.Users, o.Directory = p, p
	}}, adjust...)...)
	p.touch = f.touch
	sf := &signOnFixture{fixture: f, people: p, provider: &fakeProvider{}}
	sf.provider.finish = func(Departure, url.Values) (Grant, error) { return sf.grant("sub-zoe", nil), nil }
	return sf
}

func defaultRules() Rules {
	return Rules{PrincipalDomain: "example.org", SelfSignup: true, RegistrationDomains: []string{"all"}}
}

// public puts a public client's provider in force.
func (f *signOnFixture) public(change ...func(*SignOn)) *SignOn {
	so := &SignOn{
		Provider: "auth0", Identity: testIssuer + " " + testClient, Rules: defaultRules(),
		Trust: &Trust{
			Issuer: testIssuer, Audiences: []string{testClient}, Party: testClient,
			Algorithms: []string{"RS256", "PS256", "ES256"}, Skew: 30 * time.Second, Key: providerKey,
		},
	}
	for _, c := range change {
		c(so)
	}
	f.SetSignOn(so)
	return so
}

// confidential puts a provider in force that the server makes the round trip to.
func (f *signOnFixture) confidential(change ...func(*SignOn)) {
	so := &SignOn{
		Provider: "auth0", Identity: testIssuer + " " + testClient, Rules: defaultRules(), Redirect: f.provider,
		AccessLifetime: time.Hour, SessionLifetime: 24 * time.Hour, IdleLifetime: 8 * time.Hour,
	}
	for _, c := range change {
		c(so)
	}
	f.SetSignOn(so)
}

func providerKey(_ context.Context, kid, alg string) (crypto.PublicKey, error) {
	r, e := providerKeys()
	switch {
	case kid == "rsa" && alg[0] != 'E':
		return &r.PublicKey, nil
	case kid == "ec" || kid == "rsa":
		return &e.PublicKey, nil
	}
	return nil, Refuse(CodeKeyID)
}

// claimsOf are the claims of a good ID token with some changed; nil removes one.
func (f *signOnFixture) claimsOf(sub string, changes map[string]any) map[string]any {
	now := f.clock.Now().Unix()
	claims := map[string]any{
		"iss": testIssuer, "sub": sub, "aud": testClient, "iat": now, "exp": now + 3600,
		"email": "zoe@example.org", "email_verified": true, "name": "Zoe Z",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func (f *signOnFixture) idToken(sub string, changes map[string]any) string {
	f.t.Helper()
	private, _ := providerKeys()
	return signWith(f.t, jwt.SigningMethodRS256, private, `{"alg":"RS256","kid":"rsa"}`, f.json(f.claimsOf(sub, changes)))
}

func (f *signOnFixture) json(v any) string {
	f.t.Helper()
	data, err := json.Marshal(v, json.Deterministic(true))
	must(f.t, err)
	return string(data)
}

func (f *signOnFixture) identity(sub string, changes map[string]any) Identity {
	f.t.Helper()
	id := Identity{Issuer: testIssuer, Subject: sub}
	must(f.t, json.Unmarshal([]byte(f.json(f.claimsOf(sub, changes))), &id.Claims))
	return id
}

func (f *signOnFixture) grant(sub string, changes map[string]any) Grant {
	return Grant{Identity: f.identity(sub, changes), RefreshToken: "refresh-0", IDToken: "id-token-0", Session: "sid-" + sub, Expires: f.clock.Now().Add(time.Hour)}
}

// person signs an ID token in and returns the caller.
func (f *signOnFixture) person(sub string, changes map[string]any) (entity.Principal, error) {
	f.t.Helper()
	return f.use(f.idToken(sub, changes))
}

func (f *signOnFixture) zoe() User {
	f.t.Helper()
	user, err := f.people.ByName(f.ctx, "zoe")
	must(f.t, err)
	return user
}

// trip begins a sign-in and returns what the browser will bring back.
func (f *signOnFixture) trip() (LoginRedirect, LoginReturn) {
	f.t.Helper()
	begun, err := f.BeginLogin(f.ctx, LoginStart{Return: "/explore", Address: "192.0.2.7"})
	must(f.t, err)
	return begun, f.answer(begun)
}

func (f *signOnFixture) answer(begun LoginRedirect) LoginReturn {
	f.t.Helper()
	address, err := url.Parse(begun.URL)
	must(f.t, err)
	return LoginReturn{
		Params:  url.Values{"state": {address.Query().Get("state")}, "code": {"code-1"}},
		Cookies: map[string]string{begun.Cookie: begun.Value}, Address: "192.0.2.7",
	}
}

// signedIn makes a whole round trip.
func (f *signOnFixture) signedIn() LoginDone {
	f.t.Helper()
	_, back := f.trip()
	done, err := f.FinishLogin(f.ctx, back)
	must(f.t, err)
	return done
}

// audited tells how often the trail has an action.
func (f *signOnFixture) audited(action string) int {
	f.t.Helper()
	must(f.t, f.trail.flush(f.ctx))
	entries, err := f.Audit(f.ctx, 1000)
	must(f.t, err)
	n := 0
	for _, e := range entries {
		if e.Action == action {
			n++
		}
	}
	return n
}

func raw(text string) jsontext.Value { return jsontext.Value(text) }
