package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const storedClient = `{"authenticationConfiguration":{"provider":"auth0","clientId":"shop","oidcConfiguration":{"secret":"stored-secret","id":"shop"},` +
	`"ldapConfiguration":{"dnAdminPassword":"","trustStoreConfig":{"customTrustManagerConfig":{"trustStoreFilePassword":"stored-store"}}}},"authorizerConfiguration":{"adminPrincipals":["a"]}}`

func TestT65MaskedSecretMeansUnchanged(t *testing.T) {
	masked, err := MaskDocument([]byte(storedClient))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("stored-secret", Masked, "stored-store", Masked).Replace(storedClient)
	if string(masked) != want {
		t.Fatalf("masked is  %s\nwant %s", masked, want)
	}
	t.Run("T65 mask back", func(t *testing.T) {
		got, err := UnmaskDocument(masked, []byte(storedClient))
		if err != nil || string(got) != storedClient {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("T65 other fields change", func(t *testing.T) {
		got, err := UnmaskDocument([]byte(strings.Replace(string(masked), `"clientId":"shop"`, `"clientId":"store"`, 1)), []byte(storedClient))
		if err != nil || string(got) != strings.Replace(storedClient, `"clientId":"shop"`, `"clientId":"store"`, 1) {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("T65 new secret", func(t *testing.T) {
		got, err := UnmaskDocument([]byte(`{"authenticationConfiguration":{"oidcConfiguration":{"secret":"new"}}}`), []byte(storedClient))
		if err != nil || string(got) != `{"authenticationConfiguration":{"oidcConfiguration":{"secret":"new"}}}` {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("T65 secret removed", func(t *testing.T) {
		got, err := UnmaskDocument([]byte(`{"authenticationConfiguration":{"oidcConfiguration":{"secret":""}}}`), []byte(storedClient))
		if err != nil || strings.Contains(string(got), "stored") {
			t.Errorf("%s, %v", got, err)
		}
	})
}

func TestT65MaskWithoutASecret(t *testing.T) {
	const masked = `{"authenticationConfiguration":{"oidcConfiguration":{"secret":"*********"},"samlConfiguration":{"sp":{"spPrivateKey":"*********"}}}}`
	for _, previous := range []string{``, `{}`, `{"authenticationConfiguration":{"oidcConfiguration":{"secret":""}}}`, masked} {
		_, err := UnmaskDocument([]byte(masked), []byte(previous))
		var refused *Refused
		if !errors.As(err, &refused) {
			t.Fatalf("%q: %v", previous, err)
		}
		var keys []string
		for _, f := range refused.Findings {
			keys = append(keys, f.Key)
		}
		slices.Sort(keys)
		if want := []string{keyOIDC + "secret", keySAML + "sp.spPrivateKey"}; !slices.Equal(keys, want) {
			t.Errorf("%q: named are %v, want %v", previous, keys, want)
		}
	}
}

func TestMaskRefusesWhatIsNoDocument(t *testing.T) {
	for _, doc := range []string{``, `[]`, `"x"`, `{`, `{}{}`, `{"a":1,"a":2}`, strings.Repeat(" ", maxSavedBytes+1)} {
		if out, err := MaskDocument([]byte(doc)); err == nil {
			t.Errorf("%.20q became %s", doc, out)
		}
		if out, err := UnmaskDocument([]byte(doc), []byte(storedClient)); err == nil {
			t.Errorf("%.20q became %s", doc, out)
		}
	}
	if _, err := UnmaskDocument([]byte(`{}`), []byte(`{`)); err == nil {
		t.Error("a broken previous document is taken")
	}
}

// Whatever form a secret has, the mask covers it.
func TestEverySecretIsMasked(t *testing.T) {
	for _, info := range knownKeys().ordered {
		if info.kind != kindSecret || !savable(info.path) {
			continue
		}
		for _, secret := range []string{`"hidden-canary"`, `["hidden-canary"]`, `{"a":"hidden-canary"}`, `4711`} {
			doc := secret
			parts := strings.Split(info.path, ".")
			for _, part := range slices.Backward(parts) {
				doc = fmt.Sprintf(`{%q:%s}`, part, doc)
			}
			masked, err := MaskDocument([]byte(doc))
			if err != nil || strings.Contains(string(masked), "hidden") || strings.Contains(string(masked), "4711") {
				t.Errorf("%s: %s, %v", info.path, masked, err)
			}
		}
	}
}
