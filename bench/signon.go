package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// What sign-on may cost.
const (
	maxRefresh    = 50 * time.Millisecond  // p99 with all sessions
	maxRevocation = 200 * time.Microsecond // of CPU, for one bot of many against one alone
	maxOwner      = 2 * time.Second        // p99 of the owner's sign-in under attack
	maxAttacked   = 400                    // MiB then
	maxDoctor     = 5 * time.Second

	people      = 10_000
	bots        = 1_000
	sessions    = 100_000
	attackRate  = 1_000                // guesses a second
	benchSecret = "Benchmark-Owner-77" //nolint:gosec // of a server that ends with the run
)

// signOn measures what authenticating costs.
type signOn struct {
	s      settings
	server *process
	admin  *client
	users  []string // ids of people
	tokens []string // of bots
	goals  []string
	missed int
}

// measureSignOn fills a directory with people, bots and sessions, and fails when a
// goal is missed.
func measureSignOn(ctx context.Context, s settings, dir string) error {
	o := &signOn{s: s}
	if err := o.bearers(ctx, filepath.Join(dir, "bearers")); err != nil {
		return fmt.Errorf("bearers: %w", err)
	}
	var err error
	if o.server, err = o.begin(ctx, filepath.Join(dir, "data")); err != nil {
		return err
	}
	defer func() { o.server.stop() }()
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"people and bots", o.fill}, {"sessions", o.fillSessions}, {"revocation", o.revocation}, {"refresh", o.refresh},
		{"doctor", o.doctor}, {"attack", o.attack},
	} {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return o.verdict()
}

// verdict prints the goals and fails when one was missed.
func (o *signOn) verdict() error {
	fmt.Println()
	for _, g := range o.goals {
		fmt.Println(g)
	}
	if o.missed > 0 {
		return fmt.Errorf("%d goals missed", o.missed)
	}
	return nil
}

func (o *signOn) goal(name string, met bool, format string, args ...any) {
	word := "met"
	if !met {
		word = "MISSED"
		o.missed++
	}
	o.goals = append(o.goals, fmt.Sprintf("%-28s %-7s %s", name, word, fmt.Sprintf(format, args...)))
}

// begin starts the server where its administrator's password is known, and tells it
// to believe a proxy about addresses.
func (o *signOn) begin(ctx context.Context, data string) (*process, error) {
	return startOn(ctx, o.s.server, data, "CATALPA_INITIAL_ADMIN_PASSWORD="+benchSecret, "CATALPA_TRUSTED_PROXIES=[127.0.0.1]")
}

type tokens struct {
	Access  string `json:"accessToken"`
	Refresh string `json:"refreshToken"`
}

func loginBody(name, password string) []byte {
	return fmt.Appendf(nil, `{"email":%q,"password":%q}`, name, base64.StdEncoding.EncodeToString([]byte(password)))
}

// signIn signs the administrator in from an address.
func (o *signOn) signIn(ctx context.Context, address string) (t tokens, err error) {
	c := newClient(o.server.url, "")
	c.forwarded = address
	answer, err := c.do(ctx, http.MethodPost, "/api/v1/users/login", jsonType, loginBody("admin", benchSecret))
	if err == nil {
		err = json.Unmarshal(answer, &t)
	}
	return t, err
}

// send sends JSON as the administrator and reads what comes back.
func (o *signOn) send(ctx context.Context, method, path, body string, into any) error {
	answer, err := o.admin.do(ctx, method, path, jsonType, []byte(body))
	if err == nil && into != nil {
		err = json.Unmarshal(answer, into)
	}
	return err
}

// fill makes people and bots, and a token for each bot.
func (o *signOn) fill(ctx context.Context) error {
	t, err := o.signIn(ctx, "192.0.2.1")
	if err != nil {
		return err
	}
	o.admin = newClient(o.server.url, t.Access)
	o.users, o.tokens = make([]string, people), make([]string, bots)
	type made struct {
		ID string `json:"id"`
	}
	r, err := load{name: "add a person", server: o.server, clients: o.s.clients, count: people, op: func(ctx context.Context, n int) error {
		var user made
		err := o.send(ctx, http.MethodPost, "/api/v1/users", fmt.Sprintf(`{"name":"p%05d","email":"p%05d@example.com"}`, n, n), &user)
		o.users[n] = user.ID
		return err
	}}.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(r)
	r, err = load{name: "add a bot and its token", server: o.server, clients: o.s.clients, count: bots, op: func(ctx context.Context, n int) error {
		var user made
		name := fmt.Sprintf("bot%04d", n)
		if err := o.send(ctx, http.MethodPost, "/api/v1/users", fmt.Sprintf(`{"name":%q,"email":"%s@example.com","isBot":true}`, name, name), &user); err != nil {
			return err
		}
		if err := o.send(ctx, http.MethodPost, "/api/v1/bots", fmt.Sprintf(`{"name":%q,"botUser":%q}`, name, name), nil); err != nil {
			return err
		}
		var token struct {
			Token string `json:"JWTToken"`
		}
		err := o.send(ctx, http.MethodPut, "/api/v1/users/generateToken/"+user.ID, `{"JWTTokenExpiry":"90"}`, &token)
		o.tokens[n] = token.Token
		return err
	}}.measure(ctx)
	if err == nil {
		fmt.Println(r)
	}
	return err
}

