package usage

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// joined is a report that one column was joined with another.
func joined(date, column, with string, count int64) Joins {
	return Joins{StartDate: date, DayCount: 1, Columns: []ColumnJoins{{Column: column, With: []JoinedWith{{FQN: with, Count: count}}}}}
}

// TestJoinsOfAMonthAreShown: the month ends today, and days leave it as it moves.
func TestJoinsOfAMonthAreShown(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	b.table("b")
	put := func(date string, count int64) {
		t.Helper()
		if err := b.s.RecordJoins(t.Context(), b.by, engine.ByID(id), joined(date, "id", "shop.db.s.b.id", count)); err != nil {
			t.Fatal(err)
		}
	}
	shown := func() (got Joins) { t.Helper(); b.shown("table", "shop.db.s.a", joinsField, &got); return got }
	put(ago(month-1), 1)
	put(ago(3), 10)
	want := joined(ago(month-1), "id", "shop.db.s.b.id", 11)
	want.DayCount = month
	if diff := cmp.Diff(want, shown()); diff != "" {
		t.Errorf("joins (-want +got):\n%s", diff)
	}
	b.now = b.now.AddDate(0, 0, 1)
	put(ago(-1), 100)
	want = joined(ago(month-2), "id", "shop.db.s.b.id", 110)
	want.DayCount = month
	if diff := cmp.Diff(want, shown()); diff != "" {
		t.Errorf("joins a day later (-want +got):\n%s", diff)
	}
}

func TestColumnsThatAreJoined(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a", `{"name":"id","dataType":"INT"}`, `{"name":"x.y","dataType":"INT"}`,
		`{"name":"place","dataType":"STRUCT","children":[{"name":"town","dataType":"STRING"}]}`)
	b.table("b")
	many := Joins{Tables: make([]JoinedWith, maxJoins+1)}
	for i := range many.Tables {
		many.Tables[i] = JoinedWith{FQN: fmt.Sprintf("shop.db.s.t%d", i)}
	}
	const there = "shop.db.s.b.id"
	for name, tc := range map[string]struct {
		joins   Joins
		kind    entity.Kind
		message string // "" when accepted
	}{
		"a column":               {joined("", "id", there, 1), 0, ""},
		"a name with a dot":      {joined("", "x.y", there, 1), 0, ""},
		"a part of a structure":  {joined("", "place.town", there, 1), 0, ""},
		"with a whole table":     {joined("", "id", "shop.db.s.b", 1), 0, ""},
		"with itself":            {joined("", "id", "shop.db.s.a.id", 1), 0, ""},
		"no such column":         {joined("", "nope", there, 1), entity.KindBadRequest, "Invalid column name nope"},
		"no such table":          {joined("", "id", "shop.db.s.none.id", 1), entity.KindNotFound, "table instance for shop.db.s.none not found"},
		"not a table":            {joined("", "id", "shop.db.s", 1), entity.KindBadRequest, "shop.db.s is not the name of a table or column"},
		"less than nothing":      {joined("", "id", there, -1), entity.KindBadRequest, "joinCount must be greater than or equal to 0"},
		"a month ago":            {joined(ago(month), "id", there, 1), entity.KindBadRequest, "for the last 30 days only"},
		"the day after tomorrow": {joined(ago(-2), "id", there, 1), entity.KindBadRequest, "for the last 30 days only"},
		"of too many days":       {Joins{DayCount: month + 1}, entity.KindBadRequest, "for the last 30 days only"},
		"no date":                {joined("soon", "id", there, 1), entity.KindBadRequest, `"soon" is not a date`},
		"too many":               {many, entity.KindBadRequest, "at most 10000 joins"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after Joins
			b.shown("table", "shop.db.s.a", joinsField, &before)
			err := b.s.RecordJoins(t.Context(), b.by, engine.ByID(id), tc.joins)
			if tc.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, tc.kind, tc.message)
			b.shown("table", "shop.db.s.a", joinsField, &after)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a refused report was kept (-before +after):\n%s", diff)
			}
		})
	}
}

func TestCostsOfAQuery(t *testing.T) {
	b := newBed(t)
	b.schema()
	query := b.make("query", "shop.q", `{"name":"q","query":"select 1","service":"shop"}`)
	body := func(id entity.ID, at int64, cost float64) []byte {
		return fmt.Appendf(nil, `{"timestamp":%d,"cost":%g,"count":2,"totalDuration":3.5,"queryReference":{"id":"%s","type":"query"}}`, at, cost, id)
	}
	const at = 1_774_958_400_000
	made, err := b.s.RecordCost(t.Context(), b.by, body(query, at, 7), "")
	if err != nil {
		t.Fatal(err)
	}
	read, err := b.s.Cost(t.Context(), b.by, made.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, read); diff != "" || read.Cost != 7 || read.Query.FullyQualifiedName != "shop.q" {
		t.Errorf("read is %+v (-made +read):\n%s", read, diff)
	}
	if _, err := b.s.RecordCost(t.Context(), b.by, body(query, at+1, 8), ""); err != nil {
		t.Errorf("another time: %v", err)
	}
	_, err = b.s.RecordCost(t.Context(), b.by, body(query, at, 9), "")
	wantError(t, err, entity.KindConflict, "already exists")
	_, err = b.s.RecordCost(t.Context(), b.by, body(query, at+2, -1), "")
	wantError(t, err, entity.KindBadRequest, "must not be negative")
	_, err = b.s.RecordCost(t.Context(), b.by, body(entity.NewID(), at, 1), "")
	wantError(t, err, entity.KindNotFound, "query")
	_, err = b.s.RecordCost(t.Context(), b.by, []byte(`{"cost":1}`), "")
	wantError(t, err, entity.KindBadRequest, "")
	other := made.ID.String() // differs in the last digit only
	last := "0"
	if other[len(other)-1] == '0' {
		last = "1"
	}
	near, err := entity.ParseID(other[:len(other)-1] + last)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.s.Cost(t.Context(), b.by, near, "")
	wantError(t, err, entity.KindNotFound, near.String())
}
