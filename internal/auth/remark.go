package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/store"
)

// remarks compares a refused token with what this server would accept.
func (s *Service) remarks(ctx context.Context, code string, t *parsed, now time.Time) []string {
	switch code {
	case CodeIssuer:
		return s.issuerRemarks(t.claims.Issuer)
	case CodeAlgorithm:
		if strings.HasPrefix(t.header.Algorithm, "HS") {
			return []string{"It is signed with a shared secret (HS256 and the like). At Auth0, set the application's signature algorithm to RS256."}
		}
	case CodeKeyID, CodeKeyRotated:
		return s.keyRemarks(t, now)
	case CodeExpired:
		return s.expiredRemarks(ctx, t, now)
	case CodeSkew:
		return []string{fmt.Sprintf("This machine's clock says %s. If the issuer's clock is right, this one is slow. catalpa doctor provider compares it with the provider's.", now.UTC().Format(time.RFC3339))}
	case CodeAudience:
		return s.audienceRemarks(t)
	case CodeRevoked, CodeBotStale, CodeBotGone, CodeUserGone:
		return s.endingRemarks(ctx, t)
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

func (s *Service) keyRemarks(t *parsed, now time.Time) []string {
	if retired, ok := s.keys.Retired(t.header.KeyID); ok {
		return []string{fmt.Sprintf("It was signed by the key %s, retired %s.", retired.ID, retired.At.UTC().Format(time.RFC3339))}
	}
	if t.claims.Issuer != s.opts.Issuer {
		return s.providerKeyRemarks(now)
	}
	ids := make([]string, 0, 3)
	for _, k := range s.keys.List() {
		about := k.State
		if !k.Created.IsZero() {
			about += ", made " + k.Created.UTC().Format(time.DateOnly)
		}
		ids = append(ids, k.ID+" ("+about+")")
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

// providerKeyRemarks say which keys the provider is known to have.
func (s *Service) providerKeyRemarks(now time.Time) []string {
	remarks := []string{"The identity provider does not publish this key, or not yet: keys are asked for again at most every 30 seconds. catalpa doctor provider shows what it publishes."}
	p := s.inForce.Load().provider
	if p == nil || p.Known == nil {
		return remarks
	}
	var ids []string
	for _, k := range p.Known() {
		ids = append(ids, fmt.Sprintf("%s (asked for %s)", k.ID, distance(now, k.Fetched)))
	}
	if len(ids) == 0 {
		return append(remarks, "None of its keys is known here so far.")
	}
	return append(remarks, "Known of it: "+strings.Join(ids, ", ")+".")
}

// expiredRemarks say by whose clock it ended, and whether its session goes on.
func (s *Service) expiredRemarks(ctx context.Context, t *parsed, now time.Time) []string {
	if t.claims.Expires == nil {
		return nil
	}
	remarks := []string{fmt.Sprintf("It ended %s by this machine's clock, which says %s.", distance(now, time.Unix(*t.claims.Expires, 0)), now.UTC().Format(time.RFC3339))}
	if t.claims.Issuer != s.opts.Issuer || t.claims.Type != TypeUser {
		return remarks
	}
	user, err := s.users.ByName(ctx, t.claims.Subject)
	if err != nil {
		return remarks
	}
	session, _, _ := strings.Cut(t.claims.ID, ".")
	var c *credential
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		c, err = readCredential(ctx, r, user.ID, prefixSession+session)
		return err
	})
	switch {
	case isNotFound(err) || err == nil && c.Expires <= now.UnixMilli():
		return append(remarks, "Its session is over, too: signed out, ended, or too long unused.")
	case err != nil:
		return remarks
	}
	return append(remarks, "Its session goes on until "+time.UnixMilli(c.Expires).UTC().Format(time.RFC3339)+
		": whoever holds it did not renew the token in time. If renewing was refused, the list of refusals has the reason.")
}

// endings are the actions of the trail that end tokens, in words.
var endings = map[string]string{
	"signOut": "signed out", "signOutEverywhere": "signed out everywhere", "signOutByProvider": "signed out by the provider",
	"sessionEnded": "the session was ended", "sessionEndedByProvider": "the provider vouched no more", "sessionEndedByReplay": "the refresh token was used twice",
	"passwordChanged": "the password was changed", "passwordReset": "the password was reset by mail", "passwordsWiped": "all passwords were removed",
	"personalTokensRevoked": "personal tokens were ended", "botTokensRevoked": "the bot's tokens were ended", "botTokenIssued": "a newer token was made for the bot",
	"credentialsEnded": "the account was deleted", "disarmed": "password and tokens were taken away", "securitySettingsChanged": "the sign-on settings were changed",
}

// endingRemarks say when a token ended and by whom, as far as the trail tells. Only a
// token whose signature was right gets this far.
func (s *Service) endingRemarks(ctx context.Context, t *parsed) []string {
	if t.claims.IssuedAt == nil {
		return nil
	}
	entries, err := s.FindAudit(ctx, AuditQuery{User: t.claims.Subject, From: (*t.claims.IssuedAt + 1) * 1000, Limit: maxEntries})
	if err != nil {
		return nil
	}
	// Times of tokens are whole seconds: what happened within the first one may have been
	// before. What ended it first counts. A newer token may have been made beside it, so that is
	// the reason only if there is no other.
	var reason AuditEntry
	for _, e := range slices.Backward(entries) {
		if _, ends := endings[e.Action]; !ends || !concernsToken(e, t.claims.ID) {
			continue
		}
		if reason = e; e.Action != "botTokenIssued" {
			break
		}
	}
	if reason.Action == "" {
		return nil
	}
	remark := time.UnixMilli(reason.At).UTC().Format(time.RFC3339) + ": " + endings[reason.Action]
	if reason.By != "" {
		remark += ", by " + reason.By
	}
	return []string{remark + "."}
}

// concernsToken tells whether an entry can have ended the token with the id: not that
// of another session, nor the one about the making of this very token.
func concernsToken(e AuditEntry, id string) bool {
	if e.TokenID == "" {
		return true
	}
	if e.Action == "botTokenIssued" {
		return e.TokenID != id
	}
	one, _, _ := strings.Cut(e.TokenID, ".")
	other, _, _ := strings.Cut(id, ".")
	return one == other
}
