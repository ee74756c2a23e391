package usage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func stats(n int64) Stats { return Stats{Count: n} }

// TestWindowsEndWithTheirDay: a week and a month include the day they end with,
// and not the same day of the week or month before.
func TestWindowsEndWithTheirDay(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	for days, count := range map[int]int64{0: 1, 6: 10, 7: 100, 29: 1000, 30: 10000} {
		b.used(id, ago(days), count, false)
	}
	want := []Details{{Daily: stats(1), Weekly: stats(11), Monthly: stats(1111), Date: ago(0)}}
	if diff := cmp.Diff(want, b.usage("shop.db.s.a", "", 1)); diff != "" {
		t.Errorf("usage today (-want +got):\n%s", diff)
	}
	want = []Details{{Daily: stats(100), Weekly: stats(100), Monthly: stats(11100), Date: ago(7)}}
	if diff := cmp.Diff(want, b.usage("shop.db.s.a", ago(7), 7)); diff != "" {
		t.Errorf("usage a week ago (-want +got):\n%s", diff)
	}
	if got := b.usage("shop.db.s.a", ago(1), 5); len(got) != 0 {
		t.Errorf("days without a report are shown: %+v", got)
	}
}

// TestTheSummaryIsOfTheNewestDay whatever day was reported last.
func TestTheSummaryIsOfTheNewestDay(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	b.used(id, ago(1), 4, false)
	b.used(id, ago(3), 2, false)
	var got Details
	b.shown("table", "shop.db.s.a", summaryField, &got)
	if diff := cmp.Diff(Details{Daily: stats(4), Weekly: stats(6), Monthly: stats(6), Date: ago(1)}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// TestOldDaysAreForgotten once no window that can be asked for holds them.
func TestOldDaysAreForgotten(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	b.used(id, ago(0), 5, false)
	b.now = noon().AddDate(0, 0, keptDays-1)
	b.used(id, "", 1, false)
	if got := b.usage("shop.db.s.a", ago(0), 1); len(got) != 1 || got[0].Daily.Count != 5 {
		t.Errorf("a day that may be asked for is %+v", got)
	}
	b.now = b.now.AddDate(0, 0, 2)
	b.used(id, "", 1, false)
	if got := b.usage("shop.db.s.a", ago(0), 1); len(got) != 0 {
		t.Errorf("a day out of reach is kept: %+v", got)
	}
}

// TestCountsAddUp compares counts after any reports with what was reported, and
// those of what contains the tables with the sum.
func TestCountsAddUp(t *testing.T) {
	b := newBed(t)
	b.schema()
	tables := map[string]entity.ID{"a": b.table("a"), "b": b.table("b")}
	counts := map[string]int64{}
	rapid.Check(t, func(t *rapid.T) {
		for name, id := range tables {
			b.used(id, "", 0, false)
			counts[name] = 0
		}
		for range rapid.IntRange(1, 6).Draw(t, "reports") {
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "table")
			count, add := rapid.Int64Range(0, 50).Draw(t, "count"), rapid.Bool().Draw(t, "add")
			b.used(tables[name], "", count, add)
			if add {
				count += counts[name]
			}
			counts[name] = count
		}
		for typ, fqn := range map[string]string{"databaseSchema": "shop.db.s", "database": "shop.db"} {
			var got Details
			b.shown(typ, fqn, summaryField, &got)
			if want := counts["a"] + counts["b"]; got.Daily.Count != want {
				t.Fatalf("the %s was used %d times, its tables %d", typ, got.Daily.Count, want)
			}
		}
		for name, want := range counts {
			if got := b.usage("shop.db.s."+name, "", 1); got[0].Daily.Count != want {
				t.Fatalf("%s was used %d times, want %d", name, got[0].Daily.Count, want)
			}
		}
	})
}

func TestReportsThatAreRefused(t *testing.T) {
	b := newBed(t)
	b.schema()
	id, gone := b.table("a"), b.table("gone")
	table, _ := b.e.Registry().ByName("table")
	if _, err := b.e.Delete(t.Context(), b.by, table, engine.ByID(gone), engine.DeleteOptions{}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		typ     string
		id      entity.ID
		report  Report
		kind    entity.Kind
		message string
	}{
		"unknown type":        {"spaceship", id, Report{}, entity.KindBadRequest, `there is no entity type "spaceship"`},
		"a type without use":  {"role", id, Report{}, entity.KindBadRequest, "role has no usage"},
		"no date":             {"table", id, Report{Date: "31.3.2026"}, entity.KindBadRequest, `"31.3.2026" is not a date`},
		"a day that is none":  {"table", id, Report{Date: "2026-02-29"}, entity.KindBadRequest, `"2026-02-29" is not a date`},
		"before the epoch":    {"table", id, Report{Date: "1969-12-31"}, entity.KindBadRequest, "is not a date"},
		"far in the future":   {"table", id, Report{Date: "2027-04-02"}, entity.KindBadRequest, "is not a date"},
		"less than nothing":   {"table", id, Report{Count: -1}, entity.KindBadRequest, "count must be greater than or equal to 0"},
		"nothing of the kind": {"table", entity.NilID, Report{Count: 1}, entity.KindNotFound, "table"},
		"a deleted table":     {"table", gone, Report{Count: 1}, entity.KindNotFound, gone.String()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.s.Record(t.Context(), b.by, tc.typ, engine.ByID(tc.id), tc.report, false)
			wantError(t, err, tc.kind, tc.message)
		})
	}
	if got := b.usage("shop.db.s.a", "", MaxDays); len(got) != 0 {
		t.Errorf("a refused report was kept: %+v", got)
	}
}

