package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// accountHarness is a server where people keep passwords, register and get mail.
type accountHarness struct {
	*harness
	service *auth.Service
	hasher  *password.Hasher
	post    *outbox
}

// outbox keeps mails instead of sending them.
type outbox struct {
	mu    sync.Mutex
	mails []auth.Mail
	fails bool
}

func (o *outbox) Send(_ context.Context, m auth.Mail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails {
		return errors.New("535 5.7.8 authentication failed for mailer")
	}
	o.mails = append(o.mails, m)
	return nil
}

// testDirectory makes users through the engine.
type testDirectory struct {
	testUsers
	engine *engine.Engine
}

func (d testDirectory) user() *registry.Type {
	t, _ := d.engine.Registry().ByName("user")
	return t
}

func (d testDirectory) ByName(ctx context.Context, name string) (auth.User, error) {
	return d.testUsers.ByName(ctx, entity.QuoteName(name))
}

func (d testDirectory) CreatePerson(ctx context.Context, p auth.Person) (auth.User, error) {
	if _, err := d.ByEmail(ctx, p.Email); err == nil {
		return auth.User{}, entity.Conflict("email taken")
	}
	body := fmt.Appendf(nil, `{"name":%q,"email":%q,"displayName":%q}`, p.Name, p.Email, p.DisplayName)
	if _, err := d.engine.Create(ctx, entity.System(), d.user(), body, engine.View{}); err != nil {
		return auth.User{}, err
	}
	return d.ByName(ctx, p.Name)
}

func (testDirectory) SetAdmin(context.Context, entity.ID, bool) error {
	return errors.New("no test needs this")
}

func (testDirectory) Roles(context.Context, []string) (map[string]entity.ID, error) { return nil, nil }

func (testDirectory) Groups(context.Context, []string) (map[string]entity.ID, error) { return nil, nil }

func (testDirectory) Grants(context.Context, entity.ID) (auth.Grants, error) {
	return auth.Grants{}, nil
}

func (testDirectory) Regrant(context.Context, entity.ID, auth.Grants, auth.Grants) error { return nil }

// newAccountHarness starts one; the rules say who may register. withMail false is a
// server without a mail server.
func newAccountHarness(t testing.TB, rules auth.Rules, withMail bool) *accountHarness {
	t.Helper()
	h := &accountHarness{harness: newHarness(t), post: new(outbox)}
	s, err := sharedParts()
	check(t, err)
	h.hasher, err = password.NewHasher(bcrypt.MinCost)
	check(t, err)
	log := slog.New(slog.DiscardHandler)
	options := auth.Options{
		Store: h.store, Directory: testDirectory{testUsers{h.store}, h.engine}, Keys: s.keys, Sealer: h.api.auth.Sealer(),
		DataDir: t.TempDir(), Hasher: h.hasher, Log: log,
	}
	if withMail {
		options.Mailer = h.post
	}
	h.service, err = auth.New(t.Context(), options)
	check(t, err)
	t.Cleanup(func() { _ = h.service.Close(context.Background()) })
	h.service.SetSignOn(&auth.SignOn{Provider: "basic", Basic: true, Rules: rules})
	old := h.api
	h.api = New(Options{
		Engine: h.engine, Auth: h.service, Index: old.index, Indexer: old.indexer, Limits: old.limits, Version: "test", Wire: "1.12.14",
		Settings: Settings{ClusterName: "test", Provider: "basic", AccessLifetime: time.Hour}, Log: log,
	})
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// open lets everybody register.
func open() auth.Rules {
	return auth.Rules{SelfSignup: true, RegistrationDomains: []string{"all"}, AdminPrincipals: []string{"root", "boss@example.org"}}
}

// mailed waits for what goes on in the background and returns the mails so far.
func (h *accountHarness) mailed() []auth.Mail {
	h.t.Helper()
	h.service.Settle()
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	return append([]auth.Mail(nil), h.post.mails...)
}

// lastMail returns the newest one, which must be of this kind and to this address.
func (h *accountHarness) lastMail(kind auth.MailKind, to string) auth.Mail {
	h.t.Helper()
	mails := h.mailed()
	if len(mails) == 0 {
		h.t.Fatal("there is no mail")
	}
	last := mails[len(mails)-1]
	if last.Kind != kind || last.To != to {
		h.t.Fatalf("the last mail is %s to %s, want %s to %s", last.Kind, last.To, kind, to)
	}
	return last
}

// person makes a user with a password.
func (h *accountHarness) person(name, plain string) entity.ID {
	h.t.Helper()
	made := h.do("POST", "/users", map[string]any{
		"name": name, "email": name + "@example.org", "password": plain, "confirmPassword": plain,
	}, 201)
	id, err := entity.ParseID(made.id())
	check(h.t, err)
	return id
}

// public sends a request without a credential.
func (h *accountHarness) public(method, path string, body any) answer {
	h.t.Helper()
	return h.as(caller{}, method, path, body)
}
