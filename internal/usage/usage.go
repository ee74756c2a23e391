// Package usage keeps how much data is used: how often a day an entity was
// asked for and how that compares with others of its type, which columns are
// joined, and what queries cost. All of it are records beside the entities.
//
// The package may import entity, registry, policy, store and engine; never
// net/http.
package usage

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// dateFormat is how days are written.
const dateFormat = time.DateOnly

// Spans over which counts are summed, and how long daily counts are kept: a
// month back from the oldest day that can be asked for.
const (
	week     = 7
	month    = 30
	MaxDays  = 30
	keptDays = MaxDays + month
)

// Service keeps usage. It is safe for concurrent use.
type Service struct {
	engine *engine.Engine
	clock  func() time.Time
}

// New makes a service over an engine. A nil clock is the computer's.
func New(e *engine.Engine, clock func() time.Time) *Service {
	if clock == nil {
		clock = time.Now
	}
	return &Service{engine: e, clock: clock}
}

// Stats is a count over some days and the share of entities that have less.
type Stats struct {
	Count          int64   `json:"count"`
	PercentileRank float64 `json:"percentileRank"`
}

// Details is the usage as of one day.
type Details struct {
	Daily   Stats  `json:"dailyStats"`
	Weekly  Stats  `json:"weeklyStats"`
	Monthly Stats  `json:"monthlyStats"`
	Date    string `json:"date"`
}

// EntityUsage is the usage of one entity on several days, newest first.
type EntityUsage struct {
	Entity entity.Ref `json:"entity"`
	Usage  []Details  `json:"usage"`
}

// day is what the record of one day holds.
type day struct {
	Count int64      `json:"count"`
	Ranks [3]float64 `json:"ranks,omitzero"` // daily, weekly, monthly
}

// summaryField is the member of entities that shows the latest usage.
const summaryField = "usageSummary"

// recordKind is the kind of the daily records of a type, so that all of a type
// can be read together.
func recordKind(typ string) string { return "usage." + typ }

// kept tells whether a type has usage.
func kept(t *registry.Type) bool {
	for _, field := range t.Records {
		if field == summaryField {
			return true
		}
	}
	return false
}

// typeOf returns a type that has usage.
func (s *Service) typeOf(name string) (*registry.Type, error) {
	t, ok := s.engine.Registry().ByName(name)
	if !ok {
		return nil, entity.BadRequest("there is no entity type %q", entity.Shorten(name, 60))
	}
	if !kept(t) {
		return nil, entity.BadRequest("%s has no usage", name)
	}
	return t, nil
}

// parseDate reads a day; "" is today.
func (s *Service) parseDate(text string) (time.Time, error) {
	today := s.clock().UTC().Truncate(24 * time.Hour)
	if text == "" {
		return today, nil
	}
	d, err := time.Parse(dateFormat, text)
	if err != nil || d.Year() < 1971 || d.After(today.AddDate(1, 0, 0)) {
		return d, entity.BadRequest("%q is not a date such as 2026-11-23", entity.Shorten(text, 40))
	}
	return d, nil
}

// Report is one day's count of something.
type Report struct {
	Date  string `json:"date"`
	Count int64  `json:"count"`
}

// Record keeps the count of one day, in place of an earlier one for the day or,
// with add set, on top of it. What contains the entity is used as often. It
// answers the change that the change feed shows.
func (s *Service) Record(ctx context.Context, by entity.Principal, typ string, sel engine.Selector, report Report, add bool) (*engine.ChangeEvent, error) {
	t, err := s.typeOf(typ)
	if err != nil {
		return nil, err
	}
	date, err := s.parseDate(report.Date)
	if err != nil {
		return nil, err
	}
	if report.Count < 0 {
		return nil, entity.BadRequest("[count must be greater than or equal to 0]")
	}
	var out *engine.ChangeEvent
	err = s.engine.Store().Update(ctx, func(tx store.Tx) error {
		row, err := s.engine.RowFor(ctx, tx, by, t, sel, policy.EditUsage)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(typ, sel.String())
		}
		old, err := readDay(ctx, tx, row, date)
		if err != nil {
			return err
		}
		more := report.Count
		if !add {
			more -= old.Count
		}
		change, err := s.count(ctx, tx, row, date, more)
		if err != nil {
			return err
		}
		if err := s.countAbove(ctx, tx, by, row, date, more); err != nil {
			return err
		}
		out = s.event(by, row, change)
		return s.engine.Touch(ctx, tx, by, row, change)
	})
	return out, err
}

