package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// statements counts what a call costs.
func statements(t *testing.T, call func(ctx context.Context) error) int64 {
	t.Helper()
	ctx, counted := store.WithStatements(t.Context())
	if err := call(ctx); err != nil {
		t.Fatal(err)
	}
	return counted.Count()
}

// fill makes tables with an owner and tagged columns.
func (b *bed) fill(from, to int) {
	b.t.Helper()
	const label = `"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
	var rows [][]byte
	for i := from; i < to; i++ {
		rows = append(rows, []byte(tableRequest(fmt.Sprintf("t%03d", i), label+`,"owners":[`+refJSON(b.plain.UserID, "user")+`],`,
			`{"name":"a","dataType":"INT",`+label+`},{"name":"b","dataType":"INT"}`)))
	}
	body := append([]byte("["), append(bytes.Join(rows, []byte(",")), ']')...)
	result, err := b.e.Bulk(b.t.Context(), b.bot, b.typ("table"), body, func(error) int { return 400 })
	if err != nil || result.NumberOfRowsFailed != 0 {
		b.t.Fatalf("%d rows failed, %v: %v", result.NumberOfRowsFailed, err, result.FailedRequest)
	}
}

// TestListsCostTheSameWhateverTheirLength fails when a list looks things up one
// by one.
func TestListsCostTheSameWhateverTheirLength(t *testing.T) {
	b := tableBed(t)
	b.fill(0, 150)
	for _, names := range []string{"", "columns,owners,tags", "owners,tags,domains,followers,votes,dataProducts,usageSummary,joins,testSuite", "*"} {
		cost := map[int]int64{}
		for _, limit := range []int{1, 10, 100} { // the first warms the database's own caches
			e := b.fresh() // with empty caches: the worst case
			typ := b.typ("table")
			fields, err := e.ParseFields(typ, names)
			if err != nil {
				t.Fatal(err)
			}
			cost[limit] = statements(t, func(ctx context.Context) error {
				page, err := e.List(ctx, b.admin, typ, engine.ListRequest{Limit: limit, View: engine.View{Fields: fields}})
				if err == nil && len(page.Items) != limit {
					return fmt.Errorf("%d tables instead of %d", len(page.Items), limit)
				}
				return err
			})
		}
		if cost[10] != cost[100] || cost[100] == 0 || cost[100] > 25 {
			t.Errorf("fields=%q: %d statements for 10 tables, %d for 100", names, cost[10], cost[100])
		}
		t.Logf("fields=%q: %d statements", names, cost[100])
	}
}

// TestCostOfSingleCalls pins how many statements a call runs once the caches are
// warm, so that a new look-up on the way does not slip in.
func TestCostOfSingleCalls(t *testing.T) {
	b := tableBed(t)
	b.fill(0, 3)
	typ, sel := b.typ("table"), engine.ByFQN("svc.db.sales.t001")
	id := b.get(b.admin, "table", "svc.db.sales.t001", "").ID
	fields, err := b.e.ParseFields(typ, "columns,owners,tags")
	if err != nil {
		t.Fatal(err)
	}
	get := func(ctx context.Context) error {
		_, _, err := b.e.GetJSON(ctx, b.plain, typ, sel, engine.View{Fields: fields})
		return err
	}
	put := func(n int) func(context.Context) error {
		return func(ctx context.Context) error {
			body := tableRequest("t001", fmt.Sprintf(`"retentionPeriod":"P%dD",`, n), `{"name":"a","dataType":"INT"},{"name":"b","dataType":"INT"}`)
			_, err := b.e.Put(ctx, b.bot, typ, []byte(body), engine.View{})
			return err
		}
	}
	patch := func(n int) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.e.Patch(ctx, b.admin, typ, engine.ByID(id), []byte(fmt.Sprintf(`[{"op":"add","path":"/description","value":"%d"}]`, n)), 0, engine.View{})
			return err
		}
	}
	for _, warm := range []func(context.Context) error{get, put(1), patch(1)} {
		statements(t, warm)
	}
	for _, c := range []struct {
		name string
		call func(context.Context) error
		most int64
	}{
		{"GET after a write", get, 12}, {"GET again", get, 0},
		{"PUT that changes", put(2), 16}, {"PUT that does not", put(2), 8}, {"PATCH", patch(2), 20},
	} {
		if got := statements(t, c.call); got > c.most {
			t.Errorf("%s runs %d statements, more than %d", c.name, got, c.most)
		} else {
			t.Logf("%s: %d statements", c.name, got)
		}
	}
}

func TestBulkWithOneBadRow(t *testing.T) {
	b := tableBed(t)
	b.create("table", tableRequest("old", "", idColumn))
	body := "[" + tableRequest("old", `"description":"new text",`, idColumn) + "," + tableRequest("new", "", idColumn) + "," +
		tableRequest("bad", `"frobnicate":1,`, idColumn) + `,{"name":"lost","columns":[],"databaseSchema":"svc.db.none"}]`
	got, err := b.e.Bulk(t.Context(), b.bot, b.typ("table"), []byte(body), func(error) int { return 400 })
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != "partialSuccess" || got.NumberOfRowsProcessed != 4 || got.NumberOfRowsPassed != 2 || got.NumberOfRowsFailed != 2 {
		t.Errorf("%+v", got)
	}
	for _, row := range got.SuccessRequest {
		if row.Status != 200 && row.Status != 201 {
			t.Errorf("a good row has status %d", row.Status)
		}
	}
	for i, part := range []string{"frobnicate", "databaseSchema instance for svc.db.none not found"} {
		if row := got.FailedRequest[i]; row.Status != 400 || !bytes.Contains([]byte(row.Message), []byte(part)) {
			t.Errorf("bad row %d: %d %s", i, row.Status, row.Message)
		}
	}
	b.get(b.admin, "table", "svc.db.sales.new", "")
	if old := b.get(b.admin, "table", "svc.db.sales.old", ""); old.Version.String() != "0.2" {
		t.Errorf("the good row left version %s", old.Version)
	}
	for _, bad := range []string{`{}`, `[`, `null`, `"x"`} {
		if _, err := b.e.Bulk(t.Context(), b.bot, b.typ("table"), []byte(bad), func(error) int { return 400 }); err == nil {
			t.Errorf("a bulk of %s is accepted", bad)
		}
	}
}
