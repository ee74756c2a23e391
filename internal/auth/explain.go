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
	var e Explanation
	token, e.Remarks = bare(token)
	now := s.clock()
	v, t, err := s.judge(ctx, token, now)
	if token == "" {
		err = Refuse(CodeMissing)
	}
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
	if cause := errors.Unwrap(known); cause != nil && known.Code != "" && known.Code != CodeSignature {
		e.Remarks = append(e.Remarks, "More exactly: "+cause.Error()+".")
	}
	if t != nil {
		e.Remarks = append(e.Remarks, s.remarks(ctx, known.Code, t, now)...)
	}
	return e
}

// bare takes a token out of what people copy along with it, and says so: with it, a
// request would be refused.
func bare(text string) (token string, remarks []string) {
	token = strings.TrimSpace(text)
	if name, rest, ok := strings.Cut(token, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "Authorization") {
		token = strings.TrimSpace(rest)
		remarks = append(remarks, "This is the whole header; what follows is about the token in it.")
	}
	words := 0
	for {
		scheme, rest, ok := strings.Cut(token, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			break
		}
		token = strings.TrimSpace(rest)
		words++
	}
	switch {
	case words == 1 && len(remarks) == 0:
		remarks = append(remarks, "The word Bearer belongs to the header, not to the token; it was left out here.")
	case words > 1:
		remarks = append(remarks, "The word Bearer stands there more than once: a request with it is refused with "+CodeFormat+". It was left out here.")
	}
	if plain := strings.Trim(token, "\"'`"); plain != token {
		token = plain
		remarks = append(remarks, "There are quotes around the token: a request with them is refused with "+CodeFormat+". They were left out here.")
	}
	return token, remarks
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
	if c.NotBefore != nil {
		moment("not before", c.NotBefore)
	}
	moment("expires", c.Expires)
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Value == "" || f.Value == " (digest)" })
}

func distance(now, when time.Time) string {
	d := when.Sub(now).Round(time.Second)
	if d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

// span is a length of time in the unit that people would say.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*365*day:
		return fmt.Sprintf("%d years", d/(365*day))
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