// TestTodayIsADayOfUTC wherever the computer is.
func TestTodayIsADayOfUTC(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	b.now = time.Date(2026, 4, 1, 5, 0, 0, 0, time.FixedZone("far east", 14*3600))
	b.used(id, "", 3, false)
	if got := b.usage("shop.db.s.a", "", 1); len(got) != 1 || got[0].Date != "2026-03-31" {
		t.Errorf("today is %+v", got)
	}
}

// TestRanksFollowTheirSpans: each span is ranked by its own sum, among what was
// used on the day.
func TestRanksFollowTheirSpans(t *testing.T) {
	b := newBed(t)
	b.schema()
	one, two, three, idle := b.table("one"), b.table("two"), b.table("three"), b.table("idle")
	b.used(one, ago(0), 1, false)
	b.used(two, ago(0), 2, false)
	b.used(three, ago(0), 3, false)
	b.used(one, ago(5), 10, false)
	b.used(two, ago(week), 100, false)     // before the week
	b.used(three, ago(month), 1000, false) // and before the month
	b.used(idle, ago(1), 1000, false)
	if err := b.s.Rank(t.Context(), b.by, "table", ago(0)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][3]float64{"one": {0, 100, 50}, "two": {50, 0, 100}, "three": {100, 50, 0}} {
		var d Details
		b.shown("table", "shop.db.s."+name, summaryField, &d)
		if got := [3]float64{d.Daily.PercentileRank, d.Weekly.PercentileRank, d.Monthly.PercentileRank}; got != want {
			t.Errorf("%s is ranked %v, want %v", name, got, want)
		}
	}
	if got := b.usage("shop.db.s.idle", ago(1), 1); len(got) != 1 || got[0].Daily.PercentileRank != 0 {
		t.Errorf("what was not used on the day is ranked: %+v", got)
	}
	b.used(one, ago(0), 9, false) // a new count keeps the rank until the next computation
	if got := b.usage("shop.db.s.one", ago(0), 1)[0].Daily; got != (Stats{Count: 9, PercentileRank: 0}) {
		t.Errorf("after another report: %+v", got)
	}
	if err := b.s.Rank(t.Context(), b.by, "table", ago(0)); err != nil {
		t.Fatal(err)
	}
	if got := b.usage("shop.db.s.one", ago(0), 1)[0].Daily; got != (Stats{Count: 9, PercentileRank: 100}) {
		t.Errorf("after another computation: %+v", got)
	}
}

func TestStrangersReportNothing(t *testing.T) {
	b := newBed(t)
	b.schema()
	id := b.table("a")
	who := entity.Principal{UserID: b.make("user", "stranger", `{"name":"stranger","email":"stranger@example.com"}`), Name: "stranger", TokenType: "OM_USER"}
	for name, call := range map[string]func() error{
		"report": func() error {
			_, err := b.s.Record(t.Context(), who, "table", engine.ByID(id), Report{Count: 1}, false)
			return err
		},
		"rank":  func() error { return b.s.Rank(t.Context(), who, "table", "") },
		"joins": func() error { return b.s.RecordJoins(t.Context(), who, engine.ByID(id), Joins{}) },
		"read": func() error {
			_, err := b.s.Usage(t.Context(), who, "table", engine.ByID(id), "", 1, "")
			return err
		},
		"cost": func() error { _, err := b.s.Cost(t.Context(), who, entity.NewID(), ""); return err },
	} {
		if err := call(); entity.KindOf(err) != entity.KindForbidden {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}
