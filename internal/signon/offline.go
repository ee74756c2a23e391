package signon

import (
	"context"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Offline changes saved settings from the server's host, whoever cannot sign in any
// more: it asks no provider and no administrator. A server that runs on the store
// takes the change up within a second.
type Offline struct {
	vault vault
	load  func(saved []byte) (*config.Config, config.Findings, error)
}

// NewOffline works on a store; load is as in Options.
func NewOffline(st store.Store, sealer *secret.Sealer, load func([]byte) (*config.Config, config.Findings, error)) *Offline {
	return &Offline{vault: vault{store: st, sealer: sealer, clock: time.Now}, load: load}
}

// Operator is who changes settings from the host, in the audit trail.
const Operator = "operator on the host"

// Get returns what is saved, with secrets masked in its document.
func (o *Offline) Get(ctx context.Context) (Saved, error) {
	saved, err := o.vault.current(ctx)
	if err != nil || saved.Document == nil {
		return saved, err
	}
	saved.Document, err = config.MaskDocument(saved.Document)
	return saved, err
}

// Config reads the configuration with what is saved on top of it.
func (o *Offline) Config(ctx context.Context) (*config.Config, error) {
	saved, err := o.vault.current(ctx)
	if err != nil {
		return nil, err
	}
	cfg, _, err := o.load(saved.Document)
	return cfg, err
}

// History returns earlier settings, newest first, with secrets masked.
func (o *Offline) History(ctx context.Context) ([]Saved, error) {
	list, err := o.vault.history(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Document == nil {
			continue
		}
		if list[i].Document, err = config.MaskDocument(list[i].Document); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Set checks a document and saves it. Faults are a *config.Refused error, and
// nothing changes.
func (o *Offline) Set(ctx context.Context, document []byte) error {
	saved, err := o.vault.current(ctx)
	if err != nil {
		return err
	}
	whole, err := config.UnmaskDocument(document, saved.Document)
	if err != nil {
		return err
	}
	_, findings, err := o.load(whole)
	if errs := findings.Errors(); len(errs) > 0 {
		return &config.Refused{Findings: errs}
	}
	if err != nil {
		return err
	}
	return o.put(ctx, saved.Revision, whole)
}

// Remove leaves file and environment alone in force.
func (o *Offline) Remove(ctx context.Context) error {
	saved, err := o.vault.current(ctx)
	if err != nil {
		return err
	}
	if saved.Document == nil {
		return entity.Errorf(entity.KindNotFound, "no sign-on settings are saved here: file and environment are in force already")
	}
	return o.put(ctx, saved.Revision, nil)
}

// Restore puts earlier settings back: those of a revision, or of the last one before
// the present when revision is negative.
func (o *Offline) Restore(ctx context.Context, revision int64) (Saved, error) {
	now, err := o.vault.current(ctx)
	if err != nil {
		return Saved{}, err
	}
	list, err := o.vault.history(ctx)
	if err != nil {
		return Saved{}, err
	}
	for _, earlier := range list {
		if revision < 0 || earlier.Revision == revision {
			return earlier, o.put(ctx, now.Revision, earlier.Document)
		}
	}
	return Saved{}, errNoEarlier()
}

func (o *Offline) put(ctx context.Context, revision int64, document []byte) error {
	_, err := o.vault.put(ctx, Operator, revision, document, auditChange(Operator, o.vault.clock(), nil))
	return err
}
