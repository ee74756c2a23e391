package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestKeyScripts runs the commands about keys, beside a running server: rotation
// and import.
func TestKeyScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/keys",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOON", time.Now().AddDate(0, 0, 30).UTC().Format(time.DateOnly))
			return amongKeys(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitserving": waitServing, "call": call, "save": save, "foreigntoken": foreignToken,
		},
	})
}

// amongKeys gives a script a free address, and key files of all kinds.
func amongKeys(env *testscript.Env) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	env.Setenv("ADDRESS", address)
	return badKeys(env.WorkDir)
}

// badKeys writes key files that must be refused, and a good one to put beside them.
func badKeys(dir string) error {
	write := func(name, kind string, der []byte, mode os.FileMode) error {
		data := der
		if kind != "" {
			data = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, mode); err != nil {
			return err
		}
		return os.Chmod(path, mode) // whatever the umask
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		return err
	}
	published, err := x509.MarshalPKIXPublicKey(publishedKey())
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{
		{"empty.der", "", nil}, {"text.pem", "", []byte("no key at all")},
		{"ec.pem", "EC " + "PRIVATE KEY", sec1}, {"ec.der", "", pkcs8}, {"published.der", "", published},
	} {
		if err := write(f.name, f.kind, f.der, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// publishedKey is the public half of the pair that OpenMetadata ships.
func publishedKey() *rsa.PublicKey {
	n, _ := base64.RawURLEncoding.DecodeString("2XTHbrS8uYv-THweGDgqRciCTZJIU0NuaPUQT43V7oQgj3EFptWyRd0Q6xZjsf6O8z2zWZd0qNQbMm7qIcnSkBetkJKsoqg1qjT-GEKP09GoRQLDpkl7ACgMr6Mxge7uGmE15TFTOBUGJboI3byx-LSzg6rZXr5jdq_8IqP7_Oa" +
		"iRAsLDjefC85Db-N7IE-FsxeDWX8jlyh1bfP-cIOrh9rNZxsXJuc6lloZE0z9CIB0knh1mLsFxQfU_KBgDdL_pLBwq9Kl5nS6veTiF7gplLsr61KOVRzyoyUbV7-TPb-lX4cGEjxaMb0MuCqioZwB_qxZU6c2ZisBgMu2pazPZQ")
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
}

// call is the script command "call STATUS TEXT URL [TOKENFILE]": it asks until the
// answer has the status and holds the text, for at most five seconds.
func call(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: call STATUS TEXT URL [TOKENFILE]")
	}
	token := ""
	if len(args) == 4 {
		token = strings.TrimSpace(ts.ReadFile(args[3]))
	}
	client := http.Client{Timeout: 5 * time.Second}
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequest(http.MethodGet, args[2], nil)
		ts.Check(err)
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(request)
		ts.Check(err)
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		ts.Check(err)
		got := fmt.Sprint(answer.StatusCode)
		if got == args[0] && strings.Contains(string(body), args[1]) {
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("%s answers %s %s", args[2], got, body)
		case <-tick.C:
		}
	}
}

// save is the script command "save NAME FIELD": it puts a field of the last line of
// standard output into a variable.
func save(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: save NAME FIELD")
	}
	var field int
	if _, err := fmt.Sscan(args[1], &field); err != nil {
		ts.Fatalf("%s is no number", args[1])
	}
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if field >= len(fields) {
		ts.Fatalf("there is no field %d in %q", field, lines[len(lines)-1])
	}
	ts.Setenv(args[0], fields[field])
}

// foreignToken is the script command "foreigntoken KEYFILE KID SUBJECT FILE": it
// signs what an OpenMetadata server gives to a bot.
func foreignToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: foreigntoken KEYFILE KID SUBJECT FILE")
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s holds no PEM", args[0])
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ts.Check(err)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": "open-metadata.org", "sub": args[2], "roles": []string{}, "email": args[2] + "@open-metadata.org", "isBot": true,
		"tokenType": "BOT", "iat": time.Now().Add(-time.Hour).Unix(),
	})
	token.Header["kid"] = args[1]
	signed, err := token.SignedString(parsed)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(signed), 0o600))
}

func TestLastDay(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-24":           time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
		"2027-02-22":           now.AddDate(0, 0, 90), // ends twelve hours later
		"2027-02-23":           time.Date(2027, 2, 24, 0, 0, 0, 0, time.UTC),
		"2026-12-01T10:00:00Z": time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := lastDay(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := lastDay("31.1.2027", now); err == nil {
		t.Error("a date in another form was read")
	}
}
