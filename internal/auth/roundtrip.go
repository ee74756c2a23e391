package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// LoginReturn is what the browser brought back.
type LoginReturn struct {
	Params  url.Values
	Cookies map[string]string // by short id, of all the attempts the browser has a cookie for
	Address string
	Origin  string // scheme and host that the browser asked, as far as it shows
}

// manyAttempts is how many attempts a browser keeps at a time; it drops older ones.
const manyAttempts = 5

// LoginDone is the outcome of a round trip.
type LoginDone struct {
	Attempt string    // the short id, whose cookie is of no use any more; set with an error, too, if known
	Session string    // value of the session's cookie
	Expires time.Time // end of the session
	Return  string
	Test    string // id of a test login, which opens no session
}

// FinishLogin judges what the browser brought back and opens its session. The order
// of the checks is fixed: cookie, attempt, state, and then what the provider sent.
func (s *Service) FinishLogin(ctx context.Context, back LoginReturn) (LoginDone, error) {
	done, who, err := s.finishLogin(ctx, back)
	if err != nil {
		e := asError(err)
		s.trail.note(ctx, AuditEntry{
			Action: "signInRefused", Code: entity.AsError(e).Code, Issuer: entity.Shorten(who.Issuer, 100), Subject: refusedAs(who), Address: entity.Shorten(back.Address, 60),
			Detail: cookieDetail(err),
		})
		return LoginDone{Attempt: done.Attempt}, e
	}
	return done, nil
}

func (s *Service) finishLogin(ctx context.Context, back LoginReturn) (done LoginDone, who Identity, err error) {
	state := stateOf(back.Params)
	id, ok := attemptOfState(state)
	if !ok {
		if len(back.Cookies) == 0 {
			return done, who, Refuse(CodeNoAttempt)
		}
		return done, who, Refuse(CodeState)
	}
	value, ok := back.Cookies[string(id)]
	if !ok {
		err := s.cookieMissing(ctx, id, back)
		return done, who, err
	}
	done.Attempt = string(id)
	if !s.cookieFits(id, value) {
		return done, who, Refuse(CodeNoAttempt)
	}
	doc, err := s.consume(ctx, id, value)
	if err != nil {
		return done, who, err
	}
	if doc == nil { // the cookie is ours and not too old: the attempt has been used
		return done, who, Refuse(CodeState)
	}
	done.Return = doc.Return
	var secrets attemptSecrets
	if err := s.openJSON(doc.Secrets, id.place("secrets"), &secrets); err != nil {
		return done, who, err
	}
	if subtle.ConstantTimeCompare([]byte(secrets.Departure.State), []byte(state)) != 1 {
		return done, who, Refuse(CodeState)
	}
	if doc.Test != "" {
		done.Test = doc.Test
		return done, who, s.finishTest(ctx, doc, secrets, back.Params)
	}
	return s.welcome(ctx, done, id, doc, secrets, back)
}

// welcome lets the provider's answer be judged and opens the session.
func (s *Service) welcome(ctx context.Context, done LoginDone, id attemptID, doc *attemptDoc, secrets attemptSecrets, back LoginReturn) (LoginDone, Identity, error) {
	force := s.inForce.Load()
	if doc.Mark != force.mark || force.Redirect == nil {
		return done, Identity{}, RefuseFor(CodeNoAttempt, errors.New("the identity provider was changed meanwhile"))
	}
	grant, err := s.granted(ctx, force.SignOn, id, doc, secrets, back.Params)
	if err != nil {
		return done, Identity{}, err
	}
	who := grant.Identity
	user, err := s.recognise(ctx, force.SignOn, who)
	if err != nil {
		s.revokeLater(force, grant.RefreshToken)
		return done, who, err
	}
	session, expires, err := s.openBrowser(ctx, force, user, grant, back.Address)
	if err != nil {
		return done, who, err
	}
	done.Session, done.Expires = session.String(), expires
	return done, who, nil
}