// event is the change event that answers a call about a row.
func (s *Service) event(by entity.Principal, row store.Row, change *entity.ChangeDescription) *engine.ChangeEvent {
	change.PreviousVersion = row.Version
	return &engine.ChangeEvent{
		ID: entity.NewID(), EventType: entity.EventUpdated, EntityType: row.Type, EntityID: row.ID, EntityFullyQualifiedName: row.FQN,
		PreviousVersion: row.Version, CurrentVersion: row.Version, UserName: by.Name, Timestamp: s.clock().UnixMilli(), ChangeDescription: change,
	}
}

// countAbove adds to the counts of what contains the entity.
func (s *Service) countAbove(ctx context.Context, tx store.Tx, by entity.Principal, row store.Row, date time.Time, more int64) error {
	for row.Parent != entity.NilID && more != 0 {
		var err error
		if row, err = tx.Entity(ctx, row.Parent); err != nil {
			return err
		}
		t, ok := s.engine.Registry().ByName(row.Type)
		if !ok || !kept(t) {
			return nil
		}
		change, err := s.count(ctx, tx, row, date, more)
		if err != nil {
			return err
		}
		if err := s.engine.Touch(ctx, tx, by, row, change); err != nil {
			return err
		}
	}
	return nil
}

func readDay(ctx context.Context, r store.Reader, row store.Row, date time.Time) (day, error) {
	var d day
	rec, err := r.Record(ctx, recordKind(row.Type), row.ID.String(), date.Format(dateFormat))
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	return d, decode(rec.Doc, &d)
}

// count changes the count of one day and the summary, and forgets days that
// nobody can ask for any more.
func (s *Service) count(ctx context.Context, tx store.Tx, row store.Row, date time.Time, more int64) (*entity.ChangeDescription, error) {
	d, err := readDay(ctx, tx, row, date)
	if err != nil {
		return nil, err
	}
	d.Count = max(d.Count+more, 0)
	if err := putDay(ctx, tx, row.Type, row.ID.String(), date, d); err != nil {
		return nil, err
	}
	owner := row.ID.String()
	horizon := s.clock().UTC().AddDate(0, 0, -keptDays).UnixMilli()
	if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: recordKind(row.Type), Owner: owner, To: horizon}); err != nil {
		return nil, err
	}
	days, err := readDays(ctx, tx, row.Type, owner, time.Time{})
	if err != nil {
		return nil, err
	}
	return s.summarize(ctx, tx, row, days)
}

func putDay(ctx context.Context, tx store.Tx, typ, owner string, date time.Time, d day) error {
	doc, err := encode(d)
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: recordKind(typ), Owner: owner, Key: date.Format(dateFormat), At: date.UnixMilli(), Doc: doc})
}

// dayCounts are the daily records of one entity by day.
type dayCounts map[string]day

// readDays reads the days of an entity up to one, or all of them.
func readDays(ctx context.Context, r store.Reader, typ, owner string, to time.Time) (dayCounts, error) {
	q := store.RecordQuery{Kind: recordKind(typ), Owner: owner, Order: store.NewestFirst, Limit: 400}
	if !to.IsZero() {
		q.To = to.UnixMilli()
	}
	records, err := r.Records(ctx, q)
	if err != nil {
		return nil, err
	}
	days := make(dayCounts, len(records))
	for _, rec := range records {
		var d day
		if err := decode(rec.Doc, &d); err != nil {
			return nil, err
		}
		days[rec.Key] = d
	}
	return days, nil
}

