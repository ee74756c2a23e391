package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// IssuedToken is a new token. The text is shown this once.
type IssuedToken struct {
	Token   string
	ID      string // jti
	Expiry  Expiry
	Expires time.Time // zero for never
}

// BotToken describes a bot's token on record, without the token.
type BotToken struct {
	ID      string
	Expiry  Expiry
	Created time.Time
	Expires time.Time // zero for never; the end of the overlap if that is earlier
	By      string
	// Replaced says that it only goes on for the overlap with its successor.
	Replaced bool
}

// IssueBotToken makes a new token for the user of a bot and ends all others, at
// once or after Options.RotationOverlap.
func (s *Service) IssueBotToken(ctx context.Context, by entity.Principal, user entity.ID, expiry Expiry) (IssuedToken, error) {
	overlap := s.opts.RotationOverlap
	return s.newBotToken(ctx, by, user, expiry, func(tx store.Tx, now time.Time) error {
		if err := s.endLegacy(ctx, tx, user, now, now.Add(overlap)); err != nil {
			return err
		}
		if overlap == 0 {
			_, err := dropCredentials(ctx, tx, user, prefixBot, now, always)
			return err
		}
		return endLater(ctx, tx, user, now, now.Add(overlap))
	})
}

// AddBotToken makes one more token for the user of a bot; those in use go on.
func (s *Service) AddBotToken(ctx context.Context, by entity.Principal, user entity.ID, expiry Expiry) (IssuedToken, error) {
	return s.newBotToken(ctx, by, user, expiry, func(tx store.Tx, now time.Time) error {
		return makeRoom(ctx, tx, user, prefixBot, now)
	})
}

func (s *Service) newBotToken(ctx context.Context, by entity.Principal, id entity.ID, expiry Expiry, before func(store.Tx, time.Time) error) (IssuedToken, error) {
	if err := denyBots(by); err != nil {
		return IssuedToken{}, err
	}
	user, err := s.liveUser(ctx, id)
	if err != nil {
		return IssuedToken{}, err
	}
	if !user.IsBot {
		return IssuedToken{}, entity.BadRequest("Generating JWT token is only supported for bot users")
	}
	issued, c, err := s.makeToken(user, by, TypeBot, expiry)
	if err != nil {
		return IssuedToken{}, err
	}
	if s.opts.RevealBotTokens {
		if c.Sealed, err = s.sealer.Seal(issued.Token, sealPlace(id, issued.ID)); err != nil {
			return IssuedToken{}, entity.Internal(err)
		}
	}
	err = s.change(ctx, id, func(tx store.Tx) error {
		if err := before(tx, s.clock()); err != nil {
			return err
		}
		if err := putCredential(ctx, tx, id, prefixBot+issued.ID, c); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "botTokenIssued", User: user.Name, By: by.Name, TokenID: issued.ID})
	})
	if err != nil {
		return IssuedToken{}, err
	}
	return issued, nil
}

// makeToken signs a long-lived token and prepares its record.
func (s *Service) makeToken(user User, by entity.Principal, tokenType string, expiry Expiry) (IssuedToken, *credential, error) {
	if expiry == "" {
		expiry = DefaultExpiry
	}
	life, err := s.lifetime(expiry)
	if err != nil {
		return IssuedToken{}, nil, err
	}
	now := s.clock()
	issued := IssuedToken{ID: randomID(), Expiry: expiry}
	if tokenType == TypePersonal {
		issued.ID = entity.NewID().String() // clients read it as a UUID
	}
	c := &credential{Created: now.UnixMilli(), By: by.Name, Expiry: expiry}
	cl := s.claimsFor(user, tokenType, issued.ID, now)
	if life > 0 {
		issued.Expires = now.Add(life).Truncate(time.Second)
		c.Expires = issued.Expires.UnixMilli()
		at := issued.Expires.Unix()
		cl.Expires = &at
	}
	if issued.Token, c.KeyID, err = s.signNaming(cl); err != nil {
		return IssuedToken{}, nil, entity.Internal(err)
	}
	sum := sha256.Sum256([]byte(issued.Token))
	c.Hash = sum[:]
	return issued, c, nil
}

