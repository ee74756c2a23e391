package usage

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Cost is what the runs of a query cost at one time.
type Cost struct {
	ID            entity.ID  `json:"id"`
	Timestamp     int64      `json:"timestamp"`
	Query         entity.Ref `json:"queryReference"`
	Cost          float64    `json:"cost"`
	Count         float64    `json:"count"`
	TotalDuration float64    `json:"totalDuration"`
	JSONSchema    string     `json:"jsonSchema,omitzero"`
	UpdatedAt     int64      `json:"updatedAt,omitzero"`
	UpdatedBy     entity.Ref `json:"updatedBy,omitzero"`
}

// CostKind is the kind of the records that hold costs, owned by the query.
const CostKind = "queryCostRecord"

const (
	costSchema = "api/data/createQueryCostRecord.json"
	costType   = "queryCostRecord"
)

// RecordCost keeps a cost. A second one of the same query and time is an error
// of entity.KindConflict.
func (s *Service) RecordCost(ctx context.Context, by entity.Principal, body []byte, base string) (Cost, error) {
	if err := s.engine.Validate(costSchema, body); err != nil {
		return Cost{}, err
	}
	var cost Cost
	if err := json.Unmarshal(body, &cost); err != nil {
		return Cost{}, entity.BadRequest("the cost cannot be read: a value has another type than expected")
	}
	if cost.Cost < 0 || cost.Count < 0 || cost.TotalDuration < 0 {
		return Cost{}, entity.BadRequest("cost, count and totalDuration must not be negative")
	}
	t, ok := s.engine.Registry().ByName("query")
	if !ok {
		return Cost{}, entity.BadRequest("there are no queries")
	}
	sel := engine.ByID(cost.Query.ID)
	cost.ID, cost.UpdatedAt = entity.NewID(), s.clock().UnixMilli()
	err := s.engine.Store().Update(ctx, func(tx store.Tx) error {
		row, err := s.engine.RowFor(ctx, tx, by, t, sel, policy.EditAll)
		if err != nil {
			return err
		}
		q := store.RecordQuery{Kind: CostKind, Owner: row.ID.String(), From: cost.Timestamp, To: cost.Timestamp, Limit: 1}
		n, err := tx.CountRecords(ctx, q)
		if err != nil {
			return err
		}
		if n > 0 {
			return entity.Conflict("Entity already exists")
		}
		cost.Query = entity.Ref{ID: row.ID, Type: row.Type}
		cost.UpdatedBy = entity.Ref{ID: by.UserID, Type: "user"}
		doc, err := encode(cost)
		if err != nil {
			return err
		}
		return tx.PutRecord(ctx, store.Record{Kind: CostKind, Owner: row.ID.String(), Key: cost.ID.String(), At: cost.Timestamp, Doc: doc})
	})
	if err != nil {
		return Cost{}, err
	}
	err = s.engine.Store().View(ctx, func(r store.Reader) error { return s.nameCost(ctx, r, &cost, base) })
	return cost, err
}

// nameCost gives the references of a cost their names.
func (s *Service) nameCost(ctx context.Context, r store.Reader, cost *Cost, base string) error {
	refs, err := s.engine.References(ctx, r, []entity.ID{cost.Query.ID, cost.UpdatedBy.ID}, base)
	if err != nil {
		return err
	}
	for _, ref := range []*entity.Ref{&cost.Query, &cost.UpdatedBy} {
		if full, ok := refs[ref.ID]; ok {
			*ref = full
		}
	}
	return nil
}

// Cost returns one cost by its id.
func (s *Service) Cost(ctx context.Context, by entity.Principal, id entity.ID, base string) (Cost, error) {
	var cost Cost
	sight, err := s.engine.Sight(ctx, by, "query", policy.ViewAll)
	if err == nil && sight.Kind == policy.FilterNone {
		err = s.engine.Authorize(ctx, by, "query", policy.ViewAll)
	}
	if err != nil {
		return cost, err
	}
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		// Records are ordered by key: an id is among the first that follow its own
		// beginning, with those that differ in the last digit only.
		key := id.String()
		records, err := r.Records(ctx, store.RecordQuery{Kind: CostKind, Any: true, After: key[:len(key)-1], Limit: 16})
		if err != nil {
			return err
		}
		for _, rec := range records {
			if rec.Key != key {
				continue
			}
			if err := decode(rec.Doc, &cost); err != nil {
				return err
			}
			viewer := s.engine.Viewer(by, policy.ViewAll)
			if err := viewer.Look(ctx, r, entity.Ref{ID: cost.Query.ID, Type: "query"}); err != nil {
				return err
			}
			if !viewer.Sees(cost.Query.ID) {
				return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} operations [ViewAll] not allowed on the query that the cost is of.", by.Name)
			}
			return s.nameCost(ctx, r, &cost, base)
		}
		return entity.NotFound(costType, key)
	})
	return cost, err
}
