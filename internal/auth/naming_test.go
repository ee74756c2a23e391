package auth

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// claimed is an identity with claims that are texts.
func claimed(texts map[string]string) Identity {
	id := Identity{Issuer: testIssuer, Subject: "sub-1", Claims: map[string]jsontext.Value{}}
	for name, text := range texts {
		id.Claims[name] = jsontext.Value(quoted(text))
	}
	return id
}

func TestNaming(t *testing.T) {
	mapped := Rules{UsernameClaim: "nick", EmailClaim: "mail", PrincipalDomain: "corp.example"}
	plain := Rules{PrincipalDomain: "corp.example"}
	for name, c := range map[string]struct {
		rules  Rules
		claims map[string]string
		want   naming
		code   string
	}{
		"email first":          {plain, map[string]string{"email": "Ann.B@Corp.example", "preferred_username": "x"}, naming{name: "ann.b", email: "ann.b@corp.example"}, ""},
		"then the user name":   {plain, map[string]string{"preferred_username": "Ann"}, naming{name: "ann", email: "ann@corp.example", made: true}, ""},
		"then the subject":     {plain, nil, naming{name: "sub-1", email: "sub-1@corp.example", made: true}, ""},
		"empty does not count": {plain, map[string]string{"email": "  ", "preferred_username": "ann"}, naming{name: "ann", email: "ann@corp.example", made: true}, ""},
		"name with an email":   {Rules{PrincipalClaims: []string{"nick"}}, map[string]string{"nick": "Ann", "email": "a@x.example"}, naming{name: "ann", email: "a@x.example"}, ""},
		"last at counts":       {plain, map[string]string{"email": "ceo@corp.example@evil.example"}, naming{name: "ceo@corp.example", email: "ceo@corp.example@evil.example"}, ""},
		"mapping":              {mapped, map[string]string{"nick": "Nick", "mail": "N@X.example"}, naming{name: "nick", email: "n@x.example"}, ""},
		"mapping, half":        {mapped, map[string]string{"nick": "Nick"}, naming{}, CodeClaims},
		"no claim":             {Rules{PrincipalClaims: []string{"upn"}}, map[string]string{"email": "a@x.example"}, naming{}, CodeClaims},
		"Kelvin sign":          {plain, map[string]string{"email": "\u212Aate@corp.example"}, naming{}, CodeClaims},
		"long s":               {plain, map[string]string{"email": "jame\u017F@corp.example"}, naming{}, CodeClaims},
		"dotted I":             {plain, map[string]string{"email": "\u0130@corp.example"}, naming{}, CodeClaims},
		"zero width":           {plain, map[string]string{"email": "a\u200Bnn@corp.example"}, naming{}, CodeClaims},
		"line break":           {plain, map[string]string{"email": "a\n@corp.example"}, naming{}, CodeClaims},
		"no local part":        {plain, map[string]string{"email": "@corp.example"}, naming{}, CodeClaims},
		"no domain":            {plain, map[string]string{"email": "ann@"}, naming{}, CodeClaims},
		"too long":             {plain, map[string]string{"email": strings.Repeat("a", 200) + "@corp.example"}, naming{}, CodeClaims},
		"name without domain":  {Rules{}, map[string]string{"preferred_username": "ann"}, naming{}, CodeClaims},
		"separator":            {plain, map[string]string{"preferred_username": "a::b"}, naming{}, CodeClaims},
		"umlauts stay":         {plain, map[string]string{"preferred_username": "Jürgen"}, naming{name: "jürgen", email: "jürgen@corp.example", made: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.rules.naming(claimed(c.claims))
			if codeOf(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	_, err := (&Rules{PrincipalClaims: []string{"upn", "oid"}}).naming(claimed(nil))
	if err == nil || !strings.Contains(err.Error(), "claims are present [upn, oid]") {
		t.Errorf("%v does not name the claims", err)
	}
}

// TestNamingIsStable: what names are made of names never changes case or gains a
// letter that somebody else's software reads as another.
func TestNamingIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{PrincipalDomain: "corp.example"}
		n, err := rules.naming(claimed(map[string]string{"email": rapid.String().Draw(t, "email")}))
		if err != nil {
			return
		}
		if strings.ToLower(n.name) != n.name && fold(n.name) != n.name {
			t.Errorf("%q is not in lower case", n.name)
		}
		if strings.ContainsFunc(n.name+n.email, confusing) {
			t.Errorf("%+v holds confusing letters", n)
		}
	})
}

func TestT44Domains(t *testing.T) {
	rules := Rules{EnforceDomain: true, PrincipalDomain: "Company.com", AllowedDomains: []string{"bücher.example", " partner.org "}}
	for email, want := range map[string]bool{
		"a@company.com": true, "a@COMPANY.com": true, "a@partner.org": true, "a@bücher.example": true, "a@xn--bcher-kva.example": true, "a@BÜCHER.example": true,
		"a@evilcompany.com": false, "a@company.com.evil.org": false, "a@sub.company.com": false, "a@company.com.": false, "a@company": false,
		"a@company.com@evil.org": false, "a@": false, "a@.company.com": false, "a@cоmpany.com": false, // a Cyrillic o
	} {
		if got := rules.domainAllowed(naming{email: email}); got != want {
			t.Errorf("%s: %v", email, got)
		}
	}
	if !(&Rules{PrincipalDomain: "company.com"}).domainAllowed(naming{email: "a@x.org"}) {
		t.Error("a domain is enforced that need not be")
	}
	if (&Rules{EnforceDomain: true}).domainAllowed(naming{email: "a@"}) {
		t.Error("no domain is of no domain")
	}
}

func TestAdminPrincipals(t *testing.T) {
	rules := Rules{PrincipalDomain: "corp.example", AdminPrincipals: []string{"Boss", "Chief@Partner.example", ""}}
	for name, c := range map[string]struct {
		claims map[string]string
		want   bool
	}{
		"name and domain": {map[string]string{"email": "boss@corp.example"}, true}, "other case": {map[string]string{"email": "BOSS@CORP.example"}, true},
		"other domain": {map[string]string{"email": "boss@evil.example"}, false}, "part of the name": {map[string]string{"email": "boss2@corp.example"}, false},
		"full email": {map[string]string{"email": "chief@partner.example"}, true}, "full email elsewhere": {map[string]string{"email": "chief@corp.example"}, false},
		"not verified": {map[string]string{"email": "boss@corp.example", "email_verified": "false"}, false},
		"verified":     {map[string]string{"email": "boss@corp.example", "email_verified": "true"}, true},
		"only a name":  {map[string]string{"preferred_username": "boss"}, false},
		"two at signs": {map[string]string{"email": "boss@corp.example@corp.example"}, false},
	} {
		id := claimed(c.claims)
		n, err := rules.naming(id)
		must(t, err)
		if got := rules.isAdmin(id, n); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
