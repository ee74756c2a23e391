//go:build acceptance

package acceptance

import (
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// columnShape is what the source says of a column.
type columnShape struct{ Name, Type, Constraint string }

func shapes(t table) []columnShape {
	var found []columnShape
	for _, c := range t.Columns {
		found = append(found, columnShape{c.Name, c.DataType, c.Constraint})
	}
	return found
}

func TestHealthAndVersion(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	c.script(t, "health.py")
}

// TestSQLite ingests a SQLite file again and again while the file and the
// catalog change: the client must find its way each time, write only what
// changed, and nothing of what people wrote may get lost.
func TestSQLite(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	file := filepath.Join(c.work, "shop.db")
	sqliteExec(t, file, fixture(t, "shop_sqlite.sql"))
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "sqlite.yaml", map[string]any{"File": file})
	}
	const schema = "shop_sqlite.default.main"

	first := ingest()
	wantTables := map[string][]columnShape{
		"customers":       {{"id", "INT", "PRIMARY_KEY"}, {"name", "VARCHAR", "NOT_NULL"}, {"email", "VARCHAR", "NOT_NULL"}, {"joined_on", "DATE", "NULL"}},
		"products":        {{"id", "INT", "PRIMARY_KEY"}, {"title", "TEXT", "NOT_NULL"}, {"price", "NUMERIC", "NULL"}, {"in_stock", "BOOLEAN", "NULL"}},
		"orders":          {{"id", "INT", "PRIMARY_KEY"}, {"customer_id", "INT", "NOT_NULL"}, {"product_id", "INT", "NOT_NULL"}, {"quantity", "SMALLINT", "NULL"}, {"ordered_at", "TIMESTAMP", "NULL"}},
		"customer_orders": {{"name", "VARCHAR", "NULL"}, {"quantity", "SMALLINT", "NULL"}},
	}
	found := map[string][]columnShape{}
	for _, listed := range list[table](bot, "tables", "databaseSchema="+schema) {
		found[listed.Name] = shapes(bot.table(listed.FullyQualifiedName))
	}
	if diff := cmp.Diff(wantTables, found); diff != "" {
		t.Errorf("tables after the first run (-want +got):\n%s", diff)
	}
	c.assertServed(t, first)
	if got := bot.table(schema + ".customer_orders"); got.TableType != "View" || got.SchemaDefinition == "" {
		t.Errorf("the view is a %q with definition %q", got.TableType, got.SchemaDefinition)
	}
	if got := bot.table(schema + ".customers"); got.Service.Name != "shop_sqlite" || got.Database.FullyQualifiedName != "shop_sqlite.default" || got.DatabaseSchema.FullyQualifiedName != schema {
		t.Errorf("the table's parents are %+v, %+v, %+v", got.Service, got.Database, got.DatabaseSchema)
	}

	// The referred tables are found by search now, so the keys are written, and
	// nothing else.
	before := bot.versions("shop_sqlite")
	second := ingest()
	if got := changed(before, bot.versions("shop_sqlite")); !slices.Equal(got, []string{"tables " + schema + ".orders"}) {
		t.Errorf("the second run changed %v, want orders alone", got)
	}
	if got := len(writes(second.exchanges)); got != 1 {
		t.Errorf("the second run wrote %v", writes(second.exchanges))
	}
	wantKeys := []constraint{
		{"FOREIGN_KEY", []string{"customer_id"}, []string{schema + ".customers.id"}},
		{"FOREIGN_KEY", []string{"product_id"}, []string{schema + ".products.id"}},
	}
	if diff := cmp.Diff(wantKeys, sortedKeys(bot.table(schema+".orders"))); diff != "" {
		t.Errorf("foreign keys (-want +got):\n%s", diff)
	}

	before = bot.versions("shop_sqlite")
	third := ingest()
	if got := changed(before, bot.versions("shop_sqlite")); len(got) != 0 {
		t.Errorf("the third run changed %v", got)
	}
	if got := writes(third.exchanges); len(got) != 0 {
		t.Errorf("the third run wrote %v", got)
	}

	// People describe, tag and own; the source gains a column and loses a table.
	edited := c.editTable(t, schema+".customers", "name")
	orders := bot.table(schema + ".orders")
	products := bot.table(schema + ".products")
	sqliteExec(t, file, `
		DROP VIEW customer_orders;
		ALTER TABLE customers ADD COLUMN points INTEGER;
		PRAGMA foreign_keys = off;
		DROP TABLE products;
		CREATE VIEW customer_orders AS SELECT customers.name, orders.quantity
		  FROM orders JOIN customers ON customers.id = orders.customer_id;`)
	ingest()
	after := bot.table(schema + ".customers")
	assertKept(t, edited, after)
	if _, ok := after.column("points"); !ok || len(after.Columns) != 5 {
		t.Errorf("the new column is missing: %+v", shapes(after))
	}
	if got := bot.table(schema + ".products"); !got.Deleted || got.ID != products.ID {
		t.Errorf("the dropped table: id %s deleted=%v, want %s deleted", got.ID, got.Deleted, products.ID)
	}
	if status, _ := bot.exchange(http.MethodGet, "/tables/name/"+url.PathEscape(schema+".products"), nil); status != http.StatusNotFound {
		t.Errorf("the dropped table answers %d, want 404", status)
	}
	if got := bot.table(schema + ".orders"); got.ID != orders.ID || got.Deleted {
		t.Errorf("orders changed its identity: %+v", got)
	}

	// The table comes back as itself.
	sqliteExec(t, file, `CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT NOT NULL, price NUMERIC(10, 2), in_stock BOOLEAN);`)
	ingest()
	if got := bot.table(schema + ".products"); got.Deleted || got.ID != products.ID || len(got.Columns) != 4 {
		t.Errorf("the table came back as %s deleted=%v with %d columns, want %s", got.ID, got.Deleted, len(got.Columns), products.ID)
	}
	assertKept(t, edited, bot.table(schema+".customers"))

	c.metadata(t, "ingest", "sqlite-lineage.yaml", nil)
	wantEdges := map[edge]string{
		{schema + ".orders", schema + ".customer_orders"}:    "ViewLineage",
		{schema + ".customers", schema + ".customer_orders"}: "ViewLineage",
	}
	if diff := cmp.Diff(wantEdges, bot.lineage(schema+".customer_orders", 1), cmp.AllowUnexported(edge{})); diff != "" {
		t.Errorf("lineage of the view (-want +got):\n%s", diff)
	}
}

// changed lists the keys whose values differ.
func changed(before, after map[string]string) []string {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	var found []string
	for key := range keys {
		if before[key] != after[key] {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

// sortedKeys are a table's foreign keys in the order of their columns.
func sortedKeys(t table) []constraint {
	var keys []constraint
	for _, k := range t.TableConstraints {
		if k.ConstraintType == "FOREIGN_KEY" {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b constraint) int { return slices.Compare(a.Columns, b.Columns) })
	return keys
}
