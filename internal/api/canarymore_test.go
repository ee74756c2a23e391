package api

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// find searches for the secrets and for what holds them.
func (a *aviary) find() {
	a.t.Helper()
	for _, who := range []string{"consumer", "steward", "admin"} {
		for _, query := range []string{
			"q=cage&index=all&size=1000", "q=" + canaryWord + "&index=all", "q=*&index=all&size=1000&include_source_fields=connection", "q=connection.config.password:" + canaryWord + "*&index=all",
			"q=*&index=all&size=0&query_filter=" + url.QueryEscape(`{"query":{"wildcard":{"connection.config.password":"*"}}}`),
		} {
			a.as(a.callers[who], "GET", "/search/query?"+query, nil).want(200, 400)
		}
		for _, field := range []string{"connection.config.password", "displayName.keyword", "description", "connection.config.authType.password.keyword"} {
			a.as(a.callers[who], "GET", "/search/aggregate?index=all&value="+canaryWord+"&field="+field, nil).want(200, 400)
			a.as(a.callers[who], "GET", "/search/fieldQuery?index=all&fieldValue=*&fieldName="+field, nil).want(200, 400)
		}
		a.as(a.callers[who], "GET", "/search/suggest?index=all&q=cage", nil).want(200)
	}
}

// mistakes are requests with secrets that are refused: neither the refusal nor the log
// repeats them.
func (a *aviary) mistakes() {
	a.t.Helper()
	service := func(config string) string {
		return `{"name":"wrong","serviceType":"Mysql","connection":{"config":` + config + `}}`
	}
	const services = "/services/databaseServices"
	for _, body := range []string{
		service(`{"authType":{"password":["` + a.plant() + `"]}}`), service(`{"authType":{"password":{"is":"` + a.plant() + `"}}}`),
		service(`{"hostPort":"h","username":"u","passwort":"` + a.plant() + `"}`), service(`{"authType":{"password":"` + a.plant() + `"`),
		service(`{"username":7,"authType":{"password":"` + a.plant() + `"}}`), `{"name":"wrong","serviceType":"Nothing","connection":{"config":{"password":"` + a.plant() + `"}}}`,
	} {
		a.do("POST", services, body, 400)
		a.do("PUT", services, body, 400)
	}
	secret := a.plant()
	a.do("POST", "/system/settings", `{"password":"`+secret+`"}`, 405)
	a.do("PUT", "/system/settings", `{"config_type":"emailConfiguration","config_value":{"password":"`+secret+`"},"more":1}`, 400)
	a.as(caller{}, "POST", "/users/login", map[string]string{"email": "admin", "password": inBase64(secret)}).want(401)
	a.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": secret}).want(401)
	a.as(caller{}, "POST", "/users/password/reset", map[string]string{"username": "ann", "password": secret, "confirmPassword": secret, "token": secret}).want(400, 401, 404)
	a.as(caller{}, "POST", "/users/signup", map[string]string{"firstName": "A", "lastName": "B", "email": "a@example.org", "password": inBase64(secret)}).want(400, 403, 404)
	a.as(a.callers["consumer"], "PUT", "/users/changePassword", map[string]string{"requestType": "SELF", "oldPassword": secret, "newPassword": secret + "Aa1", "confirmPassword": secret + "Aa1"}).want(400, 401, 403)
	a.do("POST", "/users", map[string]string{"name": "weak", "email": "weak@example.org", "password": canaryWord, "confirmPassword": secret}, 400)
	a.as(caller{token: secret}, "GET", "/users/loggedInUser", nil).want(401)
	a.do("GET", "/tables?token="+secret+"&password="+secret, nil, 200)
	a.do("POST", "/system/security/doctor/token", map[string]string{"token": a.callers["consumer"].token}, 200)
	a.do("POST", "/system/security/doctor/token", map[string]string{"token": secret}, 200)
	for _, path := range []string{"/callback?code=" + secret + "&state=" + secret, "/api/v1/auth/callback?error=" + secret, "/api/v1/auth/login?redirectUri=https://" + secret} {
		a.browse(a.t, http.MethodGet, path, map[string]string{"Cookie": "catalpa_session=" + secret, "X-Forwarded-For": "203.0.113.9"})
	}
}