// cookieMissing is why a browser comes back without the cookie of an attempt: that it
// was given at another address or dropped for newer ones, if that is plain, and
// otherwise that no sign-in is under way there, as when somebody was sent here.
func (s *Service) cookieMissing(ctx context.Context, id attemptID, back LoginReturn) error {
	var doc *attemptDoc
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		doc, err = s.readAttempt(ctx, r, id)
		return err
	})
	switch {
	case err != nil:
		return err
	case doc == nil:
	case doc.Origin != back.Origin && doc.Origin != "" && back.Origin != "":
		return RefuseFor(CodeCookie, fmt.Errorf("the sign-in began at %s and came back to %s", entity.Shorten(doc.Origin, 100), entity.Shorten(back.Origin, 100)))
	case len(back.Cookies) >= manyAttempts:
		return RefuseFor(CodeCookie, fmt.Errorf("%d newer sign-ins are under way in this browser", len(back.Cookies)))
	}
	return Refuse(CodeNoAttempt)
}

// cookieDetail is what the trail has of a missing cookie; "" for any other error.
func cookieDetail(err error) string {
	if e := entity.AsError(err); e != nil && e.Code == CodeCookie && e.Cause != nil {
		return e.Cause.Error()
	}
	return ""
}

// granted returns what the provider gave: now, or by a post before.
func (s *Service) granted(ctx context.Context, so *SignOn, id attemptID, doc *attemptDoc, secrets attemptSecrets, params url.Values) (Grant, error) {
	if doc.Ticket == nil {
		grant, err := so.Redirect.Finish(ctx, secrets.Departure, params)
		return grant, err
	}
	if !equal(doc.Ticket, []byte(one(params, "ticket"))) {
		return Grant{}, RefuseFor(CodeState, errors.New("not the ticket of the posted answer"))
	}
	var grant Grant
	err := s.openJSON(doc.Grant, id.place("grant"), &grant)
	return grant, err
}

// stateOf finds the state of an answer; SAML calls it RelayState.
func stateOf(params url.Values) string {
	if state := one(params, "state"); state != "" {
		return state
	}
	return one(params, "RelayState")
}

// AcceptPost takes an answer that the provider lets the browser post from its own
// site (SAML), where the cookie of the attempt does not come along. The answer is
// judged at once; the result waits, sealed, for the browser to come with the cookie.
// The returned parameters are for the callback.
func (s *Service) AcceptPost(ctx context.Context, form url.Values, address string) (url.Values, error) {
	params, err := s.acceptPost(ctx, form)
	if err != nil {
		err = asError(err)
		s.trail.note(ctx, AuditEntry{Action: "signInRefused", Code: entity.AsError(err).Code, Address: entity.Shorten(address, 60)})
		return nil, err
	}
	return params, nil
}

func (s *Service) acceptPost(ctx context.Context, form url.Values) (url.Values, error) {
	state := stateOf(form)
	id, ok := attemptOfState(state)
	if !ok {
		return nil, Refuse(CodeState)
	}
	var doc *attemptDoc
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		doc, err = s.readAttempt(ctx, r, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, Refuse(CodeNoAttempt)
	}
	var secrets attemptSecrets
	if err := s.openJSON(doc.Secrets, id.place("secrets"), &secrets); err != nil {
		return nil, err
	}
	if doc.Ticket != nil || subtle.ConstantTimeCompare([]byte(secrets.Departure.State), []byte(state)) != 1 {
		return nil, Refuse(CodeState)
	}
	so := s.SignOn()
	if doc.Test != "" {
		if so, err = s.opts.TestSignOn(ctx, secrets.Test); err != nil {
			return nil, err
		}
	}
	if so.Redirect == nil {
		return nil, Refuse(CodeNoProvider)
	}
	grant, err := so.Redirect.Finish(ctx, secrets.Departure, form)
	if err != nil {
		return nil, err
	}
	return s.keepGrant(ctx, id, state, grant)
}

// keepGrant puts a grant beside its attempt; of two answers the first counts.
func (s *Service) keepGrant(ctx context.Context, id attemptID, state string, grant Grant) (url.Values, error) {
	ticket := randomText(32)
	sealed, err := s.sealJSON(grant, id.place("grant"))
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.readAttempt(ctx, tx, id)
		if err != nil {
			return err
		}
		if doc == nil || doc.Ticket != nil {
			return Refuse(CodeState)
		}
		rec, err := tx.Record(ctx, kindAttempt, id.bucket(), id.key())
		if err != nil {
			return err
		}
		doc.Ticket, doc.Grant = hashOf([]byte(ticket)), sealed
		if rec.Doc, err = json.Marshal(doc); err != nil {
			return entity.Internal(err)
		}
		return tx.PutRecord(ctx, rec)
	})
	if err != nil {
		return nil, err
	}
	return url.Values{"state": {state}, "ticket": {ticket}}, nil
}
