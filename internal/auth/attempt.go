package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindAttempt are the records of round trips under way. Their owner is one of 256
// buckets that the address of the client falls into: a flood from one address pushes
// out attempts of its own bucket, and all buckets together are bounded.
const kindAttempt = "auth-login"

const (
	attemptLifetime = 10 * time.Minute
	maxBucket       = 250
	maxTestDocument = 256 << 10
)

// LoginStart asks to send a browser to the identity provider.
type LoginStart struct {
	Return  string // where to go afterwards; the caller has checked it
	Address string // of the client, for the bounds and the audit trail
	Origin  string // scheme and host that the browser asked, as far as it shows
	// Test is a settings document to try out in place of what is in force: nobody is
	// signed in then, and By may read the report.
	Test []byte
	By   entity.Principal
}

// LoginRedirect is where to send the browser, and the cookie to give it.
type LoginRedirect struct {
	URL      string
	Cookie   string // the short id, for the name of the cookie
	Value    string // secret
	Lifetime time.Duration
	Test     string // id of a test login, for TestResult
}

// attemptDoc is the record of an attempt. Its secrets are sealed.
type attemptDoc struct {
	Mark    string `json:"mark"` // of the SignOn it began under
	Return  string `json:"return"`
	Origin  string `json:"origin,omitzero"` // where it began
	Cookie  []byte `json:"cookie"`          // SHA-256 of the cookie's value
	Secrets string `json:"secrets"`
	Test    string `json:"test,omitzero"` // id of a test login
	By      string `json:"by,omitzero"`   // user who began it

	// Of an answer that came without the cookie: SHA-256 of the ticket with which the
	// browser fetches it, and the sealed grant.
	Ticket []byte `json:"ticket,omitzero"`
	Grant  string `json:"grant,omitzero"`
}

// attemptSecrets is what Secrets seals.
type attemptSecrets struct {
	Departure Departure `json:"departure"`
	Test      []byte    `json:"test,omitzero"`
}

// attemptID is the short id of an attempt: the bucket and something random.
type attemptID string

func newAttemptID(address string) attemptID {
	return attemptID(addressDigest(address)[:2] + randomText(9))
}

// attemptOfState takes the short id out of a state.
func attemptOfState(state string) (attemptID, bool) {
	id, random, ok := strings.Cut(state, ".")
	return attemptID(id), ok && len(id) == 14 && random != ""
}

func (a attemptID) bucket() string { return string(a[:2]) }

func (a attemptID) key() string { return keyDigest(string(a)) }

func (a attemptID) place(what string) string { return kindAttempt + "/" + string(a) + "/" + what }

// randomText makes a text nobody can guess of so many random bytes.
func randomText(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// BeginLogin prepares a round trip to the identity provider.
func (s *Service) BeginLogin(ctx context.Context, start LoginStart) (LoginRedirect, error) {
	force := s.inForce.Load()
	so := force.SignOn
	id := newAttemptID(start.Address)
	doc := attemptDoc{Mark: force.mark, Return: start.Return, Origin: start.Origin}
	if start.Test != nil {
		var err error
		if so, err = s.testSignOn(ctx, start); err != nil {
			return LoginRedirect{}, err
		}
		doc.Test, doc.By = randomID(), start.By.UserID.String()
	}
	if so.Redirect == nil {
		return LoginRedirect{}, Refuse(CodeNoProvider)
	}
	secrets := attemptSecrets{Departure: Departure{State: string(id) + "." + randomText(32), Nonce: randomText(32), Verifier: randomText(32)}, Test: start.Test}
	address, err := so.Redirect.Start(ctx, &secrets.Departure)
	if err != nil {
		return LoginRedirect{}, asError(err)
	}
	value, err := s.attemptCookie(id)
	if err != nil {
		return LoginRedirect{}, err
	}
	doc.Cookie = hashOf([]byte(value))
	if doc.Secrets, err = s.sealJSON(secrets, id.place("secrets")); err != nil {
		return LoginRedirect{}, err
	}
	if err := s.putAttempt(ctx, id, doc); err != nil {
		return LoginRedirect{}, err
	}
	return LoginRedirect{URL: address, Cookie: string(id), Value: value, Lifetime: attemptLifetime, Test: doc.Test}, nil
}

// attemptCookie makes the value of an attempt's cookie: its age, sealed, so that a
// cookie whose attempt is gone still tells whether it was used or too late.
func (s *Service) attemptCookie(id attemptID) (string, error) {
	sealed, err := s.sealer.Seal(strconv.FormatInt(s.clock().UnixMilli(), 10), id.place("cookie"))
	if err != nil {
		return "", entity.Internal(err)
	}
	return strings.TrimPrefix(sealed, secret.Prefix), nil
}

// cookieFits tells whether a value was made here for this attempt, in its lifetime.
func (s *Service) cookieFits(id attemptID, value string) bool {
	text, err := s.sealer.Open(secret.Prefix+value, id.place("cookie"))
	if err != nil {
		return false
	}
	at, err := strconv.ParseInt(text, 10, 64)
	return err == nil && s.clock().Before(time.UnixMilli(at).Add(attemptLifetime))
}

func (s *Service) sealJSON(v any, place string) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", entity.Internal(err)
	}
	sealed, err := s.sealer.Seal(string(data), place)
	if err != nil {
		return "", entity.Internal(err)
	}
	return sealed, nil
}

