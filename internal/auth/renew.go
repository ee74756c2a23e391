package auth

import (
	"context"
	"errors"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const (
	// leaseFor is how long a process may take to renew a session before others try.
	leaseFor = 25 * time.Second
	// leaseWait is how long the others wait for it.
	leaseWait = 10 * time.Second
	// leasePoll is how often they look.
	leasePoll = 50 * time.Millisecond
	// revokeTimeout bounds telling the provider that a token is not needed.
	revokeTimeout = 10 * time.Second
)

// renewer returns who can renew sessions, nil for nobody.
func (f *inForce) renewer() Renewer {
	r, _ := f.Redirect.(Renewer)
	return r
}

// due tells whether the provider has to vouch for a session again. One that was kept
// is of another provider: its refresh token must not go to this one.
func (f *inForce) due(c *credential, now time.Time) bool {
	return c.Mark == f.mark && c.Browser.Refresh != "" && f.renewer() != nil && now.Sub(time.UnixMilli(c.Browser.Renewed)) >= f.AccessLifetime/2
}

// renew lets the provider vouch for a session again: one request of one process at a
// time, since a refresh token may work only once. The others get its result.
func (s *Service) renew(ctx context.Context, k cookie) (*credential, error) {
	done := s.renewals.DoChan(k.String(), func() (any, error) {
		// The result serves others too, so the caller's end must not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseFor+leaseWait)
		defer cancel()
		return s.renewAlone(ctx, k)
	})
	select {
	case r := <-done:
		c, _ := r.Val.(*credential)
		return c, r.Err
	case <-ctx.Done():
		return nil, renewalSlow(ctx.Err())
	}
}

func renewalSlow(cause error) error {
	return RefuseFor(CodeUpstream, cause)
}

// renewAlone waits for the lease, or for the result of who has it, and renews.
func (s *Service) renewAlone(ctx context.Context, k cookie) (*credential, error) {
	holder := randomID()
	limit := time.NewTimer(leaseWait)
	defer limit.Stop()
	for {
		c, mine, err := s.lease(ctx, k, holder)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			return nil, s.refuseRefresh(ctx, k.user.String())
		case mine:
			return s.renewLeased(ctx, k, c, holder)
		case c.Browser.Lease == 0 || !s.inForce.Load().due(c, s.clock()):
			return c, nil // another one has renewed
		}
		select {
		case <-time.After(leasePoll):
		case <-limit.C:
			return nil, renewalSlow(errors.New("the lease of the session is taken"))
		case <-ctx.Done():
			return nil, renewalSlow(ctx.Err())
		}
	}
}

// lease takes the lease of a session that is due, unless somebody has it.
func (s *Service) lease(ctx context.Context, k cookie, holder string) (c *credential, mine bool, err error) {
	free := func(c *credential) bool {
		now := s.clock()
		return c != nil && s.inForce.Load().due(c, now) && c.Browser.Lease <= now.UnixMilli()
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		c, err = s.readBrowser(ctx, r, k)
		return err
	})
	if err != nil || !free(c) {
		return c, false, err
	}
	err = s.change(ctx, k.user, func(tx store.Tx) error {
		mine = false
		if c, err = s.readBrowser(ctx, tx, k); err != nil || !free(c) {
			return err
		}
		mine = true
		c.Browser.Lease, c.Browser.Holder = s.clock().Add(leaseFor).UnixMilli(), holder
		return putCredential(ctx, tx, k.user, k.key(), c)
	})
	return c, mine, err
}

// renewLeased asks the provider and keeps what it gives.
func (s *Service) renewLeased(ctx context.Context, k cookie, c *credential, holder string) (*credential, error) {
	force := s.inForce.Load()
	renewer := force.renewer()
	refresh, err := s.sealer.Open(c.Browser.Refresh, k.place("refresh"))
	if err != nil || renewer == nil {
		return nil, entity.Internal(errNotUnsealed)
	}
	grant, err := renewer.Renew(ctx, refresh)
	if err == nil {
		err = s.stillSame(ctx, force, k, c, grant)
	}
	var e *entity.Error
	if err != nil && !errors.As(err, &e) {
		e = entity.Internal(err)
	}
	switch {
	case err == nil:
		return s.keepRenewed(ctx, force, k, grant)
	case e.Code == CodeRefresh || e.Code == CodeUserDomain || e.Code == CodeUserGone:
		if err := s.drop(ctx, k, "sessionEndedByProvider", e.Code); err != nil {
			return nil, err
		}
		return nil, e
	}
	s.log.Warn("a session could not be renewed at the identity provider", "code", e.Code, "error", e)
	if err := s.release(ctx, k, holder); err != nil {
		return nil, err
	}
	return nil, e
}

