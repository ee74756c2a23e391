package auth

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The keys of credentials begin with what they are.
const (
	prefixBot      = "bot/"
	prefixPersonal = "personal/"
	prefixSession  = "session/"
	// prefixWithdrawn begins the digests of provider tokens that were given up.
	prefixWithdrawn = "withdrawn/"
)

// maxCredentials bounds the credentials of one kind that a user can hold.
const maxCredentials = 200

// credential is the record of something a user can call with. It holds digests
// only, never the secret itself.
type credential struct {
	Hash    []byte `json:"hash"`             // SHA-256 of the token; of a session, of its refresh token
	Created int64  `json:"created"`          // milliseconds since 1970, like the others
	Expires int64  `json:"expires,omitzero"` // 0 for never
	Until   int64  `json:"until,omitzero"`   // end of the overlap with its successor
	By      string `json:"by,omitzero"`      // who made it
	Name    string `json:"name,omitzero"`    // of a personal access token
	Expiry  Expiry `json:"expiry,omitzero"`  // as asked for
	KeyID   string `json:"kid,omitzero"`     // of the key that signed it
	Used    int64  `json:"used,omitzero"`    // last use, to the hour
	Sealed  string `json:"sealed,omitzero"`  // encrypted copy of a bot's token, if the operator wants one

	// Of a session: how often it was refreshed, the refresh token before, and the
	// encrypted present one for whoever comes with the former within the grace.
	Turns    int64  `json:"turns,omitzero"`
	Rotated  int64  `json:"rotated,omitzero"`
	Previous []byte `json:"previous,omitzero"`
	Next     string `json:"next,omitzero"`
	Family   []byte `json:"family,omitzero"` // SHA-256 of what all refresh tokens of the session share

	Mark    string   `json:"mark,omitzero"` // of a session: the SignOn it belongs to
	Keep    int64    `json:"keep,omitzero"` // until then it outlives a change of the SignOn
	Address string   `json:"address,omitzero"`
	Browser *browser `json:"browser,omitzero"` // of a session that a cookie keeps

	noted atomic.Bool // its use is being written
}

func (c *credential) live(now time.Time) bool {
	ms := now.UnixMilli()
	return (c.Until == 0 || ms < c.Until) && (c.Expires == 0 || ms < c.Expires) && (c.Browser == nil || ms < c.Browser.Idle)
}

// credentialKey tells under which key the token must be on record.
func credentialKey(c *claims) (string, error) {
	if c.ID == "" || len(c.ID) > 100 {
		return "", RefuseFor(CodeFormat, errors.New("no usable jti"))
	}
	switch {
	case c.Type == TypeBot && c.IsBot:
		return prefixBot + c.ID, nil
	case c.Type == TypePersonal && !c.IsBot:
		return prefixPersonal + c.ID, nil
	case c.Type == TypeUser && !c.IsBot:
		session, _, _ := strings.Cut(c.ID, ".")
		return prefixSession + session, nil
	}
	return "", Refuse(CodeType)
}

// belongs tells whether a session is of the SignOn in force.
func (c *credential) belongs(mark string, now time.Time) bool {
	return c.Mark == mark || now.UnixMilli() < c.Keep
}

func credentialsOf(ctx context.Context, r store.Reader, user entity.ID) (map[string]*credential, error) {
	records, err := r.Records(ctx, store.RecordQuery{Kind: kindCredential, Owner: user.String()})
	if err != nil {
		return nil, err
	}
	credentials := make(map[string]*credential, len(records))
	for _, rec := range records {
		c := new(credential)
		if err := json.Unmarshal(rec.Doc, c); err != nil {
			return nil, entity.Internal(err)
		}
		credentials[rec.Key] = c
	}
	return credentials, nil
}

func readCredential(ctx context.Context, r store.Reader, user entity.ID, key string) (*credential, error) {
	rec, err := r.Record(ctx, kindCredential, user.String(), key)
	if err != nil {
		return nil, err
	}
	c := new(credential)
	if err := json.Unmarshal(rec.Doc, c); err != nil {
		return nil, entity.Internal(err)
	}
	return c, nil
}

func putCredential(ctx context.Context, tx store.Tx, user entity.ID, key string, c *credential) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: kindCredential, Owner: user.String(), Key: key, At: c.Created, Doc: doc})
}

// dropCredentials removes those of one kind that match and returns how many of
// them were live.
func dropCredentials(ctx context.Context, tx store.Tx, user entity.ID, prefix string, now time.Time, match func(key string, c *credential) bool) (int, error) {
	all, err := credentialsOf(ctx, tx, user)
	if err != nil {
		return 0, err
	}
	live := 0
	for key, c := range all {
		if !strings.HasPrefix(key, prefix) || !match(key, c) {
			continue
		}
		if c.live(now) {
			live++
		}
		if _, err := tx.DeleteRecord(ctx, kindCredential, user.String(), key); err != nil {
			return 0, err
		}
	}
	return live, nil
}

// textRecord reads a setting that is a JSON string, "" when there is none.
func textRecord(ctx context.Context, r store.Reader, key string) (string, error) {
	rec, err := r.Record(ctx, kindSetting, "", key)
	if isNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(rec.Doc, &text); err != nil {
		return "", entity.Internal(err)
	}
	return text, nil
}

func quoted(text string) []byte {
	doc, err := json.Marshal(text)
	if err != nil { // not UTF-8
		return []byte(`""`)
	}
	return doc
}
