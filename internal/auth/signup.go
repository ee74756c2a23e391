package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindSignUp is the record of somebody who registered and has not confirmed the
// email address yet. There is no user before that: nobody can take a name or an
// address by registering it, and nothing is left to clean up.
const kindSignUp = "auth-signup"

const (
	signUpLife  = 24 * time.Hour // of a confirmation link
	maxSignUps  = 10_000         // waiting for their confirmation
	maxRealName = 100            // characters of a first or last name
)

// SignUpRequest is somebody who wants an account. There is nothing in it that could
// ask for rights.
type SignUpRequest struct {
	FirstName, LastName string
	Email               string
	Password            string
	Address             string // of the client, for the throttle
}

// SignedUp is the outcome: a user, or one to be once the address is confirmed.
type SignedUp struct {
	ID                       entity.ID
	Name, Email, DisplayName string
	At                       time.Time
	Pending                  bool
}

// signUpDoc is what waits for the confirmation.
type signUpDoc struct {
	Name        string `json:"name"`
	Email       string `json:"email"`
	DisplayName string `json:"displayName,omitzero"`
	Password    string `json:"password"` // its hash
	Token       []byte `json:"token"`    // SHA-256 of the secret in the link
	Expires     int64  `json:"expires"`  // milliseconds since 1970
}

// SignUp registers a person. When mail is configured, the answer says nothing about
// which names and addresses are taken: the mail does. Otherwise the account is there
// at once, and a taken one is an error.
func (s *Service) SignUp(ctx context.Context, req SignUpRequest) (SignedUp, error) {
	if err := s.signUpOpen(); err != nil {
		return SignedUp{}, err
	}
	doc, err := s.readSignUp(req)
	if err != nil {
		return SignedUp{}, err
	}
	free, err := s.take(ctx,
		quota{"signup/address/" + addressDigest(req.Address), 20, time.Hour}, quota{"signup/account/" + keyDigest(doc.Email), 5, time.Hour})
	if err != nil {
		return SignedUp{}, err
	}
	if !free {
		return SignedUp{}, Refuse(CodeTooMany)
	}
	if doc.Password, err = s.hasher.Hash(ctx, req.Password); err != nil {
		return SignedUp{}, err
	}
	done := SignedUp{ID: entity.NewID(), Name: doc.Name, Email: doc.Email, DisplayName: doc.DisplayName, At: s.clock(), Pending: s.CanMail()}
	if done.Pending {
		return done, s.awaitConfirmation(ctx, doc)
	}
	user, err := s.createSignedUp(ctx, doc)
	if entity.KindOf(err) == entity.KindConflict {
		return SignedUp{}, entity.BadRequest("There is a user with this name or email already.")
	}
	done.ID = user.ID
	return done, err
}

// signUpOpen refuses when people cannot register.
func (s *Service) signUpOpen() error {
	so := s.SignOn()
	switch {
	case !so.Basic:
		return Refuse(CodeBasicOff)
	case !so.Rules.SelfSignup || s.opts.Directory == nil:
		return Refuse(CodeSignupOff)
	}
	return nil
}

// readSignUp judges a request without looking at who is registered.
func (s *Service) readSignUp(req SignUpRequest) (signUpDoc, error) {
	email, err := cleanEmail(req.Email)
	if err != nil {
		return signUpDoc{}, err
	}
	first, err := realName("firstName", req.FirstName)
	if err != nil {
		return signUpDoc{}, err
	}
	last, err := realName("lastName", req.LastName)
	if err != nil {
		return signUpDoc{}, err
	}
	name, domain, _ := strings.Cut(email, "@")
	if !s.SignOn().Rules.mayRegister(domain) {
		return signUpDoc{}, Refuse(CodeUserDomain)
	}
	if err := password.Check(req.Password, name, email); err != nil {
		return signUpDoc{}, err
	}
	return signUpDoc{Name: name, Email: email, DisplayName: strings.TrimSpace(first + " " + last)}, nil
}

func realName(member, text string) (string, error) {
	text = strings.TrimSpace(text)
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxRealName || strings.ContainsFunc(text, unicode.IsControl) {
		return "", entity.BadRequest("[%s must be one line of at most %d characters]", member, maxRealName)
	}
	return text, nil
}

// mayRegister tells whether people with addresses of a domain may make accounts:
// whole domains count, in any case.
func (r Rules) mayRegister(domain string) bool {
	is := func(entry string) bool { return strings.EqualFold(entry, domain) }
	if r.EnforceDomain && !is(r.PrincipalDomain) && !slices.ContainsFunc(r.AllowedDomains, is) {
		return false
	}
	open := func(entry string) bool { return strings.EqualFold(entry, "all") || is(entry) }
	return slices.ContainsFunc(r.RegistrationDomains, open)
}

// reserved tells whether the configuration names an administrator so, who must not
// be somebody that registered.
func (r Rules) reserved(doc signUpDoc) bool {
	return slices.ContainsFunc(r.AdminPrincipals, func(p string) bool {
		return strings.EqualFold(p, doc.Name) || strings.EqualFold(p, doc.Email)
	})
}

func (s *Service) createSignedUp(ctx context.Context, doc signUpDoc) (User, error) {
	if s.SignOn().Rules.reserved(doc) {
		return User{}, entity.Conflict("the name is reserved")
	}
	user, err := s.opts.Directory.CreatePerson(ctx, Person{Name: doc.Name, Email: doc.Email, DisplayName: doc.DisplayName})
	if err != nil {
		return User{}, err
	}
	return user, s.change(ctx, user.ID, func(tx store.Tx) error {
		if _, err := tx.DeleteRecord(ctx, kindSignUp, "", signUpKey(doc.Email)); err != nil {
			return err
		}
		if err := s.replacePassword(ctx, tx, user, passwordDoc{Hash: doc.Password}, ""); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "signUp", User: user.Name, By: user.Name})
	})
}

