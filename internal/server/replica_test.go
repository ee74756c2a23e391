package server

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// byPassword are the settings where people sign in here.
func byPassword() map[string]string {
	return map[string]string{"CATALPA_INITIAL_ADMIN_PASSWORD": adminPassword}
}

// confidential are the settings of a client with a secret at the provider.
func confidential(p *authtest.GoodProvider) map[string]string {
	return map[string]string{
		"AUTHENTICATION_PROVIDER": "custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Good", "AUTHENTICATION_CLIENT_TYPE": "confidential",
		"AUTHENTICATION_AUTHORITY": p.Issuer, "AUTHENTICATION_CLIENT_ID": authtest.GoodWebClient, "AUTHENTICATION_PUBLIC_KEYS": "[" + p.Issuer + "/keys]",
		"OIDC_TYPE": "custom", "OIDC_CLIENT_ID": authtest.GoodWebClient, "OIDC_CLIENT_SECRET": p.Secret,
		"OIDC_DISCOVERY_URI": p.Issuer + "/.well-known/openid-configuration", "OIDC_SCOPE": "openid email profile offline_access",
		"AUTHORIZER_PRINCIPAL_DOMAIN": "zitadel.ch",
	}
}

// public are the settings of a client in browsers.
func public(p *authtest.BadProvider) map[string]string {
	return map[string]string{
		"AUTHENTICATION_PROVIDER": "custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Plain", "AUTHENTICATION_CLIENT_TYPE": "public",
		"AUTHENTICATION_AUTHORITY": p.Issuer(), "AUTHENTICATION_CLIENT_ID": p.ClientID, "AUTHENTICATION_PUBLIC_KEYS": "[" + p.JWKS() + "]",
	}
}

func login(password string) map[string]string {
	return map[string]string{"email": "admin@example.com", "password": base64.StdEncoding.EncodeToString([]byte(password))}
}

// signIn signs in by password and returns an administrator's tokens.
func (c *cluster) signIn() (t tokens) {
	c.t.Helper()
	c.want(http.StatusOK, c.browser(), http.MethodPost, "/api/v1/users/login", "", login(adminPassword)).read(c.t, &t)
	return t
}

// depart begins a sign-in and returns where the provider sends the browser back.
func (c *cluster) depart(b *http.Client) string {
	c.t.Helper()
	away := c.want(http.StatusFound, b, http.MethodGet, "/api/v1/auth/login?redirectUri=%2Fmy-data", "", nil)
	back, err := authtest.Visit(c.t.Context(), away.location, publicAddress)
	if err != nil {
		c.t.Fatal(err)
	}
	return back.String()
}

// arrive ends a sign-in.
func (c *cluster) arrive(b *http.Client, back string) {
	c.t.Helper()
	if done := c.want(http.StatusFound, b, http.MethodGet, back, "", nil); done.location != "/my-data" {
		c.t.Fatalf("the sign-in ends at %s", done.location)
	}
}

// access asks for the access token of a browser's session.
func (c *cluster) access(b *http.Client) string {
	c.t.Helper()
	var t tokens
	c.want(http.StatusOK, b, http.MethodGet, "/api/v1/auth/refresh", "", nil).read(c.t, &t)
	return t.Access
}

// bot gives the id of the ingestion bot's user, and a token for it.
func (c *cluster) bot(admin string) (id, token string) {
	c.t.Helper()
	var user struct {
		ID string `json:"id"`
	}
	c.want(http.StatusOK, c.browser(), http.MethodGet, "/api/v1/users/name/ingestion-bot", admin, nil).read(c.t, &user)
	var made struct {
		Token string `json:"JWTToken"`
	}
	c.want(http.StatusOK, c.browser(), http.MethodPut, "/api/v1/users/generateToken/"+user.ID, admin, map[string]string{"JWTTokenExpiry": "OneHour"}).read(c.t, &made)
	return user.ID, made.Token
}

// refusedSoon waits until each replica refuses a token that one of them was told to
// refuse just now.
func (c *cluster) refusedSoon(token string) {
	c.t.Helper()
	for i, r := range c.replicas {
		client := &http.Client{Transport: only{c, r}}
		until(c.t, time.Second, fmt.Sprint("replica ", i, " refuses the token"), func() bool {
			answer, err := ask(c.t.Context(), client, http.MethodGet, loggedIn, token, nil)
			return err == nil && answer.status == http.StatusUnauthorized
		})
	}
}

// TestReplicasOfAPublicClient sends each request to the next of three replicas.
func TestReplicasOfAPublicClient(t *testing.T) {
	t.Parallel()
	p := authtest.NewBadProvider(t)
	p.Public()
	c := startCluster(t, public(p))
	c.run("F08 A", func(t *testing.T) {
		token := p.Mint(nil, nil)
		c.everywhere(token, "alice")
		c.want(http.StatusOK, c.browser(), http.MethodPost, "/api/v1/users/logout", token, map[string]string{})
		c.refusedSoon(token)
	})
}

