package api

import (
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// The tests named TestPeer... hold this server to the right answer where an OpenMetadata
// server was measured to give a wrong one.

// minter makes tokens like those of a caller, with this server's own key.
type minter struct {
	t      *testing.T
	claims jwt.MapClaims
}

func mintLike(t *testing.T, token string) minter {
	t.Helper()
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(token, claims)
	check(t, err)
	return minter{t, claims}
}

// with signs the claims with some changed; a nil value removes one.
func (m minter) with(header, changes map[string]any) string {
	m.t.Helper()
	s, err := sharedParts()
	check(m.t, err)
	id, private := s.keys.Signer()
	claims := maps.Clone(m.claims)
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = id
	maps.Copy(token.Header, header)
	var key any = private
	switch token.Header["alg"] {
	case "none":
		token.Method, key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
	case "HS256":
		token.Method, key = jwt.SigningMethodHS256, []byte("secret")
	}
	signed, err := token.SignedString(key)
	check(m.t, err)
	return signed
}

func TestPeerFaultsOfTokens(t *testing.T) {
	h := newHarness(t)
	person := h.person("ann")
	m := mintLike(t, person.token)
	now := time.Now().Unix()
	good := "Bearer " + m.with(nil, nil)
	broken := strings.TrimSuffix(good, good[len(good)-8:]) + "AAAAAAAA"
	for name, test := range map[string]struct {
		header string
		status int
		code   string
		begins string // of the message: what clients match on
	}{
		"none":                    {"", 401, auth.CodeMissing, "Not Authorized! Token not present"},
		"another scheme":          {"Basic YWRtaW46YWRtaW4=", 401, auth.CodeMissing, "Not Authorized! Token not present"},
		"the scheme alone":        {"Bearer", 401, auth.CodeMissing, "Not Authorized! Token not present"},
		"a scheme in lower case":  {"b" + good[1:], 200, "", ""},
		"garbage":                 {"Bearer garbage", 401, auth.CodeFormat, "Invalid token"},
		"a wrong signature":       {broken, 401, auth.CodeSignature, "Invalid token"},
		"no algorithm":            {"Bearer " + m.with(map[string]any{"alg": "none"}, nil), 401, auth.CodeAlgorithm, "Invalid token"},
		"a shared secret":         {"Bearer " + m.with(map[string]any{"alg": "HS256"}, nil), 401, auth.CodeAlgorithm, "Invalid token"},
		"expired":                 {"Bearer " + m.with(nil, map[string]any{"exp": now - 3600}), 401, auth.CodeExpired, "Expired token!"},
		"an unknown key":          {"Bearer " + m.with(map[string]any{"kid": "nope"}, nil), 401, auth.CodeKeyID, "Invalid token"},
		"a key that is a path":    {"Bearer " + m.with(map[string]any{"kid": "../../etc/passwd"}, nil), 401, auth.CodeKeyID, "Invalid token"},
		"another issuer":          {"Bearer " + m.with(nil, map[string]any{"iss": "open-metadata.org"}), 401, auth.CodeIssuer, "Invalid token"},
		"of the future":           {"Bearer " + m.with(nil, map[string]any{"nbf": now + 3600}), 401, auth.CodeSkew, "Invalid token"},
		"without an end":          {"Bearer " + m.with(nil, map[string]any{"exp": nil}), 401, auth.CodeFormat, "Invalid token"},
		"for somebody else":       {"Bearer " + m.with(nil, map[string]any{"aud": "another"}), 401, auth.CodeAudience, "Invalid token"},
		"without a name":          {"Bearer " + m.with(nil, map[string]any{"sub": nil}), 401, auth.CodeClaims, "Invalid JWT token, none of the following claims are present [email, preferred_username, sub]"},
		"of an unknown user":      {"Bearer " + m.with(nil, map[string]any{"sub": "nobody-here"}), 401, auth.CodeUserGone, "Not Authorized!"},
		"a session that is none":  {"Bearer " + m.with(nil, map[string]any{"jti": "x.1"}), 401, auth.CodeRevoked, "Expired token!"},
		"a person's for a bot":    {"Bearer " + m.with(nil, map[string]any{"isBot": true}), 403, auth.CodeType, "Invalid token"},
		"of a bot, as a person's": {"Bearer " + mintLike(t, h.bot().token).with(nil, map[string]any{"isBot": false}), 403, auth.CodeType, "Invalid token"},
	} {
		header := map[string]string{}
		if test.header != "" {
			header["Authorization"] = test.header
		}
		for _, path := range []string{"/api/v1/users/loggedInUser", "/api/v1/tables", "/api/v1/nothing"} {
			got := h.browse(t, http.MethodGet, path, header)
			if test.status == http.StatusOK {
				if got.status >= 500 || got.status == http.StatusUnauthorized {
					t.Errorf("%s at %s: %d %s", name, path, got.status, got.body)
				}
				continue
			}
			if got.status != test.status || got.code() != `"`+test.code+`"` || !strings.HasPrefix(got.at("message"), test.begins) {
				t.Errorf("%s at %s: %d %s, want %d, %s and a message that begins with %q", name, path, got.status, got.body, test.status, test.code, test.begins)
			}
			if (got.header.Get("WWW-Authenticate") != "") != (test.status == http.StatusUnauthorized) {
				t.Errorf("%s at %s: WWW-Authenticate %q", name, path, got.header.Get("WWW-Authenticate"))
			}
		}
	}
	h.as(person, "POST", "/users/logout", `{}`).want(200)
	h.as(person, "GET", "/users/loggedInUser", nil).want(401).shows("errorCode", auth.CodeRevoked)
}

// TestPeerCredentialsEndAtOnce: without a cache that lets them live on, or that keeps
// the new ones out.
func TestPeerCredentialsEndAtOnce(t *testing.T) {
	h := newHarness(t)
	person := h.person("ann")
	use := func(who caller) answer { return h.as(who, "GET", "/users/loggedInUser", nil) }
	user := h.do("POST", "/users", `{"name":"robot","email":"robot@example.org","isBot":true}`, 201).id()
	h.do("POST", "/bots", map[string]string{"name": "robot", "botUser": "robot"}, 201)
	issue := func() caller {
		return caller{token: h.do("PUT", "/users/generateToken/"+user, `{"JWTTokenExpiry":"7"}`, 200).at("JWTToken")}
	}
	former := issue()
	use(former).want(200)
	for range 20 {
		next := issue()
		use(former).want(401).shows("errorCode", auth.CodeBotStale)
		use(next).want(200)
		former = next
	}
	stored := mintLike(t, former.token)
	use(caller{token: stored.with(nil, map[string]any{"jti": "another"})}).want(401).shows("errorCode", auth.CodeBotStale)
	use(caller{token: stored.with(nil, map[string]any{"exp": time.Now().Add(1000 * time.Hour).Unix()})}).want(401).shows("errorCode", auth.CodeBotStale)

	personal := caller{token: h.as(person, "PUT", tokensPath, `{"tokenName":"x","JWTTokenExpiry":"1"}`).want(200).at("jwtToken")}
	use(personal).want(200)
	h.as(person, "PUT", tokensPath+"/revoke?removeAll=true", nil).want(200)
	use(personal).want(401).shows("errorCode", auth.CodeRevoked)

	h.do("DELETE", "/users/"+person.id.String(), nil, 200)
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/users/loggedInUser", ""}, {"GET", "/tables", ""}, {"PUT", "/tables", `{"name":"x"}`}, {"GET", "/users/" + person.id.String(), ""},
	} {
		h.as(person, call.method, call.path, call.body).want(401).shows("errorCode", auth.CodeUserGone)
	}
	h.do("DELETE", "/users/"+person.id.String()+"?hardDelete=true", nil, 200)
	use(person).want(401)
}

