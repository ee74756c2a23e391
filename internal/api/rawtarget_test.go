package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawRequest sends bytes and returns the status of the first answer, and whether the
// server closed the connection after it. Nothing that follows must be answered.
func (h *harness) rawRequest(t *testing.T, text string) (status int, answers int) {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	check(t, err)
	defer func() { _ = conn.Close() }()
	check(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = io.WriteString(conn, text)
	check(t, err)
	if tcp, ok := conn.(*net.TCPConn); ok {
		check(t, tcp.CloseWrite())
	}
	reader := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			return status, answers
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		answers++
		if status == 0 {
			status = resp.StatusCode
		}
	}
}

func TestT26SmugglingIsRefused(t *testing.T) {
	h := newHarness(t)
	const hidden = "GET /api/v1/system/version HTTP/1.1\r\nHost: a\r\n\r\n"
	post := "POST /api/v1/users/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"two lengths":                   post + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + hidden,
		"two lengths in one":            post + "Content-Length: 2, 40\r\n\r\n{}" + hidden,
		"a negative length":             post + "Content-Length: -1\r\n\r\n" + hidden,
		"a length with a sign":          post + "Content-Length: +2\r\n\r\n{}" + hidden,
		"an unknown coding":             post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"two codings":                   post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":      post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a header with a line feed":     "GET /api/v1/system/version HTTP/1.1\r\nHost: a\r\nX-A: b\n\x00c: d\r\n\r\n",
		"a header without a name":       "GET /api/v1/system/version HTTP/1.1\r\nHost: a\r\n: d\r\n\r\n",
		"no host":                       "GET /api/v1/system/version HTTP/1.1\r\n\r\n",
		"two hosts":                     "GET /api/v1/system/version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a host with a space":           "GET /api/v1/system/version HTTP/1.1\r\nHost: a b\r\n\r\n",
		"a control character in a path": "GET /api/v1/\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
		"a chunk of nonsense":           post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			status, answers := h.rawRequest(t, text)
			if status < 400 || status > 501 || status == 500 || answers != 1 {
				t.Errorf("status %d, %d answers", status, answers)
			}
		})
	}
	both := post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden
	if status, answers := h.rawRequest(t, both); status < 400 || answers > 2 {
		t.Errorf("length and coding: status %d, %d answers", status, answers)
	}
	upgrade := "GET /api/v1/tables HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	if status, answers := h.rawRequest(t, upgrade); status != http.StatusUnauthorized || answers != 1 {
		t.Errorf("an upgrade to h2c: status %d, %d answers", status, answers)
	}
	if status, _ := h.rawRequest(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); status != 0 && status < 400 {
		t.Errorf("HTTP/2 without TLS: status %d", status)
	}
}

func TestT21T23TargetsAreReadInOneWay(t *testing.T) {
	h := newHarness(t)
	tricks := []string{
		";v1%%2fusers%%2flogin", "/;/../%s", "/%%2e%%2e/users/login", "/..%%2fusers/login", "//", "/.", "/..", "%%00", "\\..\\users\\login", "/%%5c", "%%252f..%%252fusers%%252flogin", "?x=/users/login",
		"/%%c0%%ae%%c0%%ae/users/login", ";/users/login", "/%%2e/", "#/users/login", "%%23", "%%3f/users/login", "/..;/users/login", "%%20", "%%0a",
	}
	routes := []string{"/api/v1/tables", "/api/v1/users", "/api/v1/roles", "/api/v1/bots", "/api/v1/system/settings", "/api/v1/auth/sessions", "/api/v1/policies", "/api/v1/databases",
		"/api/v1/users/token/6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "/API/V1/TABLES", "/api/v1/system/status"}
	tried := 0
	for _, route := range routes {
		for _, trick := range tricks {
			target := route + strings.ReplaceAll(strings.ReplaceAll(trick, "%s", "users/login"), "%%", "%")
			for _, full := range []string{target, "http://evil.example" + target} { // origin form and absolute form
				tried++
				status, _ := h.rawRequest(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", full))
				if status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusNotFound {
					t.Errorf("GET %s: %d", full, status)
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d targets tried", tried)
	}
}

// TestEscapedSlashesAreDataInNamesOnly: elsewhere they are refused before anything else
// is looked at, and so are backslashes, semicolons and empty segments as they are.
func TestEscapedSlashesAreDataInNamesOnly(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/databaseServices", map[string]any{"name": `a/b\c`, "serviceType": "Mysql"}, 201)
	ask := func(path, token string) int {
		t.Helper()
		header := ""
		if token != "" {
			header = "Authorization: Bearer " + token + "\r\n"
		}
		status, _ := h.rawRequest(t, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+header+"\r\n")
		return status
	}
	const service = "/api/v1/services/databaseServices/name/a%2Fb%5Cc"
	h.send("GET", service, "", h.bearer()).want(http.StatusOK).shows("name", `a/b\c`)
	if got := ask(service, ""); got != http.StatusUnauthorized {
		t.Errorf("the same without a token: %d", got)
	}
	for _, path := range []string{
		"/api/v1/tables%2Fname", "/api/v1/tables%2fname", "/api%2fv1/tables", "/api/v1/users%5Cx", "/api/v1/users%5cx/y", "/api/v1/users/a%2Fb", "/api/v1/users/token/x%5Cy",
		"/api/v1/tables/name/x%2Fy/z", "/api/v1/services/databaseServices%2Fname/x", `/api/v1/tables\name`, `/api/v1/services/databaseServices/name/a%2Fb\c`, "/api/v1/tables/name/x;y", "/api/v1/tables//name",
		"/api/v1/tables/name/%2e%2e", "/api/v1/tables/name/%ff", "/api/v1/tables/name/%00", "/signin%2fx", `/\evil.example`, "/api/v1/feed/tasks/1%2F2",
	} {
		for _, token := range []string{"", h.admin.token} {
			if got := ask(path, token); got != http.StatusBadRequest {
				t.Errorf("%s with %d bytes of a token: %d", path, len(token), got)
			}
		}
	}
}

func TestT22NamesLikePublicPaths(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{"v1%2Fusers%2Flogin", "version", "config", "login", "system%2Fversion", "callback", "assets"} {
		path := "/api/v1/services/databaseServices/name/" + name
		if got := h.browse(t, "GET", path, nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", name, got.status)
		}
		plain := strings.ReplaceAll(name, "%2F", "/")
		h.do("PUT", "/services/databaseServices", map[string]any{"name": plain, "serviceType": "Mysql"}, 201)
		h.do("GET", strings.TrimPrefix(path, "/api/v1"), nil, 200)
		if got := h.browse(t, "GET", path, nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a token, once it is there: %d", name, got.status)
		}
	}
}

func TestHugeCookieHeadersAreRefused(t *testing.T) {
	h := newHarness(t)
	big := "GET /callback HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: " + strings.Repeat("__Host-catalpa_login_x=y; ", 100_000) + "\r\n\r\n"
	status, _ := h.rawRequest(t, big)
	if status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", status)
	}
	many := strings.Repeat("__Host-catalpa_login_abc=y; a=b; ", 400)
	if got := h.browse(t, "GET", "/callback?state=abc.x&code=y", map[string]string{"Cookie": many}); got.status >= 500 {
		t.Errorf("many cookies: %d", got.status)
	}
}