func (s *Service) claimsFor(user User, tokenType, id string, now time.Time) claims {
	issuedAt := now.Unix()
	return claims{
		Issuer: s.opts.Issuer, Subject: user.Name, Email: user.Email, IsBot: user.IsBot, Type: tokenType,
		IssuedAt: &issuedAt, Audience: audience{s.opts.Audience}, ID: id,
	}
}

// RevokeBotTokens ends all tokens of a bot's user at once and returns how many
// were live.
func (s *Service) RevokeBotTokens(ctx context.Context, by entity.Principal, user entity.ID) (int, error) {
	if err := denyBots(by); err != nil {
		return 0, err
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return 0, err
	}
	revoked := 0
	err = s.change(ctx, user, func(tx store.Tx) error {
		var err error
		now := s.clock()
		if revoked, err = dropCredentials(ctx, tx, user, prefixBot, now, always); err != nil {
			return err
		}
		if err := s.endLegacy(ctx, tx, user, now, now); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "botTokensRevoked", User: known.Name, By: by.Name})
	})
	return revoked, err
}

// BotTokenInfo lists the live tokens of a bot's user, the newest first.
func (s *Service) BotTokenInfo(ctx context.Context, user entity.ID) ([]BotToken, error) {
	all, err := s.liveCredentials(ctx, user, prefixBot)
	if err != nil {
		return nil, err
	}
	tokens := make([]BotToken, 0, len(all))
	for key, c := range all {
		tokens = append(tokens, botToken(key, c))
	}
	slices.SortFunc(tokens, newestFirst)
	return tokens, nil
}

// BotTokens lists the live tokens of the users of all bots, the newest first. It reads
// them in pages, not bot by bot.
func (s *Service) BotTokens(ctx context.Context) (map[entity.ID][]BotToken, error) {
	var found map[entity.ID][]BotToken
	now := s.clock()
	err := s.store.View(ctx, func(r store.Reader) error {
		found = make(map[entity.ID][]BotToken)
		return eachCredential(ctx, r, prefixBot, func(owner, key string, c *credential) {
			if user, err := entity.ParseID(owner); err == nil && c.live(now) {
				found[user] = append(found[user], botToken(key, c))
			}
		})
	})
	for _, tokens := range found {
		slices.SortFunc(tokens, newestFirst)
	}
	return found, err
}

func botToken(key string, c *credential) BotToken {
	return BotToken{
		ID: strings.TrimPrefix(key, prefixBot), Expiry: c.Expiry, By: c.By,
		Created: time.UnixMilli(c.Created), Expires: c.end(), Replaced: c.Until != 0,
	}
}

func newestFirst(a, b BotToken) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
}

// RevealBotToken returns the newest live token of a bot's user in clear. It is
// not found unless Options.RevealBotTokens was set when the token was made. Each
// call is audited; whether the caller may is for the caller of this to decide.
func (s *Service) RevealBotToken(ctx context.Context, by entity.Principal, user entity.ID) (IssuedToken, error) {
	if err := denyBots(by); err != nil {
		return IssuedToken{}, err
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return IssuedToken{}, err
	}
	tokens, err := s.BotTokenInfo(ctx, user)
	if err != nil {
		return IssuedToken{}, err
	}
	for _, t := range tokens {
		var sealed string
		err := s.change(ctx, user, func(tx store.Tx) error {
			c, err := readCredential(ctx, tx, user, prefixBot+t.ID)
			if err != nil {
				return err
			}
			if sealed = c.Sealed; sealed == "" {
				return nil
			}
			return s.audit(ctx, tx, AuditEntry{Action: "botTokenRevealed", User: known.Name, By: by.Name, TokenID: t.ID})
		})
		if err != nil {
			return IssuedToken{}, err
		}
		if sealed == "" {
			continue
		}
		token, err := s.sealer.Open(sealed, sealPlace(user, t.ID))
		if err != nil {
			return IssuedToken{}, entity.Internal(err)
		}
		return IssuedToken{Token: token, ID: t.ID, Expiry: t.Expiry, Expires: t.Expires}, nil
	}
	return IssuedToken{}, &entity.Error{
		Kind: entity.KindNotFound, Message: "The bot's token is not kept in a form that can be shown",
		Hint: "Generate a new one; it is shown once.",
	}
}

