package signon

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindProof are the records of test logins: which settings were tried.
const kindProof = "security-test"

// proof binds a test login to the settings it tried.
type proof struct {
	Fingerprint string `json:"fingerprint"`
}

// StartTest begins a test login with settings that are not saved. The browser is to
// be sent to the returned address; TestResult of auth tells what came of it. A
// document with faults is an *Invalid error.
func (m *Manager) StartTest(ctx context.Context, by entity.Principal, document []byte, address, origin string) (auth.LoginRedirect, error) {
	whole, next, err := m.trial(ctx, document)
	if err != nil {
		return auth.LoginRedirect{}, err
	}
	defer next.provider.close()
	if next.provider.test == nil {
		return auth.LoginRedirect{}, entity.BadRequest("This provider has no page to sign in at: test it with a name and a password")
	}
	redirect, err := m.opts.Auth.BeginLogin(ctx, auth.LoginStart{Return: "/", Address: address, Origin: origin, Test: whole, By: by})
	if err != nil {
		return auth.LoginRedirect{}, err
	}
	return redirect, m.remember(ctx, redirect.Test, next.config)
}

// TestPassword tries a name and a password against a directory with settings that
// are not saved, and reports whom it would let in as what.
func (m *Manager) TestPassword(ctx context.Context, by entity.Principal, document []byte, name, password string) (auth.TestReport, error) {
	_, next, err := m.trial(ctx, document)
	if err != nil {
		return auth.TestReport{}, err
	}
	defer next.provider.close()
	if next.provider.signOn.Password == nil {
		return auth.TestReport{}, entity.BadRequest("This provider takes no password here: start a test login in the browser")
	}
	identity, err := next.provider.signOn.Password.Check(ctx, name, password)
	if err != nil {
		return auth.TestReport{}, err
	}
	report, id, err := m.opts.Auth.TryIdentity(ctx, by, next.provider.signOn, identity)
	if err != nil {
		return auth.TestReport{}, err
	}
	return report, m.remember(ctx, id, next.config)
}

// trial builds the provider of a document that has to be without faults.
func (m *Manager) trial(ctx context.Context, document []byte) ([]byte, *state, error) {
	whole, next, problems, err := m.examine(ctx, document)
	if err != nil {
		return nil, nil, err
	}
	if len(problems) > 0 {
		if next != nil {
			next.provider.close()
		}
		return nil, nil, &Invalid{Problems: problems}
	}
	return whole, next, nil
}

// TestSignOn builds the sign-on of a test login's document. It is auth's
// Options.TestSignOn.
func (m *Manager) TestSignOn(ctx context.Context, document []byte) (*auth.SignOn, error) {
	next, err := m.assemble(ctx, Saved{Document: document})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, next.provider.close)
	signOn := *next.provider.signOn
	signOn.Redirect = next.provider.test
	return &signOn, nil
}

func (m *Manager) remember(ctx context.Context, id string, cfg *config.Config) error {
	doc, err := json.Marshal(proof{Fingerprint: fingerprint(cfg)})
	if err != nil {
		return err
	}
	now := m.clock()
	return m.opts.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindProof, To: now.Add(-proofLife).UnixMilli()}); err != nil {
			return err
		}
		return tx.PutRecord(ctx, store.Record{Kind: kindProof, Key: id, At: now.UnixMilli(), Doc: doc})
	})
}

// testedLately tells whether the administrator signed in with just these settings.
func (m *Manager) testedLately(ctx context.Context, by entity.Principal, cfg *config.Config) (bool, error) {
	var records []store.Record
	err := m.opts.Store.View(ctx, func(r store.Reader) error {
		var err error
		records, err = r.Records(ctx, store.RecordQuery{Kind: kindProof, From: m.clock().Add(-proofLife).UnixMilli(), Order: store.NewestFirst, Limit: 50})
		return err
	})
	if err != nil {
		return false, err
	}
	wanted := fingerprint(cfg)
	for _, rec := range records {
		var p proof
		if err := json.Unmarshal(rec.Doc, &p); err != nil {
			return false, entity.Internal(err)
		}
		if p.Fingerprint != wanted {
			continue
		}
		report, err := m.opts.Auth.TestResult(ctx, by, rec.Key)
		if err == nil && report.Outcome != "refused" {
			return true, nil
		}
		if err != nil && entity.KindOf(err) != entity.KindNotFound {
			return false, err
		}
	}
	return false, nil
}
