package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
)

// timedHarness is a server whose sign-in follows a clock that the test sets, and that
// logs all there is.
type timedHarness struct {
	*harness
	log *logged

	mu  sync.Mutex
	now time.Time
}

// logged is what a server logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newTimedHarness(t testing.TB) *timedHarness {
	t.Helper()
	h := &timedHarness{harness: newHarness(t), log: new(logged), now: time.Now().Truncate(time.Millisecond)}
	s, err := sharedParts()
	check(t, err)
	hasher, err := password.NewHasher(bcrypt.MinCost)
	check(t, err)
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	service, err := auth.New(t.Context(), auth.Options{
		Store: h.store, Directory: testDirectory{testUsers{h.store}, h.engine}, Keys: s.keys, Sealer: h.api.auth.Sealer(),
		Hasher: hasher, Log: log, Clock: h.clock, Route: RouteOf,
	})
	check(t, err)
	t.Cleanup(func() { _ = service.Close(context.Background()) })
	service.SetSignOn(&auth.SignOn{Provider: "basic", Basic: true})
	h.engine.UseFarewell(service.Farewell)
	old := h.api
	h.api = New(Options{
		Engine: h.engine, Auth: service, Index: old.index, Indexer: old.indexer, Limits: old.limits, Version: "test", Wire: "1.12.14",
		Settings: Settings{ClusterName: "test", Provider: "basic", AccessLifetime: time.Hour}, Log: log,
	})
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *timedHarness) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *timedHarness) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// refusals counts the entries of the trail about a code; done those about an action
// and a user.
func (h *harness) refusals(code string) int {
	h.t.Helper()
	var page struct {
		Data []auth.AuditEntry `json:"data"`
	}
	h.do("GET", "/system/security/refusals?limit=1000&code="+code, nil, 200).into(&page)
	count := 0
	for _, e := range page.Data {
		count += e.Count
	}
	return count
}

func (h *harness) done(action, user string) int {
	h.t.Helper()
	var page struct {
		Data []auth.AuditEntry `json:"data"`
	}
	h.do("GET", "/system/security/audit?limit=1000&action="+action+"&user="+user, nil, 200).into(&page)
	return len(page.Data)
}

// pair is what a sign-in or a refresh gives.
type pair struct {
	Access  string `json:"accessToken"`
	Refresh string `json:"refreshToken"`
}

// refreshTest is one of the attacks of T57, on a person of its own.
type refreshTest struct {
	*harness
	wait    func(time.Duration)
	name    string
	id      string
	secrets []string
}

// signIn signs the person in at one more place.
func (r *refreshTest) signIn() (p pair) {
	r.t.Helper()
	r.as(caller{}, "POST", "/users/login", map[string]string{"email": r.name, "password": inBase64(firstPassword)}).want(200).into(&p)
	r.secrets = append(r.secrets, p.Access, p.Refresh)
	return p
}

func (r *refreshTest) present(p pair) answer {
	r.t.Helper()
	return r.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": p.Refresh})
}

// renewed presents a refresh token that must work.
func (r *refreshTest) renewed(p pair) (next pair) {
	r.t.Helper()
	r.present(p).want(200).into(&next)
	r.secrets = append(r.secrets, next.Access, next.Refresh)
	r.as(caller{token: next.Access}, "GET", "/users/loggedInUser", nil).want(200).shows("name", r.name)
	return next
}

// refused presents a refresh token that must not work: one entry of the trail, and
// nothing that would help to go on.
func (r *refreshTest) refused(what string, p pair) {
	r.t.Helper()
	before := r.refusals(auth.CodeRefresh)
	got := r.present(p)
	if got.status != 401 || got.at("errorCode") != auth.CodeRefresh {
		r.t.Errorf("T57: %s is answered %d, want 401 %s: %s", what, got.status, auth.CodeRefresh, got.body)
	}
	got.lacks("accessToken").lacks(p.Refresh)
	if n := r.refusals(auth.CodeRefresh) - before; n != 1 {
		r.t.Errorf("T57: %s is %d entries of the trail, want one", what, n)
	}
}

// ended wants an access token refused.
func (r *refreshTest) ended(what string, p pair, code string) {
	r.t.Helper()
	if got := r.as(caller{token: p.Access}, "GET", "/users/loggedInUser", nil); got.status != 401 || got.at("errorCode") != code {
		r.t.Errorf("T57: %s: its access token is answered %d, want 401 %s: %s", what, got.status, code, got.body)
	}
}

func (r *refreshTest) replays(want int) {
	r.t.Helper()
	if got := r.done("sessionEndedByReplay", r.name); got != want {
		r.t.Errorf("T57: %d entries of the trail say that a replay ended a session, want %d", got, want)
	}
}

