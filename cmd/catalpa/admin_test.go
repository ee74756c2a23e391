package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// TestAdminScripts runs the commands about accounts, with the server stopped and
// beside a running one, for people who sign in with passwords and for those of a
// provider.
func TestAdminScripts(t *testing.T) {
	provider := authtest.NewBadProvider(t)
	provider.Public()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/admin",
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			if err != nil {
				return err
			}
			env.Setenv("ADDRESS", address)
			env.Setenv("ISSUER", provider.Issuer())
			env.Setenv("KEYID_PUBLISHED", "Gb389a-9f76-gdjs-"+"a92j-0242bk94356")
			env.Setenv("FERNET_PUBLISHED", "jJ/9sz0g0OHxsfxOoSfd"+"Fdmk3ysNmPRnH3TUAbz3IHA=")
			env.Setenv("PASSWORD_PUBLISHED", "openmetadata"+"_password")
			settings := fmt.Sprintf(ssoSettings, provider.Issuer(), provider.ClientID, address)
			for name, text := range map[string]string{"sso.yaml": settings, "production-sso.yaml": "mode: production\n" + settings} {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
					return err
				}
			}
			return badKeys(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitserving": waitServing, "call": call, "login": login, "idtoken": idToken(provider), "plantpassword": plantPassword, "ends": ends, "personaltoken": personalToken,
		},
	})
}

const ssoSettings = `authenticationConfiguration:
  provider: custom-oidc
  providerName: Test
  clientType: public
  authority: %[1]s
  clientId: %[2]s
  callbackUrl: http://%[3]s/callback
  enableSelfSignup: false
authorizerConfiguration:
  adminPrincipals: [chief]
  principalDomain: example.com
`

// login is the script command "login STATUS USER PASSWORDFILE [TOKENFILE]": it signs
// in at the server once and keeps the access token.
func login(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: login STATUS USER PASSWORDFILE [TOKENFILE]")
	}
	password := strings.TrimSpace(ts.ReadFile(args[2]))
	body, err := json.Marshal(map[string]string{"email": args[1], "password": base64.StdEncoding.EncodeToString([]byte(password))})
	ts.Check(err)
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Post("http://"+ts.Getenv("ADDRESS")+"/api/v1/users/login", "application/json", strings.NewReader(string(body)))
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if got := fmt.Sprint(answer.StatusCode); got != args[0] {
		ts.Fatalf("signing %s in is answered %s", args[1], got)
	}
	if len(args) < 4 {
		return
	}
	var tokens struct {
		AccessToken string `json:"accessToken"`
	}
	ts.Check(json.Unmarshal(text, &tokens))
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(tokens.AccessToken), 0o600))
}

// personalToken is the script command "personaltoken TOKENFILE FILE": whoever signed in
// makes a personal access token.
func personalToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: personaltoken TOKENFILE FILE")
	}
	request, err := http.NewRequest(http.MethodPut, "http://"+ts.Getenv("ADDRESS")+"/api/v1/users/security/token", strings.NewReader(`{"tokenName":"ci","JWTTokenExpiry":"7"}`))
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[0])))
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	var made struct {
		JWTToken string `json:"jwtToken"`
	}
	if err := json.Unmarshal(text, &made); err != nil || made.JWTToken == "" {
		ts.Fatalf("no token: %s", text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(made.JWTToken), 0o600))
}

// idToken is the script command "idtoken FILE EMAIL SUBJECT SECONDS": it writes what the
// provider gives to somebody who signs in, so many seconds from now: tokens from before
// and after a change are told apart by seconds.
func idToken(provider *authtest.BadProvider) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 4 {
			ts.Fatalf("usage: idtoken FILE EMAIL SUBJECT SECONDS")
		}
		shift, err := time.ParseDuration(args[3] + "s")
		ts.Check(err)
		name, _, _ := strings.Cut(args[1], "@")
		token := provider.Mint(map[string]any{
			"email": args[1], "email_verified": true, "sub": args[2], "preferred_username": name, "name": nil, "iat": time.Now().Add(shift).Unix(),
		}, nil)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(token), 0o600))
	}
}

// plantPassword is the script command "plantpassword DATADIR USER PASSWORD": it stores a
// password that nobody could choose here, as a catalog brought from elsewhere has it.
func plantPassword(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: plantpassword DATADIR USER PASSWORD")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(args[2]), bcrypt.MinCost)
	ts.Check(err)
	doc, err := json.Marshal(map[string]any{"hash": string(hash), "changed": 1})
	ts.Check(err)
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(ts.MkAbs(args[0]), "catalpa.db"), sqlite.Options{})
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	ts.Check(db.Update(ctx, func(tx store.Tx) error {
		row, err := tx.EntityByFQN(ctx, store.Key{Type: "user", FQN: args[1]})
		if err != nil {
			return err
		}
		return tx.PutRecord(ctx, store.Record{Kind: "auth-password", Owner: row.ID.String(), Key: "current", At: 1, Doc: doc})
	}))
}

// ends is the script command "ends STATUS PROGRAM ARGUMENTS": the program must end with
// exactly this exit status.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ends STATUS PROGRAM ARGUMENTS")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}
