package auth

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/idna"
)

// naming is what an identity is called here.
type naming struct {
	name  string // of the user, lower case
	email string
	// made says that the email was put together of the name and the principal domain:
	// nobody vouches for it.
	made bool
}

// principalClaims name the user unless others are configured.
var principalClaims = []string{"email", "preferred_username", "sub"}

// maxName bounds names and emails.
const maxName = 127

// naming chooses name and email of an identity.
func (r *Rules) naming(id Identity) (naming, error) {
	var n naming
	if r.UsernameClaim != "" && r.EmailClaim != "" {
		name, email := fold(claimText(id, r.UsernameClaim)), fold(claimText(id, r.EmailClaim))
		if name == "" || email == "" {
			return naming{}, r.unnamed(id, r.UsernameClaim, r.EmailClaim)
		}
		if at := strings.LastIndexByte(name, '@'); at > 0 {
			name = name[:at]
		}
		n = naming{name: name, email: email}
	} else {
		var ok bool
		if n, ok = r.principal(id); !ok {
			return naming{}, r.unnamed(id, r.principalClaims()...)
		}
	}
	if err := n.check(); err != nil {
		return naming{}, RefuseFor(CodeClaims, err)
	}
	return n, nil
}

func (r *Rules) principalClaims() []string {
	if len(r.PrincipalClaims) == 0 {
		return principalClaims
	}
	return r.PrincipalClaims
}

func (r *Rules) roleClaim() string {
	if r.RoleClaim == "" {
		return "roles"
	}
	return r.RoleClaim
}

// principal takes the first claim that says something.
func (r *Rules) principal(id Identity) (naming, bool) {
	for _, claim := range r.principalClaims() {
		value := fold(claimText(id, claim))
		if value == "" {
			continue
		}
		if at := strings.LastIndexByte(value, '@'); at >= 0 {
			return naming{name: value[:at], email: value}, true
		}
		if email := fold(claimText(id, "email")); email != "" {
			return naming{name: value, email: email}, true
		}
		return naming{name: value, email: value + "@" + fold(r.PrincipalDomain), made: true}, true
	}
	return naming{}, false
}

// unnamed refuses with the claims that were looked for, and tells the log which
// there are.
func (r *Rules) unnamed(id Identity, wanted ...string) error {
	var present []string
	for name := range id.Claims {
		present = append(present, name)
	}
	slices.Sort(present)
	e := RefuseFor(CodeClaims, fmt.Errorf("claims present: %.300q", present))
	e.Message = fmt.Sprintf("Invalid JWT token, none of the following claims are present [%s]", strings.Join(wanted, ", "))
	return e
}

// check refuses what cannot be a name or an address, or could be taken for another.
func (n naming) check() error {
	switch {
	case n.name == "" || len(n.name) > maxName || len(n.email) > maxName:
		return fmt.Errorf("a name of %d and an email of %d bytes", len(n.name), len(n.email))
	case strings.Contains(n.name, "::"):
		return fmt.Errorf("a name with %q", "::")
	case strings.ContainsFunc(n.name+n.email, confusing):
		return fmt.Errorf("a name or an email with spaces, control characters or letters that fold to ASCII")
	case !strings.Contains(n.email, "@") || strings.HasPrefix(n.email, "@") || strings.HasSuffix(n.email, "@"):
		return fmt.Errorf("an email without two sides of an @")
	}
	return nil
}

// confusing tells of a rune that has no place in a name: spaces, controls, and
// letters such as the Kelvin sign, which other software folds to an ASCII letter, and
// so to somebody else's address.
func confusing(r rune) bool {
	if r < unicode.MaxASCII {
		return r <= ' '
	}
	return r == unicode.MaxASCII || unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar ||
		unicode.Is(unicode.Cf, r) || unicode.ToLower(r) < unicode.MaxASCII || unicode.SimpleFold(r) < unicode.MaxASCII
}

// fold trims and puts ASCII letters in lower case, those alone: see confusing.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		if r > unicode.MaxASCII && !confusing(r) {
			return unicode.ToLower(r)
		}
		return r
	}, strings.TrimSpace(text))
}

// claimText reads a claim that is a text, or a list that begins with one.
func claimText(id Identity, claim string) string {
	if claim == "sub" {
		return id.Subject
	}
	if text := id.Text(claim); text != "" {
		return text
	}
	raw := id.Claims[claim]
	if raw.Kind() != '[' {
		return ""
	}
	var list []jsontext.Value
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return ""
	}
	return Identity{Claims: map[string]jsontext.Value{claim: list[0]}}.Text(claim)
}

// emailDomain is the part behind the last @ in the form of IDNA; "" when it is no
// domain.
func emailDomain(email string) string {
	return asciiDomain(email[strings.LastIndexByte(email, '@')+1:])
}

func asciiDomain(domain string) string {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSpace(domain))
	if err != nil {
		return ""
	}
	return strings.ToLower(ascii)
}

// ofDomain tells whether the email is of one of the domains, never of one below it.
func ofDomain(email string, domains ...string) bool {
	own := emailDomain(email)
	return own != "" && slices.ContainsFunc(domains, func(d string) bool { return asciiDomain(d) == own })
}

// domainAllowed judges the email, not whichever claim won.
func (r *Rules) domainAllowed(n naming) bool {
	return !r.EnforceDomain || ofDomain(n.email, append([]string{r.PrincipalDomain}, r.AllowedDomains...)...)
}

// takesOn tells whether people with this email become users by themselves.
func (r *Rules) takesOn(n naming) bool {
	return slices.ContainsFunc(r.RegistrationDomains, func(d string) bool {
		return strings.EqualFold(strings.TrimSpace(d), "all") || ofDomain(n.email, d)
	})
}

// vouched tells whether the email may stand for a person: the provider has verified
// it, or says nothing about it and need not.
func (r *Rules) vouched(id Identity) bool {
	raw, ok := id.Claims["email_verified"]
	if !ok || raw.Kind() == 'n' {
		return !r.RequireVerifiedEmail
	}
	return raw.Kind() == 't' || strings.EqualFold(id.Text("email_verified"), "true")
}

// isAdmin matches the configured administrators. A plain name counts only with an
// email of the principal domain that the provider vouches for.
func (r *Rules) isAdmin(id Identity, n naming) bool {
	if n.made || !r.vouched(id) || strings.Contains(n.name, "@") {
		return false
	}
	return slices.ContainsFunc(r.AdminPrincipals, func(entry string) bool {
		entry = fold(entry)
		if strings.Contains(entry, "@") {
			return entry == n.email
		}
		return entry != "" && entry == n.name && ofDomain(n.email, r.PrincipalDomain)
	})
}
