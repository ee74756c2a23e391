package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func put(t failer, s store.Store, records ...store.Record) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.PutRecord(ctx, records...) })
}

func testRecords(t *testing.T, s store.Store) {
	a := store.Record{Kind: "token", Owner: "o", Key: "k", At: 5, Doc: []byte(`{"x":1}`)}
	server := store.Record{Kind: "token", Key: "k", At: 6, Doc: []byte(`2`)}
	other := store.Record{Kind: "setting", Owner: "o", Key: "k", At: 7, Doc: []byte(`3`)}
	second := store.Record{Kind: "token", Owner: "p", Key: "k", At: 8, Doc: []byte(`4`)}
	put(t, s, a, server, other, second)
	a.At, a.Doc = 9, []byte(`{"x":2}`)
	put(t, s, a)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		for _, want := range []store.Record{a, server, other, second} {
			got, err := r.Record(ctx, want.Kind, want.Owner, want.Key)
			if err != nil {
				return err
			}
			equal(t, "record", got, want)
		}
		_, err := r.Record(ctx, "token", "o", "missing")
		wantKind(t, "missing", err, entity.KindNotFound)
		owners := []string{"o", "nobody", "o", "p"}
		for i := range 600 {
			owners = append(owners, fmt.Sprint("many", i))
		}
		got, err := r.RecordsOf(ctx, "token", "k", owners)
		if err != nil {
			return err
		}
		equal(t, "of two owners", len(got), 2)
		for _, record := range got {
			equal(t, "of owners", record, map[string]store.Record{"o": a, "p": second}[record.Owner])
		}
		return nil
	})
	ctx := context.Background()
	for _, want := range []bool{true, false} {
		var was bool
		err := s.Update(ctx, func(tx store.Tx) (err error) {
			was, err = tx.DeleteRecord(ctx, "token", "o", "k")
			return err
		})
		equal(t, "DeleteRecord", err, nil)
		equal(t, "was there", was, want)
	}
}

// testRecordQueries uses keys whose order differs from that of the times.
func testRecordQueries(t *testing.T, s store.Store) {
	for i, key := range []string{"c", "a", "d", "b"} {
		put(t, s,
			store.Record{Kind: "p", Owner: "x", Key: key, At: int64(10 * (i + 1))},
			store.Record{Kind: "p", Owner: "y", Key: key, At: int64(10*(i+1) + 5)},
			store.Record{Kind: "q", Owner: "x", Key: key, At: 1})
	}
	put(t, s, store.Record{Kind: "p", Key: "own", At: 100}, store.Record{Kind: "p", Owner: "x", Key: "e", At: 10})
	tests := []struct {
		what string
		q    store.RecordQuery
		want []string
	}{
		{"keys", store.RecordQuery{Owner: "x"}, []string{"xa", "xb", "xc", "xd", "xe"}},
		{"the server's own", store.RecordQuery{}, []string{"own"}},
		{"newest", store.RecordQuery{Owner: "x", Order: store.NewestFirst}, []string{"xb", "xd", "xa", "xc", "xe"}},
		{"oldest", store.RecordQuery{Owner: "x", Order: store.OldestFirst}, []string{"xc", "xe", "xa", "xd", "xb"}},
		{"range", store.RecordQuery{Owner: "x", From: 20, To: 30, Order: store.OldestFirst}, []string{"xa", "xd"}},
		{"from", store.RecordQuery{Owner: "x", From: 30}, []string{"xb", "xd"}},
		{"to", store.RecordQuery{Owner: "y", To: 25}, []string{"ya", "yc"}},
		{"after", store.RecordQuery{Owner: "x", After: "b"}, []string{"xc", "xd", "xe"}},
		{"after is for keys", store.RecordQuery{Owner: "y", After: "b", Order: store.NewestFirst}, []string{"yb", "yd", "ya", "yc"}},
		{"any, keys", store.RecordQuery{Any: true, To: 25}, []string{"xa", "ya", "xc", "yc", "xe"}},
		{"any, newest", store.RecordQuery{Any: true, From: 35, Order: store.NewestFirst}, []string{"own", "yb", "xb", "yd"}},
		{"any, oldest", store.RecordQuery{Any: true, To: 20, Order: store.OldestFirst}, []string{"xc", "xe", "yc", "xa"}},
		{"no such kind", store.RecordQuery{Kind: "z", Any: true}, nil},
	}
	for _, test := range tests {
		if test.q.Kind == "" {
			test.q.Kind = "p"
		}
		view(t, s, func(ctx context.Context, r store.Reader) error {
			records, err := r.Records(ctx, test.q)
			if err != nil {
				return err
			}
			equal(t, test.what, ownersAndKeys(records), test.want)
			test.q.Limit, test.q.Offset = 2, 1
			page, err := r.Records(ctx, test.q)
			if err != nil {
				return err
			}
			equal(t, test.what+", page", ownersAndKeys(page), test.want[min(1, len(test.want)):min(3, len(test.want))])
			n, err := r.CountRecords(ctx, test.q)
			equal(t, test.what+", count", n, len(test.want))
			return err
		})
	}
}

func ownersAndKeys(records []store.Record) []string {
	list := make([]string, len(records))
	for i, r := range records {
		list[i] = r.Owner + r.Key
	}
	return list
}

func testRecordPages(t *testing.T, s store.Store) {
	records := make([]store.Record, 1100)
	for i := range records {
		records[i] = store.Record{Kind: "k", Key: fmt.Sprintf("%05d", i), At: int64(i + 1)}
	}
	put(t, s, records...)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		page, err := r.Records(ctx, store.RecordQuery{Kind: "k"})
		equal(t, "default limit", len(page), 1000)
		if err != nil {
			return err
		}
		rest, err := r.Records(ctx, store.RecordQuery{Kind: "k", After: page[999].Key})
		equal(t, "the rest", len(rest), 100)
		return err
	})
}

func testDeleteRecords(t *testing.T, s store.Store) {
	reset := func() {
		for i := range 6 {
			put(t, s, store.Record{Kind: "p", Owner: []string{"x", "y"}[i%2], Key: fmt.Sprint(i), At: int64(i + 1)})
		}
		put(t, s, store.Record{Kind: "q", Owner: "x", Key: "0", At: 1})
	}
	tests := []struct {
		q    store.RecordQuery
		want int
	}{
		{store.RecordQuery{Owner: "x"}, 3},
		{store.RecordQuery{Owner: "x", To: 3}, 2},
		{store.RecordQuery{Any: true, From: 4}, 3},
		{store.RecordQuery{Any: true, Limit: 1, Offset: 2}, 6},
		{store.RecordQuery{Any: true, After: "3"}, 2},
		{store.RecordQuery{Owner: "nobody"}, 0},
	}
	for _, test := range tests {
		reset()
		test.q.Kind = "p"
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			n, err := tx.DeleteRecords(ctx, test.q)
			equal(t, "deleted", n, test.want)
			return err
		})
		view(t, s, func(ctx context.Context, r store.Reader) error {
			left, err := r.CountRecords(ctx, store.RecordQuery{Kind: "p", Any: true})
			equal(t, "left", left, 6-test.want)
			others, _ := r.CountRecords(ctx, store.RecordQuery{Kind: "q", Any: true})
			equal(t, "other kinds", others, 1)
			return err
		})
	}
}
