package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// A data contract that expects tests has a logical suite that gathers them, named by
// the contract's id, so that ingestion can run them together. The suite follows the
// contract in its transaction: it comes with the first test and goes with the last,
// or with the contract.

// contractType and suiteType are names in the registry.
const (
	contractType = "dataContract"
	suiteType    = "testSuite"
)

// keepContractSuite brings the suite of a contract in line with the tests that its new
// state expects, whatever the request says about the suite.
func (w *write) keepContractSuite(ctx context.Context) error {
	if w.t.Name != contractType {
		return nil
	}
	ent := w.in.ent
	delete(ent.Rest, suiteType)
	tests, err := refsOf(ent.Rest["qualityExpectations"])
	if err != nil {
		return entity.Internal(err)
	}
	suites, err := contractSuites(ctx, w.tx, ent.ID)
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return w.dropRows(ctx, suites)
	}
	var suite store.Row
	if len(suites) > 0 {
		suite = suites[0]
	} else if suite, err = w.newContractSuite(ctx); err != nil {
		return err
	}
	ent.Rest[suiteType] = mustEncode(entity.Ref{ID: suite.ID, Type: suiteType})
	return w.gather(ctx, suite, tests)
}

// contractSuites are the suites of contracts, by the ids of those.
func contractSuites(ctx context.Context, r store.Reader, contracts ...entity.ID) ([]store.Row, error) {
	keys := make([]store.Key, len(contracts))
	for i, id := range contracts {
		keys[i] = store.Key{Type: suiteType, FQN: entity.QuoteName(id.String())}
	}
	return r.EntitiesByFQN(ctx, keys)
}

func (w *write) newContractSuite(ctx context.Context) (store.Row, error) {
	ent := w.in.ent
	request, err := json.Marshal(map[string]any{
		"name": ent.ID.String(), "displayName": "Data Contract - " + ent.Name, "description": "Tests that the data contract " + ent.Name + " expects.",
	})
	if err != nil {
		return store.Row{}, entity.Internal(err)
	}
	s := w.e.shapes[suiteType]
	in, err := s.parse(request)
	if err != nil {
		return store.Row{}, err
	}
	// Of a new contract there is no row yet: it follows in this transaction.
	in.ent.Rest[contractType] = mustEncode(entity.Ref{ID: ent.ID, Type: contractType})
	suite := &write{e: w.e, s: s, t: s.t, by: w.by, method: methodInternal, in: in, tx: w.tx, look: w.e.newLookup(w.tx, 0, false)}
	if err := suite.createOrUpdate(ctx); err != nil {
		return store.Row{}, err
	}
	return w.tx.Entity(ctx, suite.in.ent.ID)
}

// gather makes a suite hold exactly the tests.
func (w *write) gather(ctx context.Context, suite store.Row, tests []entity.Ref) error {
	have, err := w.tx.RelationsFrom(ctx, []entity.ID{suite.ID}, RelationTests)
	if err != nil {
		return err
	}
	var add, gone []store.Relation
	for _, test := range tests {
		if !slices.ContainsFunc(have, func(rel store.Relation) bool { return rel.To == test.ID }) {
			add = append(add, store.Relation{From: suite.ID, FromType: suiteType, To: test.ID, ToType: test.Type, Kind: RelationTests})
		}
	}
	for _, rel := range have {
		if !slices.ContainsFunc(tests, func(ref entity.Ref) bool { return ref.ID == rel.To }) {
			gone = append(gone, rel)
		}
	}
	if len(add)+len(gone) == 0 {
		return nil
	}
	if err := w.tx.Relate(ctx, add...); err != nil {
		return err
	}
	if err := w.tx.Unrelate(ctx, gone...); err != nil {
		return err
	}
	return w.e.Touch(ctx, w.tx, w.by, suite, &entity.ChangeDescription{
		FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{{Name: RelationTests}}, FieldsDeleted: []entity.FieldChange{}, PreviousVersion: suite.Version,
	})
}

// dropRows deletes rows for good, with an event each.
func (w *write) dropRows(ctx context.Context, rows []store.Row) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]entity.ID, len(rows))
	events := make([]store.Event, len(rows))
	for i, row := range rows {
		ids[i], events[i] = row.ID, w.deletion(row)
	}
	if err := w.tx.Delete(ctx, ids); err != nil {
		return err
	}
	return w.tx.AppendEvent(ctx, events...)
}

// dropContractSuites deletes the suites of the contracts among rows that go for good.
func (w *write) dropContractSuites(ctx context.Context, rows ...store.Row) error {
	var contracts []entity.ID
	for _, row := range rows {
		if row.Type == contractType {
			contracts = append(contracts, row.ID)
		}
	}
	if len(contracts) == 0 {
		return nil
	}
	suites, err := contractSuites(ctx, w.tx, contracts...)
	if err != nil {
		return err
	}
	return w.dropRows(ctx, suites)
}
