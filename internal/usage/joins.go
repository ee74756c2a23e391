package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Joins say how often a table's columns were joined with others, in the days
// from a date on.
type Joins struct {
	StartDate string        `json:"startDate,omitzero"`
	DayCount  int           `json:"dayCount,omitzero"`
	Columns   []ColumnJoins `json:"columnJoins,omitzero"`
	Tables    []JoinedWith  `json:"directTableJoins,omitzero"`
}

// ColumnJoins are the joins of one column.
type ColumnJoins struct {
	Column string       `json:"columnName"`
	With   []JoinedWith `json:"joinedWith"`
}

// JoinedWith is a column or table and how often it was joined.
type JoinedWith struct {
	FQN   string `json:"fullyQualifiedName"`
	Count int64  `json:"joinCount"`
}

// Joins are kept by day, under dayKind; joinsField shows their sum.
const (
	dayKind    = "joins.table"
	joinsField = "joins"
	maxJoins   = 10_000
	tableParts = 4 // of the FQN of a table
)

// pairs are counts by column and what it was joined with; the column is "" for
// joins of whole tables.
type pairs map[[2]string]int64

func (j *Joins) pairs() pairs {
	p := pairs{}
	for _, column := range j.Columns {
		for _, with := range column.With {
			p[[2]string{column.Column, with.FQN}] += with.Count
		}
	}
	for _, with := range j.Tables {
		p[[2]string{"", with.FQN}] += with.Count
	}
	return p
}

// joins lists the pairs, those joined most often first.
func (p pairs) joins() Joins {
	var out Joins
	byColumn := map[string][]JoinedWith{}
	for key, count := range p {
		byColumn[key[0]] = append(byColumn[key[0]], JoinedWith{FQN: key[1], Count: count})
	}
	for column, with := range byColumn {
		slices.SortFunc(with, func(a, b JoinedWith) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.FQN, b.FQN))
		})
		if column == "" {
			out.Tables = with
		} else {
			out.Columns = append(out.Columns, ColumnJoins{Column: column, With: with})
		}
	}
	slices.SortFunc(out.Columns, func(a, b ColumnJoins) int { return strings.Compare(a.Column, b.Column) })
	return out
}

// RecordJoins keeps the joins of one day; pairs that were reported for the day
// before get the new count. The sum over the last month is shown with the table.
func (s *Service) RecordJoins(ctx context.Context, by entity.Principal, sel engine.Selector, joins Joins) error {
	t, ok := s.engine.Registry().ByName("table")
	if !ok {
		return entity.BadRequest("there are no tables")
	}
	on, err := s.joinDate(joins)
	if err != nil {
		return err
	}
	given := joins.pairs()
	if len(given) > maxJoins {
		return entity.BadRequest("at most %d joins can be reported at once", maxJoins)
	}
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		row, err := s.engine.RowFor(ctx, tx, by, t, sel, policy.EditAll)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(t.Name, sel.String())
		}
		if err := s.checkJoins(ctx, tx, t, row, given); err != nil {
			return err
		}
		if err := mergeDay(ctx, tx, row.ID.String(), on, given); err != nil {
			return err
		}
		change, err := s.sumJoins(ctx, tx, row)
		if err != nil {
			return err
		}
		return s.engine.Touch(ctx, tx, by, row, change)
	})
}

// joinDate returns the day of a report, which must be in the last month.
func (s *Service) joinDate(joins Joins) (time.Time, error) {
	on, err := s.parseDate(joins.StartDate)
	if err != nil {
		return on, err
	}
	age := s.clock().UTC().Sub(on)
	if age >= month*24*time.Hour || age < -24*time.Hour || joins.DayCount < 0 || joins.DayCount > month {
		return on, entity.BadRequest("joins can be reported for the last %d days only", month)
	}
	return on, nil
}

// checkJoins refuses columns that the table does not have, and tables that do
// not exist.
func (s *Service) checkJoins(ctx context.Context, r store.Reader, t *registry.Type, row store.Row, given pairs) error {
	names, err := s.engine.PartNames(t, row)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for key, count := range given {
		if count < 0 {
			return entity.BadRequest("[joinCount must be greater than or equal to 0]")
		}
		if key[0] != "" && !names[row.FQN+"."+entity.QuoteName(key[0])] && !names[row.FQN+"."+key[0]] {
			return entity.BadRequest("Invalid column name %s", entity.Shorten(key[0], 200))
		}
		parts, err := entity.SplitFQN(key[1])
		if err != nil {
			return err
		}
		if len(parts) < tableParts {
			return entity.BadRequest("%s is not the name of a table or column", entity.Shorten(key[1], 200))
		}
		wanted[entity.CanonicalFQN(strings.Join(parts[:tableParts], "."))] = true
	}
	keys := make([]store.Key, 0, len(wanted))
	for fqn := range wanted {
		keys = append(keys, store.Key{Type: t.Name, FQN: fqn})
	}
	rows, err := r.EntitiesByFQN(ctx, keys)
	if err != nil {
		return err
	}
	for _, found := range rows {
		delete(wanted, found.FQN)
	}
	for missing := range wanted {
		return entity.NotFound(t.Name, missing)
	}
	return nil
}

// mergeDay puts the pairs into the record of a day.
func mergeDay(ctx context.Context, tx store.Tx, owner string, on time.Time, given pairs) error {
	key := on.Format(dateFormat)
	var kept Joins
	rec, err := tx.Record(ctx, dayKind, owner, key)
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	if err == nil {
		if err := decode(rec.Doc, &kept); err != nil {
			return err
		}
	}
	all := kept.pairs()
	for pair, count := range given {
		all[pair] = count
	}
	doc, err := encode(all.joins())
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: dayKind, Owner: owner, Key: key, At: on.UnixMilli(), Doc: doc})
}

// sumJoins writes the sum of the last month and forgets older days.
func (s *Service) sumJoins(ctx context.Context, tx store.Tx, row store.Row) (*entity.ChangeDescription, error) {
	owner := row.ID.String()
	start := s.clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-month)
	if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: dayKind, Owner: owner, To: start.UnixMilli() - 1}); err != nil {
		return nil, err
	}
	records, err := tx.Records(ctx, store.RecordQuery{Kind: dayKind, Owner: owner})
	if err != nil {
		return nil, err
	}
	sum := pairs{}
	for _, rec := range records {
		var d Joins
		if err := decode(rec.Doc, &d); err != nil {
			return nil, err
		}
		for pair, count := range d.pairs() {
			sum[pair] += count
		}
	}
	shown := sum.joins()
	shown.StartDate, shown.DayCount = start.Format(dateFormat), month
	doc, err := encode(shown)
	if err != nil {
		return nil, err
	}
	rec := store.Record{Kind: engine.RecordKind(row.Type, joinsField), Owner: owner, At: s.clock().UnixMilli(), Doc: doc}
	return updated(joinsField, nil, doc), tx.PutRecord(ctx, rec)
}