func signUpKey(email string) string { return hex.EncodeToString(signUpPlace(email)) }

func signUpPlace(email string) []byte {
	sum := sha256.Sum256([]byte(email))
	return sum[:16]
}

// awaitConfirmation keeps a registration and sends the link for it. The link holds
// where the registration is kept and a secret.
func (s *Service) awaitConfirmation(ctx context.Context, doc signUpDoc) error {
	var secret [secretSize]byte
	_, _ = rand.Read(secret[:]) // never fails, says crypto/rand
	now := s.clock()
	doc.Token, doc.Expires = hashOf(secret[:]), now.Add(signUpLife).UnixMilli()
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindSignUp, To: now.UnixMilli()}); err != nil {
			return err
		}
		waiting, err := tx.CountRecords(ctx, store.RecordQuery{Kind: kindSignUp})
		if err != nil {
			return err
		}
		if waiting >= maxSignUps {
			return entity.Errorf(entity.KindUnavailable, "Too many registrations wait for their confirmation. Please try after some time.")
		}
		return tx.PutRecord(ctx, store.Record{Kind: kindSignUp, Key: signUpKey(doc.Email), At: doc.Expires, Doc: data})
	})
	if err != nil {
		return err
	}
	token := base64.RawURLEncoding.EncodeToString(append(signUpPlace(doc.Email), secret[:]...))
	s.afterwards("mail about a registration", func(ctx context.Context) error {
		taken, err := s.taken(ctx, doc)
		if err != nil {
			return err
		}
		m := Mail{Kind: MailRegistration, To: doc.Email, User: doc.Name, Token: token, Lifetime: signUpLife}
		if taken {
			m = Mail{Kind: MailTaken, To: doc.Email, User: doc.Name}
		}
		return s.opts.Mailer.Send(ctx, m)
	})
	return nil
}

// taken tells whether the account of a registration could not be made.
func (s *Service) taken(ctx context.Context, doc signUpDoc) (bool, error) {
	if s.SignOn().Rules.reserved(doc) {
		return true, nil
	}
	for _, name := range []string{doc.Name, doc.Email} {
		user, err := s.findForLogin(ctx, name)
		if err != nil || user.ID != entity.NilID {
			return err == nil, err
		}
	}
	return false, nil
}

// ConfirmSignUp makes the user of a registration by the token of the mail, which
// works once.
func (s *Service) ConfirmSignUp(ctx context.Context, token string) (User, error) {
	if err := s.signUpOpen(); err != nil {
		return User{}, err
	}
	place, err := decodePart(token)
	if err != nil || len(place) != 16+secretSize {
		return User{}, Refuse(CodeReset)
	}
	var doc signUpDoc
	err = s.store.View(ctx, func(r store.Reader) error {
		doc, err = waitingSignUp(ctx, r, hex.EncodeToString(place[:16]))
		return err
	})
	if err != nil {
		return User{}, err
	}
	if !equal(doc.Token, place[16:]) || s.clock().UnixMilli() >= doc.Expires {
		return User{}, Refuse(CodeReset)
	}
	user, err := s.createSignedUp(ctx, doc)
	if entity.KindOf(err) == entity.KindConflict {
		return User{}, Refuse(CodeReset)
	}
	return user, err
}

// waitingSignUp returns the zero value when there is none.
func waitingSignUp(ctx context.Context, r store.Reader, key string) (signUpDoc, error) {
	var doc signUpDoc
	rec, err := r.Record(ctx, kindSignUp, "", key)
	if isNotFound(err) {
		return doc, nil
	}
	if err != nil {
		return doc, err
	}
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return doc, entity.Internal(err)
	}
	return doc, nil
}

// ResendConfirmation sends the mail of a registration once more, every few minutes
// at most. It answers the same whether there is a registration.
func (s *Service) ResendConfirmation(ctx context.Context, email, address string) error {
	if err := s.signUpOpen(); err != nil {
		return err
	}
	email, err := cleanEmail(email)
	if err != nil {
		return err
	}
	free, err := s.take(ctx,
		quota{"signup/address/" + addressDigest(address), 20, time.Hour}, quota{"signup/again/" + keyDigest(email), 1, 3 * time.Minute})
	if err != nil || !free || !s.CanMail() {
		return err
	}
	s.afterwards("mail about a registration", func(ctx context.Context) error {
		var doc signUpDoc
		err := s.store.View(ctx, func(r store.Reader) error {
			doc, err = waitingSignUp(ctx, r, signUpKey(email))
			return err
		})
		if err != nil || doc.Email == "" || s.clock().UnixMilli() >= doc.Expires {
			return err
		}
		return s.awaitConfirmation(ctx, doc)
	})
	return nil
}

// EmailInUse tells whether there is an account with an email address. Forms for
// registering ask; when people cannot register, nobody gets an answer.
func (s *Service) EmailInUse(ctx context.Context, email, address string) (bool, error) {
	if err := s.signUpOpen(); err != nil {
		return false, err
	}
	email, err := cleanEmail(email)
	if err != nil {
		return false, err
	}
	free, err := s.take(ctx, quota{"email/address/" + addressDigest(address), 30, 10 * time.Minute})
	if err != nil {
		return false, err
	}
	if !free {
		return false, Refuse(CodeTooMany)
	}
	user, err := s.findForLogin(ctx, email)
	return user.ID != entity.NilID, err
}