func TestPeerFaultsOfPasswords(t *testing.T) {
	h := newHarness(t)
	const right = "Green-Leaf-4711!"
	// A password without isBot is no password of a bot, and is not silently dropped.
	h.do("POST", "/users", `{"name":"eve","email":"eve@example.org","password":"`+right+`","confirmPassword":"`+right+`"}`, 201)
	h.login("eve", right, 200)
	// Weak ones are refused with the rule, and leave no user behind.
	weak := h.do("POST", "/users", `{"name":"weak","email":"weak@example.org","password":"short"}`, 400)
	if !strings.HasPrefix(weak.at("message"), "Password must be of minimum 8 characters") {
		t.Errorf("a weak password: %s", weak.body)
	}
	h.do("GET", "/users/name/weak", nil, 404)

	h.settings(SignOnSettings{PublicURL: h.url, TrustedProxies: prefixes("127.0.0.0/8")})
	try := func(name, encoded, from string) answer {
		t.Helper()
		body, err := json.Marshal(map[string]string{"email": name, "password": encoded})
		check(t, err)
		return h.browse(t, "POST", "/api/v1/users/login", map[string]string{"Content-Type": "application/json", "X-Forwarded-For": from}, string(body))
	}
	encode := func(plain string) string { return base64.StdEncoding.EncodeToString([]byte(plain)) }
	h.do("POST", "/users", `{"name":"gone","email":"gone@example.org","password":"`+right+`"}`, 201)
	h.do("DELETE", "/users/name/gone", nil, 200)
	const refused = "You have entered an invalid username or password."
	for _, name := range []string{"eve@example.org", "noone@example.org", "gone@example.org", "ingestion-bot@example.org", "ingestion-bot"} {
		got := try(name, encode("Wrong-Leaf-4711!"), "198.51.100.1")
		if got.status != http.StatusUnauthorized || got.at("message") != refused {
			t.Errorf("a wrong password of %s: %d %s", name, got.status, got.body)
		}
	}
	if got := try("eve@example.org", "not base64!", "198.51.100.2"); got.status != http.StatusBadRequest || !strings.HasPrefix(got.at("message"), "Password need to be encoded in Base-64.") {
		t.Errorf("no Base64: %d %s", got.status, got.body)
	}
	for range 3 {
		try("eve@example.org", encode("Wrong-Leaf-4711!"), "198.51.100.3").want(401).shows("message", refused)
	}
	try("eve@example.org", encode(right), "198.51.100.3").want(401).shows("errorCode", auth.CodeThrottled)
	if got := try("eve@example.org", encode(right), "192.0.2.1"); got.status != http.StatusOK {
		t.Errorf("the owner is locked out: %d %s", got.status, got.body)
	}

	_, refresh := h.login("eve", right, 200)
	renew := func() answer {
		return h.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": refresh})
	}
	renew().want(200)
	h.pass(11 * time.Second)
	if got := renew().want(401); !strings.HasPrefix(got.at("message"), "Invalid Request Token. Please check your Token") {
		t.Errorf("a refresh token used twice: %s", got.body)
	}
	h.as(caller{}, "POST", "/users/signup", `{"firstName":"A","lastName":"B","email":"new@example.org","password":"`+right+`"}`).want(403).shows("errorCode", auth.CodeSignupOff)
}
