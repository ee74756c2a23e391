package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// document is as long as a table of twenty columns.
var document = append(append([]byte(`{"x":"`), bytes.Repeat([]byte("column,"), 900)...), `"}`...)

func fill(b *testing.B, n int) *sqlite.Store {
	b.Helper()
	s := open(b, filepath.Join(b.TempDir(), "catalog.db"))
	rows := make([]store.Row, n)
	for i := range rows {
		rows[i] = row(fmt.Sprintf("svc.db.schema%d.table%06d", i%10, i))
		rows[i].Doc = document
	}
	insert(b, s, rows...)
	return s
}

// BenchmarkInsert writes what the creation of a table does: the row, an event
// and a relation, from 32 goroutines a processor.
func BenchmarkInsert(b *testing.B) {
	s := fill(b, 0)
	owner := entity.NewID()
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			e := row(fmt.Sprintf("svc.db.schema.table%09d", n.Add(1)))
			e.Doc = document
			err := s.Update(ctx, func(tx store.Tx) error {
				if err := tx.Insert(ctx, e); err != nil {
					return err
				}
				if err := tx.Relate(ctx, store.Relation{From: owner, To: e.ID, Kind: "owns", FromType: "user", ToType: "table"}); err != nil {
					return err
				}
				return tx.AppendEvent(ctx, store.Event{ID: entity.NewID(), Type: entity.EventCreated, EntityType: "table", EntityID: e.ID, EntityFQN: e.FQN, At: 1})
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEntityByFQN(b *testing.B) {
	s := fill(b, 20_000)
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := store.Key{Type: "table", FQN: fmt.Sprintf("svc.db.schema%d.table%06d", i%10, i%20_000)}
		if err := s.View(ctx, func(r store.Reader) error { _, err := r.EntityByFQN(ctx, key); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList100(b *testing.B) {
	s := fill(b, 20_000)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		err := s.View(ctx, func(r store.Reader) error {
			_, err := r.List(ctx, store.ListQuery{Type: "table", Under: "svc.db.schema5", After: "svc.db.schema5.table010000", Limit: 100})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	s := fill(b, 20_000)
	ctx := context.Background()
	for b.Loop() {
		err := s.View(ctx, func(r store.Reader) error {
			_, err := r.Count(ctx, store.ListQuery{Type: "table", Under: "svc.db"})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
