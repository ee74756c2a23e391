package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
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
			return os.WriteFile(filepath.Join(env.WorkDir, "sso.yaml"), []byte(fmt.Sprintf(ssoSettings, provider.Issuer(), provider.ClientID, address)), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitserving": waitServing, "call": call, "login": login, "idtoken": idToken(provider),
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
