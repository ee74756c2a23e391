package api

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
)

// canaryWord is part of every secret that a test plants, and of nothing else. It has
// letters and digits alone, so that it looks the same escaped for JSON and in addresses.
const canaryWord = "CnryQ7z9Kp2VxJ4w"

// canaries plants secrets and finds them again.
type canaries struct {
	t     testing.TB
	count atomic.Int64
	looks atomic.Int64
	lower map[string]string // what must not be there, whatever its case, by what it is
	exact map[string]string

	mu    sync.Mutex
	found map[string]int // complaints, each told once
}

func newCanaries(t testing.TB) *canaries {
	c := &canaries{t: t, lower: map[string]string{}, exact: map[string]string{}, found: map[string]int{}}
	c.lower["a planted secret"] = strings.ToLower(canaryWord)
	c.lower["a planted secret in hex"] = hex.EncodeToString([]byte(canaryWord))
	c.inBase64("a planted secret", canaryWord)
	c.never("the password of people here", victimsPassword)
	c.exact["a sealed secret"] = secret.Prefix
	c.exact["the hash of a password"] = "$2a$"
	c.exact["the newer hash of a password"] = "$argon2"
	c.exact["a private key"] = "PRIVATE KEY-----"
	return c
}

// never notes another secret.
func (c *canaries) never(what, text string) {
	c.exact[what] = text
	c.lower[what+" in hex"] = hex.EncodeToString([]byte(text))
	c.inBase64(what, text)
}

// inBase64 notes what is left of a text in base64, wherever in the encoded it begins:
// the characters that what stands around it has no part in.
func (c *canaries) inBase64(what, text string) {
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
		inner := encoded[[]int{0, 2, 3}[shift] : len(encoded)-1]
		c.exact[fmt.Sprintf("%s in base64 (%d)", what, shift)] = inner
		c.exact[fmt.Sprintf("%s in base64 of addresses (%d)", what, shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(inner)
	}
}

// plant makes a new secret, which is also fit for a password.
func (c *canaries) plant() string { return fmt.Sprintf("%s.%d!", canaryWord, c.count.Add(1)) }

var anyJWT = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}`)

// look complains about every secret in data.
func (c *canaries) look(where string, data []byte, tokens bool) {
	c.looks.Add(1)
	lower := bytes.ToLower(data)
	for what, text := range c.lower {
		if at := bytes.Index(lower, []byte(text)); at >= 0 {
			c.complain(where, what, data, at)
		}
	}
	for what, text := range c.exact {
		if at := bytes.Index(data, []byte(text)); at >= 0 {
			c.complain(where, what, data, at)
		}
	}
	if at := anyJWT.FindIndex(data); at != nil && tokens {
		c.complain(where, "a token", data, at[0])
	}
}

func (c *canaries) complain(where, what string, data []byte, at int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := where + ": " + what
	if c.found[key]++; c.found[key] == 1 && len(c.found) < 60 {
		c.t.Errorf("%s holds %s: ...%q...", where, what, data[max(0, at-150):min(len(data), at+100)])
	}
}

// handsOut are the routes that exist to hand out a token.
var handsOut = regexp.MustCompile(`^(POST /api/v1/users/(login|refresh)|PUT /api/v1/users/(generateToken/[^/]+|security/token))$`)

var idInPath = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// listen looks at every answer of a server, but at what the ingestion bot is told:
// it reads secrets in clear.
func (c *canaries) listen(h *harness, bot func() string) {
	watch := answerWatch(func(r *http.Request, header http.Header, body []byte) {
		if token := bot(); token != "" && r.Header.Get("Authorization") == "Bearer "+token {
			return
		}
		where := r.Method + " " + r.URL.Path
		tokens := !handsOut.MatchString(where)
		where = "the answer to " + idInPath.ReplaceAllString(where, "ID")
		c.look(where, body, tokens)
		for name, values := range header {
			c.look(where+", header "+name, []byte(strings.Join(values, "\n")), name != "Set-Cookie")
		}
	})
	h.watch.Store(&watch)
}

// ownKeys notes what a server signs and seals with.
func (c *canaries) ownKeys(dir string) {
	c.t.Helper()
	s, err := sharedParts()
	check(c.t, err)
	ring, err := os.ReadFile(filepath.Join(filepath.Dir(s.seeded), "keys", "signing-keys.json"))
	check(c.t, err)
	private := regexp.MustCompile(`BEGIN PRIVATE KEY-----\\n([A-Za-z0-9+/]{64})\\n([A-Za-z0-9+/]{64})`).FindSubmatch(ring)
	if private == nil {
		c.t.Fatalf("there is no private key in a ring of %d bytes", len(ring))
	}
	c.exact["the signing key"] = string(private[2]) // the first line is alike in all keys
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	check(c.t, err)
	c.exact["the master key"] = strings.TrimSpace(string(master))
}

// TestCanariesAreFound proves that what the test of secrets relies on finds them.
func TestCanariesAreFound(t *testing.T) {
	c := newCanaries(t)
	planted := c.plant()
	for name, text := range map[string]string{
		"plain":           planted,
		"lower case":      strings.ToLower(planted),
		"JSON":            `{"password":"` + planted + `"}`,
		"JSON in JSON":    `{"json":"{\"password\":\"` + planted + `\"}"}`,
		"address":         "http://h/?password=" + strings.ReplaceAll(planted, "!", "%21"),
		"hex":             hex.EncodeToString([]byte("user:" + planted)),
		"base64":          base64.StdEncoding.EncodeToString([]byte(planted)),
		"base64, later":   base64.StdEncoding.EncodeToString([]byte("u:" + planted + "\n")),
		"base64, shifted": base64.URLEncoding.EncodeToString([]byte("ann:" + planted)),
		"sealed":          `"` + secret.Prefix + `AAAA"`,
		"password":        base64.StdEncoding.EncodeToString([]byte(victimsPassword)),
		"token":           "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLWZvci1hLXRlc3Q",
		"hash":            "$2a$04$abcdefghijklmnopqrstuv",
	} {
		quiet := &canaries{t: new(silent), lower: c.lower, exact: c.exact, found: map[string]int{}}
		if quiet.look(name, []byte("before "+text+" after"), true); len(quiet.found) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
	quiet := &canaries{t: new(silent), lower: c.lower, exact: c.exact, found: map[string]int{}}
	if quiet.look("harmless", []byte(`{"password":"*********","passwordFile":"/a","jwks":"eyJhbGciOiJSUzI1NiJ9"}`), true); len(quiet.found) > 0 {
		t.Errorf("found %v where nothing is", quiet.found)
	}
}

// silent is a test that nobody hears.
type silent struct{ testing.TB }

func (silent) Errorf(string, ...any) {}
func (silent) Helper()               {}