func (s *Service) openJSON(sealed, place string, into any) error {
	text, err := s.sealer.Open(sealed, place)
	if err == nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		return entity.Internal(errors.New("a secret of a sign-in cannot be opened"))
	}
	return nil
}

// putAttempt keeps an attempt, and makes room for it.
func (s *Service) putAttempt(ctx context.Context, id attemptID, doc attemptDoc) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return entity.Internal(err)
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		now := s.clock()
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindAttempt, Any: true, To: now.UnixMilli()}); err != nil {
			return err
		}
		bucket := store.RecordQuery{Kind: kindAttempt, Owner: id.bucket(), Order: store.OldestFirst}
		count, err := tx.CountRecords(ctx, bucket)
		if err != nil {
			return err
		}
		if bucket.Limit = count - maxBucket + 1; bucket.Limit > 0 {
			oldest, err := tx.Records(ctx, bucket)
			if err != nil {
				return err
			}
			for _, rec := range oldest {
				if _, err := tx.DeleteRecord(ctx, rec.Kind, rec.Owner, rec.Key); err != nil {
					return err
				}
			}
		}
		return tx.PutRecord(ctx, store.Record{
			Kind: kindAttempt, Owner: id.bucket(), Key: id.key(), At: now.Add(attemptLifetime).UnixMilli(), Doc: data,
		})
	})
}

// readAttempt returns the live record of an attempt; nil when there is none.
func (s *Service) readAttempt(ctx context.Context, r store.Reader, id attemptID) (*attemptDoc, error) {
	rec, err := r.Record(ctx, kindAttempt, id.bucket(), id.key())
	if isNotFound(err) || err == nil && s.clock().UnixMilli() >= rec.At {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc := new(attemptDoc)
	if err := json.Unmarshal(rec.Doc, doc); err != nil {
		return nil, entity.Internal(err)
	}
	return doc, nil
}

// consume takes an attempt out of the store: of several that come with it, one gets
// it. Only the browser that began it can.
func (s *Service) consume(ctx context.Context, id attemptID, value string) (*attemptDoc, error) {
	var doc *attemptDoc
	err := s.store.Update(ctx, func(tx store.Tx) error {
		var err error
		if doc, err = s.readAttempt(ctx, tx, id); err != nil || doc == nil {
			return err
		}
		if !equal(doc.Cookie, []byte(value)) {
			doc = nil
			return nil
		}
		_, err = tx.DeleteRecord(ctx, kindAttempt, id.bucket(), id.key())
		return err
	})
	return doc, err
}

// one returns the single value of a parameter, "" when there is none or several.
func one(params url.Values, name string) string {
	if values := params[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// asError makes an error fit to be an answer.
func asError(err error) error {
	var e *entity.Error
	if errors.As(err, &e) {
		return e
	}
	return entity.Internal(err)
}
