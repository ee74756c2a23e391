package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	tests := map[string]time.Duration{
		"30": 30 * time.Second, "30s": 30 * time.Second, "1m30s": 90 * time.Second, "5 minutes": 5 * time.Minute, "1 minute": time.Minute,
		"2500ms": 2500 * time.Millisecond, "10 milliseconds": 10 * time.Millisecond, "365 days": 365 * 24 * time.Hour, "2 h": 2 * time.Hour, " 7d ": 7 * 24 * time.Hour, "5 m": 5 * time.Minute,
	}
	for text, want := range tests {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "5 moons", "-5", "1.5 hours", "99999999999999 days", "5 5"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	tests := map[string]int64{"0": 0, "1024": 1024, "1KiB": 1024, "2 MiB": 2 << 20, "3gb": 3 << 30, "10b": 10}
	for text, want := range tests {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5MiB", "9999999999999GiB", "MiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParseList(t *testing.T) {
	tests := map[string][]string{
		"[]": {}, "[a]": {"a"}, `["a b", c]`: {"a b", "c"}, "a, b ,c": {"a", "b", "c"}, `"a"`: {"a"},
		"[http://localhost:8585/api/v1/system/config/jwks]": {"http://localhost:8585/api/v1/system/config/jwks"},
	}
	for text, want := range tests {
		got, err := parseList(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"[a", "[[a]]", "[{a: b}]", "[a] b"} {
		if got, err := parseList(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestCustomParams(t *testing.T) {
	const key = "authenticationConfiguration.oidcConfiguration.customParams"
	for _, text := range []string{"{audience: api, prompt: none}", "\n      audience: api\n      prompt: none"} {
		cfg, _, err := load(t, "authenticationConfiguration:\n  oidcConfiguration:\n    customParams: "+text+"\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"audience": "api", "prompt": "none"}, cfg.Authentication.OIDC.CustomParams); diff != "" {
			t.Error(diff)
		}
	}
	if _, findings, _ := Load(Options{LookupEnv: lookupIn(map[string]string{"OIDC_CUSTOM_PARAMS": "a"})}); !hasFinding(findings, Error, key, "set of keys") {
		t.Errorf("findings %v", findings)
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"port", "prot", 1}, {"fernetKey", "fernetkeys", 2}, {"kitten", "sitting", 3}, {strings.Repeat("x", 100), strings.Repeat("x", 100), 0}}
	for _, test := range tests {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestDistanceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "a"), rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a)-len(b), len(b)-len(a)) {
			t.Fatalf("%q %q: %d", a, b, d)
		}
	})
}

// One slip in any known key leads back to it, or to a key at least as close.
func TestNearestFindsEveryKey(t *testing.T) {
	keys := knownKeys()
	for parent, names := range keys.children {
		for _, name := range names {
			if len(name) < 4 {
				continue
			}
			slip := name[:len(name)-2] + name[len(name)-1:]
			if slices.Contains(names, slip) {
				continue
			}
			got := keys.nearest(parent, slip)
			last := got[strings.LastIndexByte(got, '.')+1:]
			if distance(strings.ToLower(slip), strings.ToLower(last)) > 1 {
				t.Errorf("%s.%s: suggested %q", parent, slip, got)
			}
		}
	}
}

func TestKeyTable(t *testing.T) {
	keys := knownKeys()
	seen := map[string]bool{}
	for _, info := range keys.ordered {
		if seen[info.path] {
			t.Errorf("%s stands twice", info.path)
		}
		seen[info.path] = true
		switch info.kind {
		case kindString, kindSecret, kindBool, kindInt, kindSize, kindDuration, kindList, kindMap:
		case kindIgnored:
			if info.note == "" {
				t.Errorf("%s: no reason given", info.path)
			}
		case kindSame:
			if _, ok := keys.byPath[info.note]; !ok {
				t.Errorf("%s: %s is no key", info.path, info.note)
			}
		default:
			t.Errorf("%s: unknown kind %q", info.path, info.kind)
		}
	}
}

func TestFindingString(t *testing.T) {
	f := Finding{Severity: Error, Code: "CFG-VALUE", Key: "mode", Line: 3, Message: "wrong.", Remedy: "right."}
	if got := f.String(); got != "error CFG-VALUE line 3 mode: wrong. Remedy: right." {
		t.Error(got)
	}
}