// signOn keeps a client's secret, and tries out other ways of signing in.
func (a *aviary) signOn() {
	a.t.Helper()
	admin := signedIn(a.t.(*testing.T), a.harness)
	p := authtest.NewBadProvider(a.t)
	p.ClientSecret = a.plant()
	doc := webClient(a.harness, p.Issuer(), p.ClientID, p.ClientSecret)
	for provider, settings := range map[string]map[string]any{
		"ldap": {"ldapConfiguration": map[string]any{
			"host": "127.0.0.1", "port": 1, "dnAdminPrincipal": "cn=a", "dnAdminPassword": a.plant(), "userBaseDN": "dc=x", "mailAttributeName": "mail",
		}},
		"saml": {"samlConfiguration": map[string]any{"security": map[string]any{"keyStorePassword": a.plant(), "spPrivateKey": a.plant()}}},
	} {
		settings["provider"] = provider
		whole := map[string]any{"authenticationConfiguration": settings, "authorizerConfiguration": doc["authorizerConfiguration"]}
		a.as(admin, "POST", "/system/security/validate", whole).want(200)
		a.as(admin, "PUT", "/system/security/config", whole).want(400, 409)
		a.as(admin, "POST", "/system/security/test-login/start", whole).want(400, 404, 409)
		a.as(admin, "POST", "/system/security/test-login/password", map[string]any{"settings": whole, "name": "ann", "password": a.plant()}).want(200, 400, 401, 404, 409)
	}
	a.as(admin, "POST", "/system/security/validate", doc).want(200)
	a.as(admin, "PUT", "/system/security/config?confirm="+url.QueryEscape(signon.ConfirmPhrase), doc).want(200)
	a.as(admin, "PATCH", "/system/security/config?confirm="+url.QueryEscape(signon.ConfirmPhrase), `[{"op":"test","path":"/authenticationConfiguration/oidcConfiguration/secret","value":"`+p.ClientSecret+`"}]`).want(400)
	for _, path := range []string{"/system/security/config", "/system/security/doctor", "/system/security/audit", "/system/security/sources", "/system/security/refusals", "/system/config/auth", "/system/config/authorizer"} {
		a.as(admin, "GET", path, nil).want(200)
		for _, who := range []string{"consumer", "steward"} {
			a.as(a.callers[who], "GET", path, nil).want(200, 401, 403) // all sign in anew after such a change
		}
	}
	a.as(admin, "POST", "/system/security/restore", "{}").want(200, 403)
}

// lookAtIndex reads what the search index holds, packed or not.
func (a *aviary) lookAtIndex() {
	a.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(filepath.Dir(a.file), "search.db")+"?mode=ro")
	check(a.t, err)
	defer db.Close()
	documents := 0
	for _, query := range []string{"SELECT source FROM documents", "SELECT term FROM postings", "SELECT label FROM postings WHERE label IS NOT NULL", "SELECT terms FROM tail"} {
		rows, err := db.QueryContext(a.t.Context(), query)
		check(a.t, err)
		for rows.Next() {
			var blob []byte
			check(a.t, rows.Scan(&blob))
			if plain, err := s2.Decode(nil, blob); err == nil {
				blob = plain
				documents++
			}
			a.look("the search index, "+query, blob, true)
		}
		check(a.t, rows.Err())
		check(a.t, rows.Close())
	}
	if documents < 300 {
		a.t.Errorf("only %d documents are in the index", documents)
	}
}

// lookAtEvents reads all events, as the administrator and as others.
func (a *aviary) lookAtEvents() {
	a.t.Helper()
	all := "*"
	for _, who := range []string{"admin", "consumer", "steward"} {
		got := a.as(a.callers[who], "GET", "/events?timestamp=0&entityCreated="+all+"&entityUpdated="+all+"&entityDeleted="+all+"&entityRestored="+all, nil).want(200)
		if len(got.body) < 100_000 && who == "admin" {
			a.t.Errorf("the events are only %d bytes", len(got.body))
		}
	}
}

// lookAtFile makes sure that nothing lies in clear on the disk. Sealed secrets and
// hashes of passwords are where they belong.
func (c *canaries) lookAtFile(path string) {
	c.t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	check(c.t, err)
	if bytes.Contains(data, []byte(canaryWord)) {
		c.complain("the file "+filepath.Base(path), "a planted secret", data, bytes.Index(data, []byte(canaryWord)))
	}
}