// revocation compares calls of one bot with calls of all in turn: what differs is how
// often the server looks whether a token still counts.
func (o *signOn) revocation(ctx context.Context) error {
	call := func(name string, some func() string) (result, error) {
		c := newClient(o.server.url, "")
		r, err := load{name: name, server: o.server, clients: 8, period: o.s.period, op: func(ctx context.Context, _ int) error {
			_, err := c.as(ctx, some(), http.MethodGet, "/api/v1/users/loggedInUser")
			return err
		}}.measure(ctx)
		if err == nil {
			fmt.Println(r)
		}
		return r, err
	}
	one, err := call("calls of one bot", func() string { return o.tokens[0] })
	if err != nil {
		return err
	}
	all, err := call("calls of 1,000 bots", func() string { return o.tokens[rand.IntN(bots)] })
	if err != nil {
		return err
	}
	added := all.perOp() - one.perOp()
	o.goal("L04 revocation check", added <= maxRevocation, "%.3f ms of CPU a call more than for one bot, goal %v", added.Seconds()*1000, maxRevocation)
	return nil
}

// refresh renews sessions of all there are, each at most once.
func (o *signOn) refresh(ctx context.Context) error {
	order := rand.Perm(sessions)
	c := newClient(o.server.url, "")
	r, err := load{name: "refresh of a session", server: o.server, clients: 2, period: o.s.period, op: func(ctx context.Context, n int) error {
		body := fmt.Sprintf(`{"refreshToken":%q}`, o.session(order[n]).String())
		_, err := c.do(ctx, http.MethodPost, "/api/v1/users/refresh", jsonType, []byte(body))
		return err
	}}.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(r)
	o.goal("L03 refresh", r.p99 <= maxRefresh, "p99 %v with %d sessions, goal %v", r.p99.Round(time.Millisecond), sessions, maxRefresh)
	return nil
}

// doctor times the examination of everything beside the running server.
func (o *signOn) doctor(ctx context.Context) error {
	begun := time.Now()
	cmd := exec.CommandContext(ctx, o.s.server, "doctor", "--data-dir", o.server.dir, "--listen", "127.0.0.1:0")
	out, err := cmd.CombinedOutput()
	took := time.Since(begun)
	if len(out) == 0 {
		return fmt.Errorf("doctor says nothing: %w", err)
	}
	fmt.Printf("%-28s %v, %d bytes of report\n", "doctor", took.Round(time.Millisecond), len(out))
	o.goal("L06 doctor", took <= maxDoctor, "%v with %d bots and %d people, goal %v", took.Round(time.Millisecond), bots, people, maxDoctor)
	return nil
}

// attack guesses passwords of all names from many addresses, as fast as it should,
// while the owner signs in where that has happened before.
func (o *signOn) attack(ctx context.Context) error {
	attacking, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	c := newClient(o.server.url, "")
	ticker := time.NewTicker(time.Second / attackRate)
	defer ticker.Stop()
	group.Go(func() {
		for n := 0; attacking.Err() == nil; n++ {
			select {
			case <-ticker.C:
			case <-attacking.Done():
				return
			}
			group.Go(func() {
				guess := *c
				guess.forwarded = fmt.Sprintf("203.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
				status, _, _ := guess.send(attacking, http.MethodPost, "/api/v1/users/login", jsonType, loginBody(fmt.Sprintf("p%05d", rand.IntN(people)), "Wrong-Guess-77"))
				mu.Lock()
				defer mu.Unlock()
				answers[status]++
			})
		}
	})
	most := 0.0
	r, err := load{name: "owner's sign-in, attacked", server: o.server, clients: 1, period: 3 * o.s.period, op: func(ctx context.Context, _ int) error {
		_, err := o.signIn(ctx, "192.0.2.1")
		most = max(most, o.server.memory())
		return err
	}}.measure(ctx)
	stop()
	group.Wait()
	if err != nil {
		return err
	}
	fmt.Println(r)
	total := 0
	for status, n := range answers {
		if status != 0 { // cut off at the end
			total += n
		}
	}
	fmt.Printf("%-28s %.0f/s answered: %d with 401, %d with 503\n", "guesses", float64(total)/r.took.Seconds(), answers[http.StatusUnauthorized], answers[http.StatusServiceUnavailable])
	o.goal("L05 owner under attack", r.p99 <= maxOwner, "p99 %v, goal %v", r.p99.Round(time.Millisecond), maxOwner)
	o.goal("L05 memory under attack", most <= maxAttacked, "%.0f MiB, goal %d", most, maxAttacked)
	return nil
}
