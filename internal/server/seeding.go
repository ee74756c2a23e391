package server

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/seed"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// seedWriter brings seed data into the catalog through the engine.
type seedWriter struct {
	engine  *engine.Engine
	lineage *lineage.Service
}

func (w seedWriter) typeOf(name string) (*registry.Type, error) {
	t, ok := w.engine.Registry().ByName(name)
	if !ok {
		return nil, entity.BadRequest("there is no entity type %q", name)
	}
	return t, nil
}

// EnsureAll implements seed.Writer.
func (w seedWriter) EnsureAll(ctx context.Context, typeName string, requests [][]byte) (int, error) {
	t, err := w.typeOf(typeName)
	if err != nil {
		return 0, err
	}
	return w.engine.Ensure(ctx, t, requests, false)
}

// EnsureDocuments implements seed.Writer.
func (w seedWriter) EnsureDocuments(ctx context.Context, typeName string, documents [][]byte) (int, error) {
	t, err := w.typeOf(typeName)
	if err != nil {
		return 0, err
	}
	return w.engine.Ensure(ctx, t, documents, true)
}

// EnsureSettings implements seed.Writer.
func (w seedWriter) EnsureSettings(ctx context.Context, settings []seed.Setting) (int, error) {
	created := 0
	err := w.engine.Store().Update(ctx, func(tx store.Tx) error {
		created = 0
		for _, s := range settings {
			_, err := tx.Record(ctx, api.SettingKind, "", s.Type)
			if err == nil {
				continue
			}
			if entity.KindOf(err) != entity.KindNotFound {
				return err
			}
			created++
			rec := store.Record{Kind: api.SettingKind, Key: s.Type, At: time.Now().UnixMilli(), Doc: s.Value}
			if err := tx.PutRecord(ctx, rec); err != nil {
				return err
			}
		}
		return nil
	})
	return created, err
}

// EnsureLineage implements seed.Writer.
func (w seedWriter) EnsureLineage(ctx context.Context, requests [][]byte) (int, error) {
	for i, request := range requests {
		if err := w.lineage.Put(ctx, entity.System(), request); err != nil {
			return i, err
		}
	}
	return len(requests), nil
}

// Lookup implements seed.Writer.
func (w seedWriter) Lookup(ctx context.Context, typeName string, fqns []string) (map[string]string, error) {
	keys := make([]store.Key, len(fqns))
	for i, fqn := range fqns {
		keys[i] = store.Key{Type: typeName, FQN: entity.CanonicalFQN(fqn)}
	}
	out := make(map[string]string, len(fqns))
	err := w.engine.Store().View(ctx, func(r store.Reader) error {
		rows, err := r.EntitiesByFQN(ctx, keys)
		for _, row := range rows {
			out[row.FQN] = row.ID.String()
		}
		return err
	})
	return out, err
}

// fingerprintKind is the kind of the record that tells which seed data was
// loaded last.
const fingerprintKind = "seedFingerprint"

// seedCatalog loads the seed data unless exactly this was loaded before.
func seedCatalog(ctx context.Context, w seedWriter) (fresh bool, err error) {
	want := seed.Fingerprint()
	var have struct {
		Fingerprint string `json:"fingerprint"`
	}
	err = w.engine.Store().View(ctx, func(r store.Reader) error {
		rec, err := r.Record(ctx, fingerprintKind, "", "")
		if err == nil {
			err = json.Unmarshal(rec.Doc, &have)
		}
		return err
	})
	switch {
	case err == nil && have.Fingerprint == want:
		return false, nil
	case err != nil && entity.KindOf(err) != entity.KindNotFound:
		return false, err
	}
	fresh = err != nil
	if _, err := seed.Load(ctx, w); err != nil {
		return false, err
	}
	have.Fingerprint = want
	doc, err := json.Marshal(have)
	if err != nil {
		return false, err
	}
	return fresh, w.engine.Store().Update(ctx, func(tx store.Tx) error {
		return tx.PutRecord(ctx, store.Record{Kind: fingerprintKind, At: time.Now().UnixMilli(), Doc: doc})
	})
}
