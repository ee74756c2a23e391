package engine

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// draftIDs are the entities that the test plays with.
func draftIDs(n int) []entity.ID {
	ids := make([]entity.ID, n)
	for i := range ids {
		ids[i][15], ids[i][0] = byte(i+1), 1
	}
	return ids
}

func draftRow(id entity.ID, name string, text int) store.Row {
	return store.Row{
		ID: id, Type: "table", Name: name, FQN: name, Version: entity.FirstVersion, UpdatedAt: int64(text),
		Doc: fmt.Appendf(nil, `{"id":%q,"name":%q,"description":"%d"}`, id, name, text),
	}
}

// picture is what a reader shows of the entities.
type picture struct {
	Rows, ByName, Alone []string
	From, To            []string
}

func pictureOf(ctx context.Context, r store.Reader, ids []entity.ID, names []string) (picture, error) {
	var p picture
	rows, err := r.Entities(ctx, ids)
	if err != nil {
		return p, err
	}
	keys := make([]store.Key, len(names))
	for i, name := range names {
		keys[i] = store.Key{Type: "table", FQN: name}
		row, err := r.EntityByFQN(ctx, keys[i])
		if err != nil && entity.KindOf(err) != entity.KindNotFound {
			return p, err
		}
		p.Alone = append(p.Alone, string(row.Doc))
	}
	for _, id := range ids {
		row, err := r.Entity(ctx, id)
		if err != nil && entity.KindOf(err) != entity.KindNotFound {
			return p, err
		}
		p.Alone = append(p.Alone, string(row.Doc))
	}
	byName, err := r.EntitiesByFQN(ctx, keys)
	if err != nil {
		return p, err
	}
	p.Rows, p.ByName = docs(rows), docs(byName)
	from, err := r.RelationsFrom(ctx, ids, "tags", "owners")
	if err != nil {
		return p, err
	}
	to, err := r.RelationsTo(ctx, ids)
	p.From, p.To = edges(from), edges(to)
	return p, err
}

func docs(rows []store.Row) []string {
	var out []string
	for _, row := range rows {
		out = append(out, string(row.Doc))
	}
	slices.Sort(out)
	return out
}

func edges(relations []store.Relation) []string {
	var out []string
	for _, r := range relations {
		out = append(out, fmt.Sprintf("%s %s %s %s", r.From, r.Kind, r.To, r.Doc))
	}
	slices.Sort(out)
	return out
}

// step draws one write.
func step(t *rapid.T, ids []entity.ID, names []string) func(context.Context, store.Tx) error {
	id, other := rapid.SampledFrom(ids).Draw(t, "id"), rapid.SampledFrom(ids).Draw(t, "other")
	row := draftRow(id, rapid.SampledFrom(names).Draw(t, "name"), rapid.IntRange(0, 99).Draw(t, "text"))
	rel := store.Relation{From: id, To: other, FromType: "table", ToType: "table", Kind: rapid.SampledFrom([]string{"tags", "owners", "follows"}).Draw(t, "kind")}
	switch rapid.IntRange(0, 4).Draw(t, "op") {
	case 0, 1:
		return func(ctx context.Context, tx store.Tx) error {
			if _, err := tx.Entity(ctx, id); err == nil {
				return nil // the same id again is nothing an engine does
			}
			return tx.Insert(ctx, row)
		}
	case 2:
		return func(ctx context.Context, tx store.Tx) error { return tx.Replace(ctx, row) }
	case 3:
		return func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, rel) }
	}
	return func(ctx context.Context, tx store.Tx) error { return tx.Unrelate(ctx, rel) }
}

// A draft shows what a transaction with the same writes would show, and what is
// copied from it is what the transaction would have written.
func TestDraftShowsWhatATransactionWould(t *testing.T) {
	ids, names := draftIDs(5), []string{"a", "b", "c", "d"}
	ctx := t.Context()
	round := 0
	open := func() store.Store {
		round++
		s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", round)), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	plain, drafted := open(), open()
	rapid.Check(t, func(rt *rapid.T) {
		count := rapid.IntRange(1, 12).Draw(rt, "writes")
		var want, got, copied picture
		var outcomes [2][]entity.Kind
		steps := make([]func(context.Context, store.Tx) error, count)
		for i := range steps {
			steps[i] = step(rt, ids, names)
		}
		run := func(tx store.Tx, at int) error {
			outcomes[at] = nil
			for _, s := range steps {
				err := s(ctx, tx)
				kind := entity.KindOf(err)
				if err == nil {
					kind = -1
				} else if kind == entity.KindInternal {
					return err
				}
				outcomes[at] = append(outcomes[at], kind)
			}
			return nil
		}
		err := plain.Update(ctx, func(tx store.Tx) (err error) {
			if err = run(tx, 0); err == nil {
				want, err = pictureOf(ctx, tx, ids, names)
			}
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		err = drafted.Update(ctx, func(tx store.Tx) (err error) {
			d := newDraft(tx)
			if err = run(d, 1); err != nil {
				return err
			}
			if got, err = pictureOf(ctx, d, ids, names); err != nil {
				return err
			}
			if err = d.copyTo(ctx, tx); err != nil {
				return err
			}
			copied, err = pictureOf(ctx, tx, ids, names)
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		if diff := gocmp.Diff(outcomes[0], outcomes[1]); diff != "" {
			rt.Fatalf("the writes end differently (-transaction +draft):\n%s", diff)
		}
		if diff := cmp.Or(gocmp.Diff(want, got), gocmp.Diff(want, copied)); diff != "" {
			rt.Fatalf("the draft shows something else (-transaction +draft):\n%s", diff)
		}
	})
}
