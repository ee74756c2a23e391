package signon

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Records: the settings in force, those before them, and the tests they passed.
const (
	kindSettings = "security-settings"
	kindHistory  = "security-settings-history"
	keyCurrent   = "current"
)

// maxHistory is how many earlier settings are kept.
const maxHistory = 10

// Saved are settings as an administrator saved them.
type Saved struct {
	Revision int64  // goes up with each change
	Document []byte // in the words of the API, with secrets in clear; nil when nothing is saved
	By       string // who saved it
	At       time.Time
}

// savedDoc is the record of Saved: the document is sealed, as it holds secrets.
type savedDoc struct {
	Revision int64  `json:"revision"`
	Sealed   string `json:"sealed,omitzero"`
	By       string `json:"by"`
	At       int64  `json:"at"`
}

// vault reads and writes saved settings.
type vault struct {
	store  store.Store
	sealer *secret.Sealer
	clock  func() time.Time
}

func place(revision int64) string { return fmt.Sprintf("%s/%d", kindSettings, revision) }

// current returns revision 0 when nothing was ever saved.
func (v *vault) current(ctx context.Context) (Saved, error) {
	var rec store.Record
	err := v.store.View(ctx, func(r store.Reader) error {
		var err error
		rec, err = r.Record(ctx, kindSettings, "", keyCurrent)
		return err
	})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return Saved{}, nil
	}
	if err != nil {
		return Saved{}, err
	}
	return v.open(rec)
}

// revision is current without unsealing, for the look that is taken all the time.
func (v *vault) revision(ctx context.Context) (int64, error) {
	revision := int64(0)
	err := v.store.View(ctx, func(r store.Reader) error {
		var err error
		revision, err = currentRevision(ctx, r)
		return err
	})
	return revision, err
}

func currentRevision(ctx context.Context, r store.Reader) (int64, error) {
	rec, err := r.Record(ctx, kindSettings, "", keyCurrent)
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var doc savedDoc
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return 0, entity.Internal(err)
	}
	return doc.Revision, nil
}

func (v *vault) open(rec store.Record) (Saved, error) {
	var doc savedDoc
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return Saved{}, entity.Internal(err)
	}
	s := Saved{Revision: doc.Revision, By: doc.By, At: time.UnixMilli(doc.At)}
	if doc.Sealed == "" {
		return s, nil
	}
	text, err := v.sealer.Open(doc.Sealed, place(doc.Revision))
	if err != nil {
		return Saved{}, entity.Internal(fmt.Errorf("the saved security settings cannot be unsealed: %w", err))
	}
	s.Document = []byte(text)
	return s, nil
}

// put saves a document over the revision it was made from; nil removes what is
// saved. Whoever saves over a newer revision than expected gets a conflict.
func (v *vault) put(ctx context.Context, by string, expected int64, document []byte, also func(store.Tx) error) (int64, error) {
	next := expected + 1
	doc := savedDoc{Revision: next, By: by, At: v.clock().UnixMilli()}
	if document != nil {
		sealed, err := v.sealer.Seal(string(document), place(next))
		if err != nil {
			return 0, entity.Internal(err)
		}
		doc.Sealed = sealed
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return 0, err
	}
	return next, v.store.Update(ctx, func(tx store.Tx) error {
		at, err := currentRevision(ctx, tx)
		if err != nil {
			return err
		}
		if at != expected {
			return entity.Conflict("The security settings were changed meanwhile: read them again and repeat")
		}
		if err := keepOld(ctx, tx); err != nil {
			return err
		}
		if err := tx.PutRecord(ctx, store.Record{Kind: kindSettings, Key: keyCurrent, At: doc.At, Doc: raw}); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(tx)
	})
}

// keepOld moves the present settings into the history. That there were none is
// history, too: the first change can be taken back.
func keepOld(ctx context.Context, tx store.Tx) error {
	rec, err := tx.Record(ctx, kindSettings, "", keyCurrent)
	switch {
	case err != nil && entity.KindOf(err) == entity.KindNotFound:
		rec = store.Record{Doc: []byte(`{"revision":0,"by":"","at":0}`)}
	case err != nil:
		return err
	}
	var doc savedDoc
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return entity.Internal(err)
	}
	key := fmt.Sprintf("%020d", doc.Revision)
	if err := tx.PutRecord(ctx, store.Record{Kind: kindHistory, Key: key, At: max(rec.At, 1), Doc: rec.Doc}); err != nil {
		return err
	}
	old, err := tx.Records(ctx, store.RecordQuery{Kind: kindHistory})
	if err != nil {
		return err
	}
	for len(old) > maxHistory {
		oldest := 0
		for i := range old {
			if old[i].Key < old[oldest].Key {
				oldest = i
			}
		}
		if _, err := tx.DeleteRecord(ctx, kindHistory, "", old[oldest].Key); err != nil {
			return err
		}
		old = append(old[:oldest], old[oldest+1:]...)
	}
	return nil
}

// history returns earlier settings, the newest first.
func (v *vault) history(ctx context.Context) ([]Saved, error) {
	var out []Saved
	err := v.store.View(ctx, func(r store.Reader) error {
		out = nil
		records, err := r.Records(ctx, store.RecordQuery{Kind: kindHistory})
		if err != nil {
			return err
		}
		for _, rec := range records {
			s, err := v.open(rec)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return nil
	})
	sortNewestFirst(out)
	return out, err
}

// When tells when the settings were saved, "-" for those of file and environment.
func (s Saved) When() string {
	if s.Document == nil && s.By == "" {
		return "-"
	}
	return s.At.UTC().Format(time.RFC3339)
}

// Author tells who saved them.
func (s Saved) Author() string {
	if s.By == "" {
		return "file and environment"
	}
	return s.By
}

// Provider names the provider the document chooses, "as configured" without one.
func (s Saved) Provider() string {
	var doc struct {
		Authentication struct {
			Provider string                    `json:"provider"`
			Rest     map[string]jsontext.Value `json:",embed"`
		} `json:"authenticationConfiguration"`
		Rest map[string]jsontext.Value `json:",embed"`
	}
	if s.Document == nil || json.Unmarshal(s.Document, &doc) != nil || doc.Authentication.Provider == "" {
		return "as configured"
	}
	return doc.Authentication.Provider
}

// errNoEarlier answers who wants to go back to settings that are not kept.
func errNoEarlier() error {
	return entity.Errorf(entity.KindNotFound, "there are no such earlier sign-on settings to go back to")
}