// TestReplicasOfAConfidentialClient sends each request to the next of three replicas.
func TestReplicasOfAConfidentialClient(t *testing.T) {
	t.Parallel()
	c := startCluster(t, confidential(authtest.NewGoodProvider(t, publicAddress+"/callback", publicAddress+"/signed-out")))
	c.run("F08 B", c.redirectFlow)
	c.run("F06 killed between redirect and callback", c.killedBetween)
	c.run("F07 rolling upgrade", c.rollingUpgrade)
}

// TestReplicasWithPasswords sends each request to the next of three replicas.
func TestReplicasWithPasswords(t *testing.T) {
	t.Parallel()
	env := byPassword()
	env["CATALPA_TRUSTED_PROXIES"] = "[127.0.0.1]"
	c := startCluster(t, env)
	admin := c.signIn()
	c.run("F08 C and D", func(t *testing.T) { admin = c.passwordsAndBots(t, admin) })
	c.run("T58 revoked elsewhere", func(t *testing.T) { c.revokedElsewhere(t, admin.Access) })
	c.run("T46 guesses over replicas", c.guessesOverReplicas)
	c.run("F05 store away", c.storeAway)
	c.run("killed replicas lose nothing", c.killedLoseNothing)
}

func (c *cluster) redirectFlow(t *testing.T) {
	b := c.browser()
	c.arrive(b, c.depart(b))
	token := ""
	for range 2 * len(c.replicas) {
		token = c.access(b)
	}
	c.everywhere(token, "test-user")
	c.want(http.StatusOK, b, http.MethodPost, "/api/v1/auth/logout", token, nil)
	c.refusedSoon(token)
}

func (c *cluster) passwordsAndBots(t *testing.T, now tokens) tokens {
	for range 2 * len(c.replicas) {
		c.everywhere(now.Access, "admin")
		c.want(http.StatusOK, c.browser(), http.MethodPost, "/api/v1/users/refresh", "", map[string]string{"refreshToken": now.Refresh}).read(t, &now)
	}
	_, bot := c.bot(now.Access)
	c.everywhere(bot, "ingestion-bot")
	return now
}

// killedBetween kills the replica that sent the browser to the provider, again and
// again.
func (c *cluster) killedBetween(t *testing.T) {
	sessions := []*http.Client{}
	for i := range 20 {
		r := c.replicas[i%len(c.replicas)]
		b := c.browser()
		b.Transport = only{c, r}
		back := c.depart(b)
		c.kill(r)
		b.Transport = c
		c.arrive(b, back)
		c.access(b)
		sessions = append(sessions, b)
		c.start(r)
	}
	if c.refused.Load() == 0 {
		t.Error("no request ever went to a replica that was killed")
	}
	for _, b := range sessions {
		c.everywhere(c.access(b), "test-user")
	}
}

// rollingUpgrade stops and starts one replica after the other while people and bots
// work.
func (c *cluster) rollingUpgrade(t *testing.T) {
	cfg, err := c.replicas[0].order.config()
	if err != nil {
		t.Fatal(err)
	}
	bot, err := BotToken(t.Context(), cfg, "ingestion-bot", "OneHour")
	if err != nil {
		t.Fatal(err)
	}
	b := c.browser()
	c.arrive(b, c.depart(b))
	person := c.access(b)

	plain := c.browser()
	expect := func(client *http.Client, path, bearer string) error {
		r, err := ask(t.Context(), client, http.MethodGet, path, bearer, nil)
		if err == nil && r.status != http.StatusOK {
			err = fmt.Errorf("%s: status %d, code %q", path, r.status, r.code)
		}
		return err
	}
	stop := together(2, func() error {
		return errors.Join(expect(plain, loggedIn, bot), expect(plain, loggedIn, person), expect(b, "/api/v1/auth/refresh", ""))
	})
	for range 2 {
		for _, r := range c.replicas {
			c.restart(r)
		}
	}
	calls, failed := stop()
	if len(failed) > 0 || calls == 0 {
		t.Errorf("%d of %d rounds of calls failed, first %v", len(failed), calls, errors.Join(failed[:min(len(failed), 3)]...))
	}
	c.everywhere(c.access(b), "test-user")
	c.everywhere(bot, "ingestion-bot")
}

// revokedElsewhere revokes a bot's token at one replica.
func (c *cluster) revokedElsewhere(t *testing.T, admin string) {
	for i := range 5 {
		id, token := c.bot(admin)
		c.everywhere(token, "ingestion-bot")
		one := &http.Client{Transport: only{c, c.replicas[i%len(c.replicas)]}}
		c.want(http.StatusOK, one, http.MethodPut, "/api/v1/users/revokeToken", admin, map[string]string{"id": id})
		if r, err := ask(t.Context(), one, http.MethodGet, loggedIn, token, nil); err != nil || r.code != auth.CodeBotStale {
			t.Errorf("the replica itself answers %d %q, %v", r.status, r.code, err)
		}
		c.refusedSoon(token)
	}
}

