// Package logtest says what the log of a server may not hold, for all tests that run
// one. It imports nothing of ours: black-box tests use it, too.
package logtest

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// loose is what no log may hold, whoever's it is: tokens, private keys, what is sealed
// in the store, hashes of passwords.
var loose = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|PRIVATE KEY-----|sealed:v1:|\$argon2|\$2a\$`)

// WantQuiet complains about tokens, keys and the given secrets, plain or in Base64, in
// the log of a server that has ended, and about a log too terse to prove anything.
func WantQuiet(t testing.TB, log string, secrets ...string) {
	t.Helper()
	for _, found := range loose.FindAllString(log, 3) {
		t.Errorf("a secret is in the server's log: %.12s...", found)
	}
	for _, secret := range secrets {
		if secret != "" && (strings.Contains(log, secret) || strings.Contains(log, base64.StdEncoding.EncodeToString([]byte(secret)))) {
			t.Errorf("a given secret is in the server's log: %.4s...", secret)
		}
	}
	if !strings.Contains(log, "level=DEBUG") {
		t.Error("the server's log is not at its most talkative: start it with LOG_LEVEL=debug")
	}
}
