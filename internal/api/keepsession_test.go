package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestSessionsKeptByCookie: a page that signed in with a password hands in its refresh
// token and gets a cookie, which finds the session when the page is loaded anew.
func TestSessionsKeptByCookie(t *testing.T) {
	h := newHarness(t)
	const password = "Green-Leaf-4711!"
	h.do("POST", "/users", map[string]string{"name": "bob", "email": "bob@example.org", "password": password, "confirmPassword": password}, 201)
	access, refresh := h.login("bob", password, 200)
	keep := func(refresh, site string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/api/v1/auth/session", strings.NewReader(`{"refreshToken":"`+refresh+`"}`))
		check(t, err)
		req.Header.Set("Content-Type", "application/json")
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		resp, err := http.DefaultClient.Do(req)
		check(t, err)
		defer resp.Body.Close()
		return answer{t: t, what: "POST /auth/session", status: resp.StatusCode, header: resp.Header}
	}
	for _, site := range []string{"", "cross-site", "same-site", "none"} {
		if got := keep(refresh, site); got.status != 403 || len(got.cookies()) > 0 {
			t.Errorf("a page that is %q gets %d and the cookies %v", site, got.status, got.cookies())
		}
	}
	kept := keep(refresh, "same-origin").want(204)
	set := kept.header.Get("Set-Cookie")
	for _, flag := range []string{cookieOfSession + "=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, flag) {
			t.Errorf("the cookie lacks %s: %s", flag, set)
		}
	}
	if strings.Contains(set, refresh) {
		t.Error("the cookie holds the refresh token")
	}
	if got := keep(refresh, "same-origin"); got.status != 401 {
		t.Errorf("the refresh token works again: %d", got.status)
	}
	h.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": refresh}).want(401)

	bob := &browser{t: t, h: h, cookies: map[string]string{cookieOfSession: kept.cookies()[cookieOfSession].Value}}
	h.as(caller{token: access}, "GET", "/tables", nil).want(200)
	h.as(caller{token: bob.mustToken()}, "GET", "/tables", nil).want(200)
	list := h.as(caller{token: bob.mustToken()}, "GET", "/auth/sessions", nil).want(200)
	list.shows("data.0.current", "true", "data.1", "")

	token := bob.mustToken()
	h.as(caller{token: token}, "POST", "/users/logout", nil).want(200)
	if got := bob.token(); got.status != 401 {
		t.Errorf("the cookie of a session that was ended is answered %d", got.status)
	}
	h.as(caller{token: token}, "GET", "/tables", nil).want(401)
}
