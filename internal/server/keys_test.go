package server

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKeysBesideAServer gives up the key of a running server: its bots' tokens end,
// and the new ones lie in private files, also where the first start put one.
func TestKeysBesideAServer(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	cfg := settings(t, dir)
	first := start(t, cfg, false)
	file := filepath.Join(dir, botTokenFile)
	former, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Keys(ctx, cfg)
	if err != nil || len(set.Keys) != 1 || set.Keys[0].State != "current" || set.Keys[0].Bits != 3072 || set.Keys[0].Configured {
		t.Fatalf("%+v, %v", set, err)
	}
	old := set.Keys[0].ID
	if keyOf(string(former)) != old {
		t.Errorf("the first token names the key %q", keyOf(string(former)))
	}
	out := filepath.Join(t.TempDir(), "new", "tokens")
	signer, holders, err := RetireKey(ctx, cfg, KeyRetirement{ID: old, Compromised: true, ReissueDir: out})
	if err != nil || signer.ID == old || len(holders) != 1 || holders[0].Name != "ingestion-bot" || holders[0].Tokens != 1 {
		t.Fatalf("%+v, %+v, %v", signer, holders, err)
	}
	fresh, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(holders[0].File)
	if err != nil || !bytes.Equal(fresh, written) || keyOf(string(written)) != signer.ID {
		t.Errorf("the new token is not in both files: %v", err)
	}
	for path, mode := range map[string]os.FileMode{holders[0].File: 0o600, out: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	eventuallyStatus(t, first.url+"/api/v1/users/loggedInUser", string(former), http.StatusUnauthorized)
	eventuallyStatus(t, first.url+"/api/v1/users/loggedInUser", string(fresh), http.StatusOK)

	set, err = Keys(ctx, cfg)
	if err != nil || len(set.Retired) != 1 || set.Retired[0].ID != old || set.Retired[0].Reason != "compromised" {
		t.Errorf("%+v, %v", set, err)
	}
	text, err := PublicKey(ctx, cfg, "")
	if err != nil || !strings.Contains(text, "PUBLIC KEY") {
		t.Errorf("%q, %v", text, err)
	}
	doc, err := KeySetDocument(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Get(first.url + "/api/v1/system/config/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(body, doc) || answer.Header.Get("Cache-Control") != "max-age=300" {
		t.Errorf("the server publishes %s, %v, %v", body, answer.Header, err)
	}
	if err := first.stop(); err != nil {
		t.Error(err)
	}
}

// eventuallyStatus waits, for no more than a second, until a token is answered so.
func eventuallyStatus(t *testing.T, url, token string, want int) {
	t.Helper()
	deadline := time.NewTimer(time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		got := status(t, url, token)
		if got == want {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s is answered %d after a second, want %d", url, got, want)
		case <-tick.C:
		}
	}
}

// TestRetireWithoutAPlaceForTokens changes nothing when the new tokens could not be
// written.
func TestRetireWithoutAPlaceForTokens(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	cfg := settings(t, dir)
	if err := start(t, cfg, false).stop(); err != nil {
		t.Fatal(err)
	}
	set, err := Keys(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := RetireKey(ctx, cfg, KeyRetirement{ID: set.Keys[0].ID, Compromised: true, ReissueDir: place}); err == nil {
		t.Error("tokens were put into a file that is no directory")
	}
	if again, err := Keys(ctx, cfg); err != nil || len(again.Keys) != 1 || again.Keys[0].ID != set.Keys[0].ID {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestKeyOf(t *testing.T) {
	for token, want := range map[string]string{"": "", "x.y.z": "", "e30.e30.": "", "!": "", "eyJraWQiOiJhIn0.e30.x": "a"} {
		if got := keyOf(token); got != want {
			t.Errorf("%s: %q", token, got)
		}
	}
}