// atOnce presents a refresh token n times at once and returns the one that follows,
// which must be the same for all.
func (r *refreshTest) atOnce(n int, p pair) pair {
	r.t.Helper()
	answers := make([]answer, n)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = r.present(p) })
	}
	group.Wait()
	var first pair
	for i, a := range answers {
		var next pair
		a.want(200).into(&next)
		r.secrets = append(r.secrets, next.Access, next.Refresh)
		if i == 0 {
			first = next
		}
		if next.Refresh != first.Refresh || next.Refresh == p.Refresh {
			r.t.Fatalf("T57: %d at once: the session forked", n)
		}
		r.as(caller{token: next.Access}, "GET", "/users/loggedInUser", nil).want(200)
	}
	return first
}

// TestT57RefreshTokens: a refresh token works once. Within ten seconds it gives the
// same again, for tabs that ask at the same moment; later somebody has a copy, and
// the session ends. What ended by other means stays so.
func TestT57RefreshTokens(t *testing.T) {
	h := newTimedHarness(t)
	var secrets []string
	for name, attack := range map[string]func(*refreshTest){
		"reuse": func(r *refreshTest) {
			first, other := r.signIn(), r.signIn()
			second := r.renewed(first)
			r.wait(10 * time.Second)
			if again := r.renewed(first); again.Refresh != second.Refresh {
				r.t.Error("T57: within the grace there is another successor")
			}
			third := r.renewed(second)
			r.replays(0)
			r.wait(10*time.Second + time.Millisecond)
			r.refused("reuse after the grace", second)
			r.replays(1)
			r.refused("the newest token of a family that ended", third)
			r.ended("reuse after the grace", third, auth.CodeRevoked)
			r.ended("reuse after the grace, first of the family", first, auth.CodeRevoked)
			r.replays(1)
			r.renewed(other) // another sign-in is another family
		},
		"older": func(r *refreshTest) {
			first := r.signIn()
			third := r.renewed(r.renewed(first))
			r.refused("a token from before the last, within the grace", first)
			r.refused("the newest token after that", third)
			r.replays(1)
		},
		"tabs": func(r *refreshTest) {
			next := r.atOnce(2, r.signIn())
			r.wait(time.Minute)
			r.renewed(next)
			r.replays(0)
		},
		"crowd": func(r *refreshTest) {
			first := r.signIn()
			next := r.atOnce(50, first)
			r.replays(0)
			r.wait(time.Minute)
			r.refused("the token of fifty, later", first)
			r.refused("what came after the token of fifty", next)
			r.replays(1)
		},
		"logout": func(r *refreshTest) {
			first := r.signIn()
			next := r.renewed(first)
			r.as(caller{token: next.Access}, "POST", "/users/logout", map[string]string{}).want(200)
			for _, p := range []pair{next, first} {
				r.refused("after signing out", p)
				r.ended("after signing out", p, auth.CodeRevoked)
			}
			r.replays(0)
		},
		"password": func(r *refreshTest) {
			here, there := r.signIn(), r.signIn()
			change := map[string]string{"requestType": "SELF", "username": r.name, "oldPassword": firstPassword, "newPassword": secondPassword, "confirmPassword": secondPassword}
			r.as(caller{token: here.Access}, "PUT", "/users/changePassword", change).want(200)
			r.refused("elsewhere, after the password was changed", there)
			r.ended("elsewhere, after the password was changed", there, auth.CodeRevoked)
			here = r.renewed(here) // who changed it goes on
			change["requestType"], change["newPassword"], change["confirmPassword"] = "USER", firstPassword, firstPassword
			r.do("PUT", "/users/changePassword", change, 200)
			r.refused("after an administrator changed the password", here)
			r.ended("after an administrator changed the password", here, auth.CodeRevoked)
			r.replays(0)
		},
		"deleted": func(r *refreshTest) {
			first := r.signIn()
			next := r.renewed(first)
			r.do("DELETE", "/users/"+r.id, nil, 200)
			r.refused("of a user who was deleted", next)
			r.ended("of a user who was deleted", next, auth.CodeUserGone)
			r.do("PUT", "/users/restore", map[string]string{"id": r.id}, 200)
			r.refused("of a user who was deleted and restored", next)
			r.ended("of a user who was deleted and restored", next, auth.CodeRevoked)
			last := r.signIn()
			r.do("DELETE", "/users/"+r.id+"?hardDelete=true", nil, 200)
			r.refused("of a user who was deleted for good", last)
			r.ended("of a user who was deleted for good", last, auth.CodeUserGone)
			r.replays(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			own := *h.harness
			own.t = t
			r := &refreshTest{harness: &own, wait: h.wait, name: name}
			r.id = h.do("POST", "/users", map[string]string{
				"name": name, "email": name + "@example.org", "password": firstPassword, "confirmPassword": firstPassword,
			}, 201).id()
			attack(r)
			secrets = append(secrets, r.secrets...)
		})
	}
	printed := h.log.String()
	if !strings.Contains(printed, auth.CodeRefresh) {
		t.Error("the log tells nothing of the refusals; the test would not see a credential there")
	}
	for _, secret := range append(secrets, firstPassword, secondPassword) {
		if part := secret[strings.LastIndexByte(secret, '.')+1:]; strings.Contains(printed, part) {
			t.Errorf("T57: a credential is in the log: %.8s...", part)
		}
	}
}