// stillSame checks that the provider speaks of the same person as before, and takes
// over what the claims say now. Renewed tokens often have fewer claims than the first.
func (s *Service) stillSame(ctx context.Context, force *inForce, k cookie, c *credential, g Grant) error {
	id := g.Identity
	if id.Subject == "" {
		return nil // the provider gave no ID token
	}
	if id.Subject != c.Browser.Subject || id.Issuer != c.Browser.Issuer {
		return RefuseFor(CodeRefresh, errors.New("the provider speaks of somebody else"))
	}
	user, err := s.linkedUser(ctx, id)
	switch {
	case err != nil:
		return err
	case user.ID != k.user:
		return RefuseFor(CodeRefresh, errors.New("the identity is not linked to the user"))
	}
	n, err := force.Rules.naming(id)
	if err != nil {
		n = naming{made: true}
	} else if !n.made && !force.Rules.domainAllowed(n) {
		return Refuse(CodeUserDomain)
	}
	_, err = s.align(ctx, force.SignOn, id, n, user)
	return err
}

// keepRenewed writes a renewed session and gives up the lease.
func (s *Service) keepRenewed(ctx context.Context, force *inForce, k cookie, g Grant) (*credential, error) {
	sealed := &credential{Browser: new(browser)}
	if err := s.sealGrant(sealed, k, g); err != nil {
		return nil, err
	}
	var c *credential
	err := s.change(ctx, k.user, func(tx store.Tx) error {
		var err error
		if c, err = s.readBrowser(ctx, tx, k); err != nil || c == nil {
			return err
		}
		now := s.clock()
		b := c.Browser
		b.Renewed, b.Lease, b.Holder = now.UnixMilli(), 0, ""
		if sealed.Browser.Refresh != "" {
			b.Refresh = sealed.Browser.Refresh
		}
		if sealed.Browser.IDToken != "" {
			b.IDToken = sealed.Browser.IDToken
		}
		c.Turns++
		c.used(force, now)
		return putCredential(ctx, tx, k.user, k.key(), c)
	})
	if err != nil {
		return nil, err
	}
	if c == nil { // signed out meanwhile: nobody will use what the provider gave
		s.revokeLater(force, g.RefreshToken)
		return nil, s.refuseRefresh(ctx, k.user.String())
	}
	return c, nil
}

// release gives up the lease of a session that could not be renewed.
func (s *Service) release(ctx context.Context, k cookie, holder string) error {
	return s.change(ctx, k.user, func(tx store.Tx) error {
		c, err := s.readBrowser(ctx, tx, k)
		if err != nil || c == nil || c.Browser.Holder != holder {
			return err
		}
		c.Browser.Lease, c.Browser.Holder = 0, ""
		return putCredential(ctx, tx, k.user, k.key(), c)
	})
}

// drop ends a session that the provider does not vouch for any more.
func (s *Service) drop(ctx context.Context, k cookie, action, code string) error {
	name := ""
	if user, err := s.users.ByID(ctx, k.user); err == nil {
		name = user.Name
	}
	return s.change(ctx, k.user, func(tx store.Tx) error {
		if _, err := tx.DeleteRecord(ctx, kindCredential, k.user.String(), k.key()); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: action, User: name, Code: code, TokenID: k.id()})
	})
}

// revokeLater tells the provider, in the background, that a token is not needed.
func (s *Service) revokeLater(force *inForce, refreshToken string) {
	renewer := force.renewer()
	if renewer == nil || refreshToken == "" {
		return
	}
	s.writes.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
		defer cancel()
		if err := renewer.Revoke(ctx, refreshToken); err != nil {
			s.log.Info("the identity provider did not take back a refresh token", "error", err)
		}
	})
}
