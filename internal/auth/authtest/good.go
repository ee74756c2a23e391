package authtest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The clients that a GoodProvider knows.
const (
	GoodWebClient    = "web"    // confidential, with GoodProvider.Secret
	GoodPublicClient = "public" // without a secret, needs PKCE
)

// GoodProvider is the OpenID provider of the project zitadel/oidc with its storage
// in memory: a second opinion on what a provider sends and accepts. It gives
// claims of the scopes profile and email in userinfo only, rotates refresh tokens,
// and signs in at once whoever comes to its login page.
type GoodProvider struct {
	Issuer string
	Secret string
	// Subject and Email are of whoever is signed in.
	Subject, Email string

	server *httptest.Server
	mu     sync.Mutex
	hits   map[string]int
}

// goodStorage adds to the library's storage where clients may go after a sign-out.
type goodStorage struct {
	*storage.Storage
	after []string
}

// GetClientByClientID finds a client.
func (s goodStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return goodClient{client, s.after}, nil
}

type goodClient struct {
	op.Client
	after []string
}

// PostLogoutRedirectURIs are the addresses to go to after a sign-out.
func (c goodClient) PostLogoutRedirectURIs() []string { return c.after }

// LoginURL is the page that signs in at once.
func (c goodClient) LoginURL(id string) string { return "/login?id=" + id }

// DevMode allows http on loopback.
func (c goodClient) DevMode() bool { return true }

// NewGoodProvider starts a provider that ends with the test. The clients may return
// to callback after a sign-in, to after after a sign-out.
func NewGoodProvider(t testing.TB, callback, after string) *GoodProvider {
	t.Helper()
	g := &GoodProvider{Secret: "s3cret " + rand.Text(), Subject: "id1", Email: "test-user@zitadel.ch", hits: map[string]int{}}
	g.server = httptest.NewUnstartedServer(nil)
	g.Issuer = "http://" + g.server.Listener.Addr().String()
	users := storage.NewUserStore(g.Issuer)
	user := users.GetUserByID(g.Subject)
	store := goodStorage{storage.NewStorageWithClients(users, map[string]*storage.Client{
		GoodWebClient:    storage.WebClient(GoodWebClient, g.Secret, callback),
		GoodPublicClient: storage.NativeClient(GoodPublicClient, callback),
	}), []string{after}}
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true, DefaultLogoutRedirectURI: "/"}
	_, _ = rand.Read(config.CryptoKey[:]) // never fails, says crypto/rand
	provider, err := op.NewProvider(config, store, op.StaticIssuer(g.Issuer), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	back := op.AuthCallbackURL(provider)
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.Handle("GET /login", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("id")
		if err := store.CheckUsernamePassword(user.Username, user.Password, id); err != nil {
			http.Error(w, "no such request", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusFound)
	}))
	g.server.Config.Handler = g.count(mux)
	g.server.Start()
	t.Cleanup(g.server.Close)
	return g
}

// Hits tells how often a path was called.
func (g *GoodProvider) Hits(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hits[path]
}

func (g *GoodProvider) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.hits[r.URL.Path]++
		g.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}
