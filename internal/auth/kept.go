package auth

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// keepFor is how long the admin who changes how people sign in stays signed in.
const keepFor = 10 * time.Minute

// kindKept are the records of tokens of a provider that go on for a while though it is
// not trusted any more. They are found by the digest of the whole token, which was
// judged when it was the provider's turn.
const kindKept = "auth-kept"

type keptDoc struct {
	User     string `json:"user"`
	TokenID  string `json:"tokenId"`  // without its prefix
	SignedIn int64  `json:"signedIn"` // milliseconds since 1970
	Issued   int64  `json:"issued"`   // seconds since 1970
}

// Keep lets an admin who is about to put another SignOn in force go on for ten
// minutes with what the admin called with, whatever provider it is of: to see what
// comes of the change, and to take it back. authorization is the value of the header
// that by was found by.
func (s *Service) Keep(ctx context.Context, by entity.Principal, authorization string) error {
	if by.TokenType != TypeUser || !by.IsAdmin {
		return nil
	}
	until := s.clock().Add(keepFor)
	if tokenID, ok := ofProvider(by.TokenID); ok {
		return s.keepToken(ctx, by, tokenID, authorization, until)
	}
	return s.change(ctx, by.UserID, func(tx store.Tx) error {
		c, err := readCredential(ctx, tx, by.UserID, sessionKey(by))
		if err != nil {
			return err
		}
		c.Keep = until.UnixMilli()
		return putCredential(ctx, tx, by.UserID, sessionKey(by), c)
	})
}

func (s *Service) keepToken(ctx context.Context, by entity.Principal, tokenID, authorization string, until time.Time) error {
	token, ok := bearer(authorization)
	t, err := parse(token)
	if !ok || err != nil {
		return Refuse(CodeFormat)
	}
	_, expires, _ := strings.Cut(tokenID, ".")
	end, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return entity.Internal(err)
	}
	doc, err := json.Marshal(keptDoc{User: by.UserID.String(), TokenID: tokenID, SignedIn: by.SignedIn, Issued: *t.claims.IssuedAt})
	if err != nil {
		return entity.Internal(err)
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindKept, To: s.clock().UnixMilli()}); err != nil {
			return err
		}
		at := min(until.UnixMilli(), end*1000)
		return tx.PutRecord(ctx, store.Record{Kind: kindKept, Key: keptKey(digest(token)), At: at, Doc: doc})
	})
}

func keptKey(sum [32]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:]) }

// kept finds the caller of a token that the SignOn in force refuses, if it was kept.
// Only right after a change of the SignOn it is looked for.
func (s *Service) kept(ctx context.Context, sum [32]byte, t *parsed, now time.Time) (entity.Principal, bool) {
	if t == nil || now.Sub(s.inForce.Load().since) >= keepFor {
		return entity.Principal{}, false
	}
	v, err := s.readKept(ctx, sum, now)
	if err != nil {
		return entity.Principal{}, false
	}
	st, err := s.standingOf(v)
	if err != nil || st.withdrew(v) {
		return entity.Principal{}, false
	}
	return s.principal(v, st), true
}

func (s *Service) readKept(ctx context.Context, sum [32]byte, now time.Time) (*verified, error) {
	var rec store.Record
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		rec, err = r.Record(ctx, kindKept, "", keptKey(sum))
		return err
	})
	if err != nil {
		return nil, err
	}
	if now.UnixMilli() >= rec.At {
		return nil, Refuse(CodeExpired)
	}
	var doc keptDoc
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return nil, entity.Internal(err)
	}
	user, err := entity.ParseID(doc.User)
	if err != nil {
		return nil, entity.Internal(err)
	}
	signed, _, _ := strings.Cut(doc.TokenID, ".")
	return &verified{admission: admission{
		user: user, tokenType: TypeUser, tokenID: keptTokenPrefix + doc.TokenID, withdrawal: prefixWithdrawn + signed, signedIn: doc.SignedIn, issued: doc.Issued,
	}}, nil
}