// guessesOverReplicas guesses at all replicas at once, from two addresses.
func (c *cluster) guessesOverReplicas(t *testing.T) {
	for i := range 2 {
		stranger := &http.Client{Transport: forwarded{c, fmt.Sprint("203.0.113.", i)}}
		begun := time.Now()
		var evaluated, guesses atomic.Int64
		var group sync.WaitGroup
		for range 9 {
			group.Go(func() {
				for guesses.Add(1) <= 100 {
					r, err := ask(t.Context(), stranger, http.MethodPost, "/api/v1/users/login", "", login("Wrong-Guess-77"))
					switch {
					case err != nil:
						t.Error(err)
					case r.code == auth.CodeLogin:
						evaluated.Add(1)
					case r.code != auth.CodeThrottled:
						t.Errorf("a guess is answered with status %d, code %q", r.status, r.code)
					}
				}
			})
		}
		group.Wait()
		// Three, and more only when the first delay of 30 seconds is over.
		if n := evaluated.Load(); n < 3 || n > 3 && time.Since(begun) < 30*time.Second || n > 30 {
			t.Errorf("%d guesses of 100 from one address were evaluated", n)
		}
	}
	owner := &http.Client{Transport: forwarded{c, "192.0.2.1"}}
	c.want(http.StatusOK, owner, http.MethodPost, "/api/v1/users/login", "", login(adminPassword))
}

// storeAway takes the database away for longer than the replicas wait for it.
func (c *cluster) storeAway(t *testing.T) {
	var sessions []tokens
	for range c.replicas {
		sessions = append(sessions, c.signIn())
	}
	db, err := sql.Open("sqlite", filepath.Join(c.dir, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held, err := db.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = held.ExecContext(t.Context(), "UPDATE state SET generation = generation")
	}
	if err != nil {
		t.Fatal(err)
	}
	refresh := func(s tokens) (reply, error) {
		return ask(t.Context(), c.browser(), http.MethodPost, "/api/v1/users/refresh", "", map[string]string{"refreshToken": s.Refresh})
	}
	var group sync.WaitGroup
	for _, s := range sessions {
		group.Go(func() {
			if r, err := refresh(s); err != nil || r.status != http.StatusServiceUnavailable {
				t.Errorf("without the store: status %d, code %q, %v", r.status, r.code, err)
			}
		})
	}
	group.Wait()
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		c.everywhere(s.Access, "admin")
		if r, err := refresh(s); err != nil || r.status != http.StatusOK {
			t.Errorf("with the store again: status %d, code %q, %v", r.status, r.code, err)
		}
	}
}

// killedLoseNothing kills all replicas as soon as something was acknowledged: a
// sign-in, a token, its end, the keys of the first start.
func (c *cluster) killedLoseNothing(t *testing.T) {
	crash := func() {
		for _, r := range c.replicas {
			c.kill(r)
		}
		for _, r := range c.replicas {
			c.start(r)
		}
	}
	now := c.signIn()
	crash()
	c.everywhere(now.Access, "admin")
	var next tokens
	c.want(http.StatusOK, c.browser(), http.MethodPost, "/api/v1/users/refresh", "", map[string]string{"refreshToken": now.Refresh}).read(t, &next)
	crash()
	c.everywhere(next.Access, "admin")
	id, token := c.bot(next.Access)
	crash()
	c.everywhere(token, "ingestion-bot")
	c.want(http.StatusOK, c.browser(), http.MethodPut, "/api/v1/users/revokeToken", next.Access, map[string]string{"id": id})
	crash()
	for _, r := range c.replicas {
		c.want(http.StatusUnauthorized, &http.Client{Transport: only{c, r}}, http.MethodGet, loggedIn, token, nil)
	}
}

// TestReplicasAndServersExclude: whoever has the data directory alone, and whoever
// shares it, keep each other out.
func TestReplicasAndServersExclude(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	cfg := settings(t, dir)
	own := filepath.Join(t.TempDir(), "own")
	try := func(replica string) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		return Run(ctx, cfg, Options{Replica: replica, Stdout: new(output), Stderr: new(output), Ready: func(string) { cancel() }})
	}
	alone := start(t, cfg, false)
	if err := try(own); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a replica beside a server gives %v", err)
	}
	if err := alone.stop(); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	r := &replica{order: replicaOrder{Data: dir, Own: own}, log: new(output)}
	c.start(r)
	if err := try(""); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a server beside a replica gives %v", err)
	}
	if err := try(own); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a replica with the directory of another one gives %v", err)
	}
	if err := Reindex(t.Context(), cfg, func(int, int) {}); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("reindex beside a replica gives %v", err)
	}
	if err := try(filepath.Join(t.TempDir(), "another")); err != nil {
		t.Errorf("another replica ends with %v", err)
	}
	if err := r.end(syscall.SIGTERM); err != nil {
		t.Errorf("the replica ended with %v\n%s", err, r.log)
	}
	if err := try(""); err != nil {
		t.Errorf("a server after the replicas ends with %v", err)
	}
}