// details sums up the days that end with one.
func (c dayCounts) details(date time.Time) Details {
	d := c[date.Format(dateFormat)]
	out := Details{Date: date.Format(dateFormat)}
	out.Daily = Stats{Count: d.Count, PercentileRank: d.Ranks[0]}
	out.Weekly = Stats{Count: c.sum(date, week), PercentileRank: d.Ranks[1]}
	out.Monthly = Stats{Count: c.sum(date, month), PercentileRank: d.Ranks[2]}
	return out
}

func (c dayCounts) sum(date time.Time, days int) int64 {
	var sum int64
	for i := range days {
		sum += c[date.AddDate(0, 0, -i).Format(dateFormat)].Count
	}
	return sum
}

// latest returns the newest day, and whether there is any.
func (c dayCounts) latest() (time.Time, bool) {
	newest := ""
	for date := range c {
		newest = max(newest, date)
	}
	d, err := time.Parse(dateFormat, newest)
	return d, err == nil
}

// summarize writes the summary that reads of the entity show and returns what
// changed.
func (s *Service) summarize(ctx context.Context, tx store.Tx, row store.Row, days dayCounts) (*entity.ChangeDescription, error) {
	kind, owner := engine.RecordKind(row.Type, summaryField), row.ID.String()
	before, err := encode(Details{})
	if err != nil {
		return nil, err
	}
	rec, err := tx.Record(ctx, kind, owner, "")
	switch {
	case err == nil:
		before = rec.Doc
	case entity.KindOf(err) != entity.KindNotFound:
		return nil, err
	}
	date, _ := days.latest()
	after, err := encode(days.details(date))
	if err != nil {
		return nil, err
	}
	if err := tx.PutRecord(ctx, store.Record{Kind: kind, Owner: owner, At: s.clock().UnixMilli(), Doc: after}); err != nil {
		return nil, err
	}
	return updated(summaryField, before, after), nil
}

// updated describes the change of one member.
func updated(field string, before, after jsontext.Value) *entity.ChangeDescription {
	change := entity.FieldChange{Name: field, NewValue: inText(after)}
	if before != nil {
		change.OldValue = inText(before)
	}
	return &entity.ChangeDescription{FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{change}, FieldsDeleted: []entity.FieldChange{}}
}

// inText returns JSON as a JSON string, as change descriptions hold it.
func inText(v jsontext.Value) jsontext.Value {
	out, err := jsontext.AppendQuote(nil, v)
	if err != nil {
		return jsontext.Value(`""`)
	}
	return out
}

// Usage returns the usage of an entity on the days up to a date that have any.
func (s *Service) Usage(ctx context.Context, by entity.Principal, typ string, sel engine.Selector, date string, days int, base string) (EntityUsage, error) {
	t, err := s.typeOf(typ)
	if err != nil {
		return EntityUsage{}, err
	}
	to, err := s.parseDate(date)
	if err != nil {
		return EntityUsage{}, err
	}
	out := EntityUsage{Usage: []Details{}}
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		row, err := s.engine.RowFor(ctx, r, by, t, sel, policy.ViewUsage)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(typ, sel.String())
		}
		refs, err := s.engine.References(ctx, r, []entity.ID{row.ID}, base)
		if err != nil {
			return err
		}
		out.Entity = refs[row.ID]
		counts, err := readDays(ctx, r, typ, row.ID.String(), to)
		if err != nil {
			return err
		}
		for i := range days {
			on := to.AddDate(0, 0, -i)
			if _, ok := counts[on.Format(dateFormat)]; ok {
				out.Usage = append(out.Usage, counts.details(on))
			}
		}
		return nil
	})
	return out, err
}

func encode(v any) (jsontext.Value, error) {
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

func decode(doc []byte, v any) error {
	if err := json.Unmarshal(doc, v); err != nil {
		return entity.Internal(err)
	}
	return nil
}
