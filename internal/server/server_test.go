package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// output collects what a server prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func settings(t *testing.T, dir string) *config.Config {
	t.Helper()
	cfg, _, err := config.Load(config.Options{
		LookupEnv: func(string) (string, bool) { return "", false },
		Flags:     map[string]string{"dataDir": dir, "server.applicationConnectors[0].bindHost": "127.0.0.1", "server.applicationConnectors[0].port": "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// running is a server in this process.
type running struct {
	url  string
	out  *output
	stop func() error // ends it and returns what Run returned
}

func start(t *testing.T, cfg *config.Config, sample bool, reload ...Reload) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, ready, ended := new(output), make(chan string, 1), make(chan error, 1)
	options := Options{Sample: sample, Stdout: out, Stderr: out, Version: "test", Ready: func(address string) { ready <- address }}
	for _, r := range reload {
		options.Reload = r
	}
	go func() { ended <- Run(ctx, cfg, options) }()
	var once sync.Once
	var result error
	stop := func() error {
		once.Do(func() {
			cancel()
			result = <-ended
		})
		return result
	}
	t.Cleanup(func() { _ = stop() })
	select {
	case address := <-ready:
		return running{url: "http://" + address, out: out, stop: stop}
	case err := <-ended:
		cancel()
		t.Fatalf("the server ended before it was ready: %v\n%s", err, out)
	case <-time.After(time.Minute):
		t.Fatalf("the server is not ready after a minute:\n%s", out)
	}
	return running{}
}

func status(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// issuerOf reads the iss of a token.
func issuerOf(t *testing.T, token string) string {
	t.Helper()
	var claims struct {
		Issuer string `json:"iss"`
	}
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[len(parts)/2])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatalf("the payload of the token: %v", err)
	}
	return claims.Issuer
}

func TestAServerAndTheCommandsBesideIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cfg := settings(t, dir)
	ctx := t.Context()

	if _, err := BotToken(ctx, cfg, "ingestion-bot", "1"); err == nil {
		t.Error("a token was made for a directory that holds no catalog")
	}
	first := start(t, cfg, true)
	if !strings.Contains(first.out.String(), "One-time password") {
		t.Errorf("the first start does not print the administrator's password:\n%s", first.out)
	}
	token, err := BotToken(ctx, cfg, "ingestion-bot", "1")
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(dir, botTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, tok := range map[string]string{"the token the command made": token, "the token of the first start": string(written)} {
		if got := status(t, first.url+"/api/v1/users/loggedInUser", tok); got != http.StatusOK {
			t.Errorf("%s is answered %d", name, got)
		}
	}
	if got := issuerOf(t, token); got != cfg.Server.URL {
		t.Errorf("tokens name the issuer %q, want the server's address %q", got, cfg.Server.URL)
	}
	if _, err := BotToken(ctx, cfg, "no-such-bot", "1"); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("an unknown bot gives %v", err)
	}
	if plain, err := resetPassword(ctx, cfg, "admin"); err != nil || len(plain) < 20 {
		t.Errorf("reset-password gives %q, %v", plain, err)
	}
	if keys, err := Keys(ctx, cfg); err != nil || len(keys.Keys) != 1 {
		t.Errorf("keys gives %v, %v", keys, err)
	}
	other := settings(t, dir)
	if err := Run(ctx, other, Options{Stdout: new(output), Stderr: new(output)}); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a second server on the directory gives %v", err)
	}
	if err := Reindex(ctx, cfg, func(int, int) {}); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("reindex beside a running server gives %v", err)
	}
	if err := first.stop(); err != nil {
		t.Errorf("the server stopped with %v", err)
	}

	total := 0
	if err := Reindex(ctx, cfg, func(done, all int) { total = all }); err != nil || total < 100 {
		t.Errorf("reindex of the sample catalog saw %d entities: %v", total, err)
	}
	moved := *cfg
	moved.Server.URL = "https://moved.example"
	again := start(t, &moved, false)
	if strings.Contains(again.out.String(), "One-time password") {
		t.Error("a later start prints a password")
	}
	if got := status(t, again.url+"/api/v1/tables?limit=1", token); got != http.StatusOK {
		t.Errorf("the token from before the restart is answered %d", got)
	}
	if got := status(t, again.url+"/api/v1/system/health", ""); got != http.StatusOK {
		t.Errorf("health answers %d", got)
	}
}

func TestTheDataDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, settings(t, dir), false)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v", filepath.Base(path), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func resetPassword(ctx context.Context, cfg *config.Config, user string) (plain string, err error) {
	err = LookAfterAccounts(ctx, cfg, fixed(cfg), func(c *Accounts) error {
		plain, err = c.ResetPassword(ctx, user)
		return err
	})
	return plain, err
}