func sealPlace(user entity.ID, id string) string {
	return fmt.Sprintf("%s/%s/%s%s", kindCredential, user, prefixBot, id)
}

// endLater bounds the life of a bot's present tokens.
func endLater(ctx context.Context, tx store.Tx, user entity.ID, now, until time.Time) error {
	if _, err := dropCredentials(ctx, tx, user, prefixBot, now, notLive(now)); err != nil {
		return err
	}
	all, err := credentialsOf(ctx, tx, user)
	if err != nil {
		return err
	}
	for key, c := range all {
		if !strings.HasPrefix(key, prefixBot) {
			continue
		}
		if end := until.UnixMilli(); c.Until == 0 || end < c.Until {
			c.Until = end
			if err := putCredential(ctx, tx, user, key, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeRoom removes what is over, and refuses one more when there are too many.
func makeRoom(ctx context.Context, tx store.Tx, user entity.ID, prefix string, now time.Time) error {
	if _, err := dropCredentials(ctx, tx, user, prefix, now, notLive(now)); err != nil {
		return err
	}
	all, err := credentialsOf(ctx, tx, user)
	if err != nil {
		return err
	}
	count := 0
	for key := range all {
		if strings.HasPrefix(key, prefix) {
			count++
		}
	}
	if count >= maxCredentials {
		return entity.Conflict("There are %d live tokens already; revoke some first", count)
	}
	return nil
}

func always(string, *credential) bool { return true }

func notLive(now time.Time) func(string, *credential) bool {
	return func(_ string, c *credential) bool { return !c.live(now) }
}

func (c *credential) end() time.Time {
	switch {
	case c.Until != 0 && (c.Expires == 0 || c.Until < c.Expires):
		return time.UnixMilli(c.Until)
	case c.Expires != 0:
		return time.UnixMilli(c.Expires)
	}
	return time.Time{}
}

// denyBots keeps bots away from credentials, whatever policy says.
func denyBots(by entity.Principal) error {
	if by.TokenType != TypeBot {
		return nil
	}
	return wrongType("A bot cannot manage tokens.")
}

func wrongType(message string) error {
	return &entity.Error{Kind: entity.KindForbidden, Code: CodeType, Message: message, Hint: refusals[CodeType].hint}
}

// liveUser finds a user that is not deleted.
func (s *Service) liveUser(ctx context.Context, id entity.ID) (User, error) {
	user, err := s.users.ByID(ctx, id)
	if err != nil {
		return User{}, err
	}
	if user.Deleted {
		return User{}, entity.NotFound("user", user.Name)
	}
	return user, nil
}

// change runs a transaction about one user's credentials, which counts for every
// request from then on.
func (s *Service) change(ctx context.Context, user entity.ID, fn func(store.Tx) error) error {
	defer s.subjects.forget(user)
	return s.store.Update(ctx, fn)
}

func (s *Service) liveCredentials(ctx context.Context, user entity.ID, prefix string) (map[string]*credential, error) {
	live := make(map[string]*credential)
	err := s.store.View(ctx, func(r store.Reader) error {
		clear(live)
		all, err := credentialsOf(ctx, r, user)
		if err != nil {
			return err
		}
		now := s.clock()
		for key, c := range all {
			if strings.HasPrefix(key, prefix) && c.live(now) {
				live[key] = c
			}
		}
		return nil
	})
	return live, err
}
