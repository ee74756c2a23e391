package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// minSignIns is how many sign-ins at a provider two cores must do in a second.
const minSignIns = 200

// signIns lets people sign in with a browser at an identity provider: away to the
// provider, back with a code, and the token for the page.
func (o *signOn) signIns(ctx context.Context) error {
	o.server.stop()
	provider, err := newIDP(ctx)
	if err != nil {
		return err
	}
	defer provider.server.Close()
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	if o.server, err = o.beginAt(ctx, o.server.dir, address, provider.env("http://"+address)...); err != nil {
		return err
	}
	browser := newClient(o.server.url, "")
	browser.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := load{name: "sign-in at a provider", server: o.server, clients: 8, period: 2 * o.s.period, op: func(ctx context.Context, _ int) error {
		return signInAt(ctx, browser, provider, fmt.Sprintf("p%05d", rand.IntN(people)))
	}}.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(r)
	onTwoCores := 2 / r.perOp().Seconds()
	o.goal("L02 sign-ins at a provider", onTwoCores >= minSignIns, "%v of CPU each: %.0f/s on two cores, no error in %d; goal %d/s",
		r.perOp().Round(10*time.Microsecond), onTwoCores, r.ops, minSignIns)
	return nil
}

// signInAt is one sign-in of one person; the client must not follow redirects.
func signInAt(ctx context.Context, browser *client, provider *idp, person string) error {
	c := *browser
	c.forwarded = fmt.Sprintf("198.%d.%d.%d", 18+rand.IntN(2), rand.IntN(256), rand.IntN(256))
	away, err := c.visit(ctx, "/api/v1/auth/login?redirectUri=%2F", http.StatusFound, "")
	if err != nil {
		return err
	}
	back, err := provider.code(away.header.Get("Location"), person)
	if err != nil {
		return err
	}
	done, err := c.visit(ctx, "/callback?"+back, http.StatusFound, cookiesOf(away))
	if err != nil {
		return err
	}
	if to := done.header.Get("Location"); to != "/" {
		return fmt.Errorf("the sign-in of %s ends at %s", person, to)
	}
	page, err := c.visit(ctx, "/api/v1/auth/refresh", http.StatusOK, cookiesOf(done))
	if err != nil {
		return err
	}
	var t tokens
	if err := json.Unmarshal(page.body, &t); err != nil || t.Access == "" {
		return fmt.Errorf("no access token for %s: %w", person, err)
	}
	return nil
}

// visit asks for a path as a browser with cookies.
func (c *client) visit(ctx context.Context, path string, want int, cookies string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Forwarded-For", c.forwarded)
	if cookies != "" {
		req.Header.Set("Cookie", cookies)
	}
	a, err := c.read(req)
	if err == nil && a.status != want {
		err = fmt.Errorf("%s: %d instead of %d: %.300s", path, a.status, want, a.body)
	}
	return a, err
}

// cookiesOf are the cookies that an answer sets, as the browser sends them back.
func cookiesOf(a answer) string {
	var all []string
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		if cookie.MaxAge >= 0 && cookie.Value != "" {
			all = append(all, cookie.Name+"="+cookie.Value)
		}
	}
	return strings.Join(all, "; ")
}
