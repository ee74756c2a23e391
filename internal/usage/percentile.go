package usage

import (
	"context"
	"slices"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of one computation.
const (
	maxUsed   = 1_000_000 // entities used on one day
	rankBatch = 500       // entities written in one transaction
)

// Rank compares the usage of all entities of a type that were used on a day:
// the percentile rank of one is the share of the others that were used less.
func (s *Service) Rank(ctx context.Context, by entity.Principal, typ, date string) error {
	t, err := s.typeOf(typ)
	if err != nil {
		return err
	}
	on, err := s.parseDate(date)
	if err != nil {
		return err
	}
	if err := s.engine.Authorize(ctx, by, t.Name, policy.EditUsage); err != nil {
		return err
	}
	sums, err := s.sums(ctx, typ, on)
	if err != nil {
		return err
	}
	ranks := ranksOf(sums)
	owners := make([]string, 0, len(ranks))
	for owner := range ranks {
		owners = append(owners, owner)
	}
	slices.Sort(owners)
	for batch := range slices.Chunk(owners, rankBatch) {
		if err := s.writeRanks(ctx, by, on, batch, ranks); err != nil {
			return err
		}
	}
	return nil
}

// sums returns the daily, weekly and monthly counts of all entities that were
// used on the day. Days are read one after the other, so that only the sums are
// held.
func (s *Service) sums(ctx context.Context, typ string, on time.Time) (map[string][3]int64, error) {
	sums := map[string][3]int64{}
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		for i := range month {
			at := on.AddDate(0, 0, -i).UnixMilli()
			records, err := r.Records(ctx, store.RecordQuery{Kind: recordKind(typ), Any: true, From: at, To: at, Order: store.OldestFirst, Limit: maxUsed})
			if err != nil {
				return err
			}
			for _, rec := range records {
				sum, used := sums[rec.Owner]
				if i > 0 && !used {
					continue
				}
				var d day
				if err := decode(rec.Doc, &d); err != nil {
					return err
				}
				if i == 0 {
					sum[0] = d.Count
				}
				if i < week {
					sum[1] += d.Count
				}
				sum[2] += d.Count
				sums[rec.Owner] = sum
			}
		}
		return nil
	})
	return sums, err
}

// ranksOf turns counts into percentile ranks, each kind for itself.
func ranksOf(sums map[string][3]int64) map[string][3]float64 {
	ranks := make(map[string][3]float64, len(sums))
	for span := range 3 {
		counts := make([]int64, 0, len(sums))
		for _, sum := range sums {
			counts = append(counts, sum[span])
		}
		slices.Sort(counts)
		for owner, sum := range sums {
			less, _ := slices.BinarySearch(counts, sum[span])
			rank := ranks[owner]
			if len(counts) > 1 {
				rank[span] = 100 * float64(less) / float64(len(counts)-1)
			}
			ranks[owner] = rank
		}
	}
	return ranks
}

// writeRanks stores the ranks that changed and announces their entities.
func (s *Service) writeRanks(ctx context.Context, by entity.Principal, on time.Time, owners []string, ranks map[string][3]float64) error {
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		ids := make([]entity.ID, 0, len(owners))
		for _, owner := range owners {
			id, err := entity.ParseID(owner)
			if err != nil {
				return entity.Internal(err)
			}
			ids = append(ids, id)
		}
		rows, err := tx.Entities(ctx, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := s.writeRank(ctx, tx, by, row, on, ranks[row.ID.String()]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) writeRank(ctx context.Context, tx store.Tx, by entity.Principal, row store.Row, on time.Time, ranks [3]float64) error {
	owner := row.ID.String()
	days, err := readDays(ctx, tx, row.Type, owner, time.Time{})
	if err != nil {
		return err
	}
	key := on.Format(dateFormat)
	d, ok := days[key]
	if !ok || d.Ranks == ranks {
		return nil
	}
	d.Ranks = ranks
	days[key] = d
	if err := putDay(ctx, tx, row.Type, owner, on, d); err != nil {
		return err
	}
	change, err := s.summarize(ctx, tx, row, days)
	if err != nil {
		return err
	}
	return s.engine.Touch(ctx, tx, by, row, change)
}
