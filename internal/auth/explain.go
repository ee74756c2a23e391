package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Explanation tells what a token says and why it is taken or refused. It never holds
// the token or a part that would help to make one.
type Explanation struct {
	OK      bool     `json:"ok"`
	Code    string   `json:"errorCode,omitzero"`
	Message string   `json:"message,omitzero"`
	Hint    string   `json:"hint,omitzero"`
	Facts   []Fact   `json:"facts"`
	Remarks []string `json:"remarks,omitzero"` // what the code alone does not tell
}

// Fact is something a token says of itself.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Explain judges a token as a request with it would be judged, without leaving a
// trace, and says what it found.
func (s *Service) Explain(ctx context.Context, token string) Explanation {
	token = strings.TrimSpace(token)
	var e Explanation
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
		e.Remarks = append(e.Remarks, "The word Bearer belongs to the header, not to the token; it was left out here.")
	}
	if quotes := strings.Trim(token, `"'`); quotes != token {
		token = quotes
		e.Remarks = append(e.Remarks, "There were quotes around the token; they were left out here.")
	}
	now := s.clock()
	v, t, err := s.judge(ctx, token, now)
	if err == nil {
		err = s.explainUser(ctx, v, t, digest(token), now)
	}
	if t != nil {
		e.Facts = factsOf(t, now)
	}
	if err == nil {
		e.OK = true
		return e
	}
	known := entity.AsError(err)
	if known == nil {
		known = entity.Internal(err)
	}
	e.Code, e.Message, e.Hint = known.Code, known.Message, known.Hint
	// The cause of a refusal never holds a part of a credential.
	if cause := errors.Unwrap(known); cause != nil && known.Code != "" {
		e.Remarks = append(e.Remarks, "More exactly: "+cause.Error()+".")
	}
	if t != nil {
		e.Remarks = append(e.Remarks, s.remarks(known.Code, t, now)...)
	}
	return e
}

// explainUser says whether a token that is right speaks for somebody. A sign-in with
// a provider's token is rehearsed, not done.
func (s *Service) explainUser(ctx context.Context, v *verified, t *parsed, sum [32]byte, now time.Time) error {
	force := s.inForce.Load()
	if v.profile == force.provider {
		token, err := v.profile.idToken(t)
		if err != nil {
			return err
		}
		_, err = s.rehearse(ctx, force.SignOn, Grant{Identity: token.Identity})
		return err
	}
	var err error
	if v.admission, err = v.profile.admit(ctx, t); err != nil {
		return err
	}
	_, _, err = s.check(ctx, v, sum, now)
	return err
}

func factsOf(t *parsed, now time.Time) []Fact {
	c := &t.claims
	facts := []Fact{
		{"issuer", entity.Shorten(c.Issuer, 200)}, {"subject", digestOf(c.Subject) + " (digest)"},
		{"algorithm", entity.Shorten(t.header.Algorithm, 20)}, {"key id", entity.Shorten(t.header.KeyID, 80)},
		{"audience", entity.Shorten(strings.Join(c.Audience, ", "), 200)},
	}
	if c.Type != "" {
		facts = append(facts, Fact{"kind", entity.Shorten(c.Type, 40)})
	}
	moment := func(name string, at *int64) {
		if at == nil {
			facts = append(facts, Fact{name, "not said"})
			return
		}
		when := time.Unix(*at, 0)
		facts = append(facts, Fact{name, when.UTC().Format(time.RFC3339) + " (" + distance(now, when) + ")"})
	}
	moment("issued", c.IssuedAt)
	moment("expires", c.Expires)
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Value == "" || f.Value == " (digest)" })
}

func distance(now, when time.Time) string {
	d := when.Sub(now).Round(time.Second)
	if d < 0 {
		return (-d).String() + " ago"
	}
	return "in " + d.String()
}

// remarks compares a refused token with what this server would accept.
func (s *Service) remarks(code string, t *parsed, now time.Time) []string {
	switch code {
	case CodeIssuer:
		return s.issuerRemarks(t.claims.Issuer)
	case CodeAlgorithm:
		if strings.HasPrefix(t.header.Algorithm, "HS") {
			return []string{"It is signed with a shared secret (HS256 and the like). At Auth0, set the application's signature algorithm to RS256."}
		}
	case CodeKeyID, CodeKeyRotated:
		return s.keyRemarks(t)
	case CodeExpired:
		if t.claims.Expires != nil {
			return []string{fmt.Sprintf("It ended %s by this machine's clock, which says %s.", distance(now, time.Unix(*t.claims.Expires, 0)), now.UTC().Format(time.RFC3339))}
		}
	case CodeSkew:
		return []string{fmt.Sprintf("This machine's clock says %s. If the issuer's clock is right, this one is slow.", now.UTC().Format(time.RFC3339))}
	case CodeAudience:
		return s.audienceRemarks(t)
	}
	return nil
}

func (s *Service) issuerRemarks(issuer string) []string {
	remarks := []string{fmt.Sprintf("This server's own tokens name the issuer %q.", s.opts.Issuer)}
	trusted := []string{s.opts.Issuer}
	if p := s.inForce.Load().provider; p != nil {
		trusted = append(trusted, p.Issuer)
		remarks = append(remarks, fmt.Sprintf("Tokens of the identity provider name the issuer %q.", p.Issuer))
	} else if so := s.SignOn(); so.Redirect != nil {
		remarks = append(remarks, "The identity provider's own tokens are not taken here: people sign in through the server and get its tokens (confidential client).")
	}
	for _, want := range trusted {
		switch {
		case strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(want, "/"):
			remarks = append(remarks, "They differ in a slash at the end only; the issuer is compared character by character.")
		case strings.EqualFold(issuer, want):
			remarks = append(remarks, "They differ in upper and lower case only; the issuer is compared character by character.")
		case sameHostKind(issuer, want):
			remarks = append(remarks, "The token comes from a domain of Auth0: tenant domain and custom domain are different issuers. Set the authority to the one the tokens name.")
		}
	}
	return remarks
}

func sameHostKind(issuer, want string) bool {
	return strings.Contains(issuer, ".auth0.com") && strings.HasPrefix(want, "https://") && !strings.Contains(want, ".auth0.com")
}

func (s *Service) keyRemarks(t *parsed) []string {
	if retired, ok := s.keys.Retired(t.header.KeyID); ok {
		return []string{fmt.Sprintf("It was signed by the key %s, retired %s.", retired.ID, retired.At.UTC().Format(time.RFC3339))}
	}
	if t.claims.Issuer != s.opts.Issuer {
		return []string{"The identity provider does not publish this key, or not yet: keys are asked for again at most every 30 seconds. catalpa doctor provider shows what it publishes."}
	}
	ids := make([]string, 0, 3)
	for _, k := range s.keys.List() {
		ids = append(ids, k.ID+" ("+k.State+")")
	}
	return []string{"This server's keys: " + strings.Join(ids, ", ") + ". A token of another installation, or one from before the data directory was made anew, names another."}
}

func (s *Service) audienceRemarks(t *parsed) []string {
	audiences := []string{s.opts.Audience}
	if p := s.inForce.Load().provider; p != nil && t.claims.Issuer == p.Issuer {
		audiences = p.Audiences
	}
	remarks := []string{"Accepted audiences: " + strings.Join(audiences, ", ") + "."}
	if strings.HasSuffix(strings.ToLower(t.header.Type), "at+jwt") {
		remarks = append(remarks, "This is an access token for an API. Send the ID token, or name the API in acceptedAudiences.")
	}
	return remarks
}
