//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shop is the PostgreSQL source under ingestion: the parts of TestPostgres share it.
type shop struct {
	*catalpa
	source *postgres
	bot    *api
	edited table // sales.customers as people left it
}

const (
	shopRun   = "11111111-2222-4333-8444-555555555555"
	shopSales = "shop_pg.shop.sales"
)

// TestPostgres takes a PostgreSQL database through everything the ingestion
// client does with one. The parts build on each other, so the first failing one
// ends the test.
func TestPostgres(t *testing.T) {
	t.Parallel()
	s := &shop{source: startPostgres(t), catalpa: startCatalpa(t)}
	s.bot = s.asBot()
	s.source.exec("postgres", "CREATE ROLE om LOGIN PASSWORD '"+sourcePassword+"'; CREATE DATABASE shop;")
	s.source.exec("shop", fixture(t, "shop_postgres.sql"))
	// Owners are looked up by the name of the database's role.
	s.bot.send(http.MethodPut, "/users", map[string]any{"name": "om", "email": "om@example.com"}, nil, http.StatusOK, http.StatusCreated)

	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"ingest", s.ingest},
		{"secrets", s.secrets},
		{"ingest again", s.ingestAgain},
		{"lineage", s.lineageOfQueries},
		{"profile", s.profile},
		{"sample data", s.sampleData},
		{"usage", s.usage},
		{"quality", s.quality},
		{"quality from code", s.qualityFromCode},
		{"dbt", s.dbt},
		{"nothing lost", s.nothingLost},
	} {
		passed := t.Run(part.name, func(t *testing.T) {
			outer := s.t
			s.reportTo(t)
			defer s.reportTo(outer)
			part.run(t)
		})
		if !passed {
			t.FailNow()
		}
	}
}

// reportTo makes everything that is shared fail the given test.
func (s *shop) reportTo(t *testing.T) {
	s.t, s.bot.t, s.source.t = t, t, t
}

func (s *shop) runIngest(t *testing.T, runID string) workflow {
	t.Helper()
	return s.metadata(t, "ingest", "postgres.yaml", map[string]any{
		"Port": s.source.port, "Password": sourcePassword, "RunID": runID,
	})
}

func (s *shop) ingest(t *testing.T) {
	run := s.runIngest(t, shopRun)
	s.assertServed(t, run)

	wantTables := map[string]string{
		"sales.customers": "Regular", "sales.products": "Regular", "sales.orders": "Regular",
		"sales.order_items": "Regular", `sales."odd.table"`: "Regular", "sales.returns": "Regular",
		"sales.order_totals": "View", "analytics.top_customers": "View", // so the client calls it
		"analytics.daily_orders": "Regular",
	}
	found := map[string]string{}
	for _, got := range list[table](s.bot, "tables", "database=shop_pg.shop") {
		found[strings.TrimPrefix(got.FullyQualifiedName, "shop_pg.shop.")] = got.TableType
	}
	delete(found, "public.pg_stat_statements")
	delete(found, "public.pg_stat_statements_info")
	if diff := cmp.Diff(wantTables, found); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}

	wantColumns := map[string][]columnShape{
		"customers": {
			{"id", "INT", "PRIMARY_KEY"}, {"name", "VARCHAR", "NOT_NULL"}, {"email", "VARCHAR", "UNIQUE"},
			{"phone", "TEXT", "NULL"}, {"balance", "NUMERIC", "NULL"}, {"preferences", "JSON", "NULL"},
			{"labels", "ARRAY", "NULL"}, {"joined_at", "TIMESTAMP", "NOT_NULL"},
		},
		"products": {
			{"id", "BIGINT", "PRIMARY_KEY"}, {"title", "TEXT", "NOT_NULL"}, {"weight", "DOUBLE", "NULL"},
			{"picture", "BYTEA", "NULL"}, {"in_stock", "BOOLEAN", "NULL"},
		},
		"orders": {
			{"id", "BIGINT", "PRIMARY_KEY"}, {"customer_id", "INT", "NOT_NULL"}, {"ordered_on", "DATE", "NOT_NULL"},
			{"shipping_id", "UUID", "NULL"},
		},
	}
	for name, want := range wantColumns {
		if diff := cmp.Diff(want, shapes(s.bot.table(shopSales+"."+name))); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", name, diff)
		}
	}
	s.assertDetails(t)
	s.assertPipelineRun(t)
}

// assertDetails looks at what only some tables have.
func (s *shop) assertDetails(t *testing.T) {
	t.Helper()
	customers := s.bot.table(shopSales + ".customers")
	if customers.Description != "People who bought at least once" {
		t.Errorf("the comment became %q", customers.Description)
	}
	if email, _ := customers.column("email"); email.Description != "Where the receipt goes" || email.DataLength != 120 {
		t.Errorf("the column became %+v", email)
	}
	if balance, _ := customers.column("balance"); balance.Precision != 12 || balance.Scale != 2 {
		t.Errorf("numeric(12,2) became %+v", balance)
	}
	if len(customers.Owners) != 1 || customers.Owners[0].Name != "om" || customers.Owners[0].Type != "user" {
		t.Errorf("the owner became %+v, want the user om", customers.Owners)
	}
	if schema := s.bot.entity("databaseSchemas", shopSales); schema.Description != "What the shop sells, and to whom" {
		t.Errorf("the schema's comment became %q", schema.Description)
	}
	items := s.bot.table(shopSales + ".order_items")
	var primary []string
	for _, k := range items.TableConstraints {
		if k.ConstraintType == "PRIMARY_KEY" {
			primary = k.Columns
		}
	}
	if diff := cmp.Diff([]string{"order_id", "line"}, primary); diff != "" {
		t.Errorf("the key over two columns (-want +got):\n%s", diff)
	}
	odd := s.bot.table(shopSales + `."odd.table"`)
	if odd.Name != "odd.table" || len(odd.Columns) != 3 {
		t.Fatalf("the table with a dot became %q with %d columns", odd.Name, len(odd.Columns))
	}
	if got := odd.Columns[1].Name; strings.ReplaceAll(got, "__reserved__quote__", `"`) != `width "inches"` {
		t.Errorf("the column with quotes became %q", got)
	}
	if got := odd.Columns[2]; got.Name != "Größe" || got.DataType != "CHAR" || got.DataLength != 4 {
		t.Errorf("the column beyond ASCII became %+v", got)
	}
	view := s.bot.table(shopSales + ".order_totals")
	if !strings.Contains(view.SchemaDefinition, "sum(i.quantity)") {
		t.Errorf("the view's definition became %q", view.SchemaDefinition)
	}
	routines := map[string]string{}
	for _, r := range list[struct {
		Name string `json:"name"`
		Code struct {
			Code string `json:"code"`
		} `json:"storedProcedureCode"`
	}](s.bot, "storedProcedures", "databaseSchema="+shopSales) {
		routines[r.Name] = r.Code.Code
	}
	if len(routines) != 2 || !strings.Contains(routines["forget_returns"], "DELETE FROM sales.returns") || !strings.Contains(routines["order_count"], "count(*)") {
		t.Errorf("the routines became %v", routines)
	}
}

// assertPipelineRun checks the status and the log that the run reported.
func (s *shop) assertPipelineRun(t *testing.T) {
	t.Helper()
	var pipeline struct {
		ID           string    `json:"id"`
		PipelineType string    `json:"pipelineType"`
		Service      reference `json:"service"`
	}
	s.bot.get("/services/ingestionPipelines/name/shop_pg.nightly?fields=*", &pipeline)
	if pipeline.PipelineType != "metadata" || pipeline.Service.Name != "shop_pg" {
		t.Errorf("the pipeline became %+v", pipeline)
	}
	var status struct {
		RunID         string `json:"runId"`
		PipelineState string `json:"pipelineState"`
		StartDate     int64  `json:"startDate"`
		Status        []struct {
			Name    string `json:"name"`
			Records int    `json:"records"`
			Errors  int    `json:"errors"`
		} `json:"status"`
	}
	s.bot.get("/services/ingestionPipelines/shop_pg.nightly/pipelineStatus/"+shopRun, &status)
	if status.RunID != shopRun || status.PipelineState != "success" || len(status.Status) != 2 || status.Status[0].Records == 0 {
		t.Errorf("the run's status became %+v", status)
	}
	var history page[struct {
		RunID string `json:"runId"`
	}]
	s.bot.get(fmt.Sprintf("/services/ingestionPipelines/shop_pg.nightly/pipelineStatus?startTs=%d&endTs=%d",
		status.StartDate-60_000, time.Now().UnixMilli()), &history)
	if len(history.Data) != 1 || history.Data[0].RunID != shopRun {
		t.Errorf("the history of runs is %+v", history.Data)
	}
	code, log := s.bot.exchange(http.MethodGet, "/services/ingestionPipelines/logs/shop_pg.nightly/"+shopRun, nil)
	if code != http.StatusOK || !strings.Contains(string(log), "Ingesting from database: shop") {
		t.Errorf("the run's log: status %d, %s", code, clip(log))
	}
}

// secrets checks who sees the source's password: the bot must, nobody else may.
func (s *shop) secrets(t *testing.T) {
	const path = "/services/databaseServices/name/shop_pg?fields=*"
	_, seen := s.bot.exchange(http.MethodGet, path, nil)
	if !strings.Contains(string(seen), sourcePassword) {
		t.Errorf("the bot does not see the password: %s", clip(seen))
	}
	_, seen = s.admin().exchange(http.MethodGet, path, nil)
	if strings.Contains(string(seen), sourcePassword) {
		t.Error("the administrator sees the password")
	}
	err := filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), sourcePassword) {
			t.Errorf("the password lies in clear in %s", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// ingestAgain runs once more after people and the source changed things.
func (s *shop) ingestAgain(t *testing.T) {
	s.edited = s.editTable(t, shopSales+".customers", "name")
	returns := s.bot.table(shopSales + ".returns")
	s.source.execAsSource("shop", `
		ALTER TABLE sales.orders ADD COLUMN note text;
		COMMENT ON COLUMN sales.orders.note IS 'What the customer asked for';
		DROP TABLE sales.returns;
		CREATE TABLE sales.suppliers (id integer PRIMARY KEY, name text);
		COMMENT ON TABLE sales.customers IS 'A comment that must not replace what people wrote';
		ANALYZE sales.customers;`)
	s.buildDBT(t)
	s.runIngest(t, "")

	assertKept(t, s.edited, s.bot.table(shopSales+".customers"))
	orders := s.bot.table(shopSales + ".orders")
	if note, ok := orders.column("note"); !ok || note.DataType != "TEXT" || note.Description != "What the customer asked for" {
		t.Errorf("the new column became %+v", note)
	}
	wantKeys := []constraint{{"FOREIGN_KEY", []string{"customer_id"}, []string{shopSales + ".customers.id"}}}
	if diff := cmp.Diff(wantKeys, sortedKeys(orders)); diff != "" {
		t.Errorf("foreign keys of orders (-want +got):\n%s", diff)
	}
	wantKeys = []constraint{
		{"FOREIGN_KEY", []string{"order_id"}, []string{shopSales + ".orders.id"}},
		{"FOREIGN_KEY", []string{"product_id"}, []string{shopSales + ".products.id"}},
	}
	if diff := cmp.Diff(wantKeys, sortedKeys(s.bot.table(shopSales+".order_items"))); diff != "" {
		t.Errorf("foreign keys of order_items (-want +got):\n%s", diff)
	}
	if got := s.bot.table(shopSales + ".returns"); !got.Deleted || got.ID != returns.ID {
		t.Errorf("the dropped table: deleted=%v", got.Deleted)
	}
	if got := s.bot.table(shopSales + ".suppliers"); got.Deleted || len(got.Columns) != 2 {
		t.Errorf("the new table became %+v", got)
	}
	if got := s.bot.table("shop_pg.shop.mart.customer_orders"); got.TableType != "Regular" {
		t.Errorf("the mart's table became %+v", got)
	}
}

func (s *shop) lineageOfQueries(t *testing.T) {
	s.source.execAsSource("shop", `INSERT INTO analytics.daily_orders (day, orders)
		SELECT ordered_on, count(*) FROM sales.orders GROUP BY ordered_on;`)
	s.metadata(t, "ingest", "lineage.yaml", nil)

	for target, want := range map[string]map[edge]string{
		shopSales + ".order_totals": {
			{shopSales + ".orders", shopSales + ".order_totals"}:      "ViewLineage",
			{shopSales + ".customers", shopSales + ".order_totals"}:   "ViewLineage",
			{shopSales + ".order_items", shopSales + ".order_totals"}: "ViewLineage",
		},
		"shop_pg.shop.analytics.top_customers": {
			{shopSales + ".customers", "shop_pg.shop.analytics.top_customers"}: "ViewLineage",
		},
		"shop_pg.shop.analytics.daily_orders": {
			{shopSales + ".orders", "shop_pg.shop.analytics.daily_orders"}: "QueryLineage",
		},
	} {
		if diff := cmp.Diff(want, s.bot.lineage(target, 0), cmp.AllowUnexported(edge{})); diff != "" {
			t.Errorf("lineage of %s (-want +got):\n%s", target, diff)
		}
	}
	var columns struct {
		Edge struct {
			ColumnsLineage []struct {
				FromColumns []string `json:"fromColumns"`
				ToColumn    string   `json:"toColumn"`
			} `json:"columnsLineage"`
		} `json:"edge"`
	}
	from, to := s.bot.table(shopSales+".customers"), s.bot.table("shop_pg.shop.analytics.top_customers")
	s.bot.get("/lineage/getLineageEdge/"+from.ID+"/"+to.ID, &columns)
	found := map[string]string{}
	for _, c := range columns.Edge.ColumnsLineage {
		found[c.ToColumn] = strings.Join(c.FromColumns, " ")
	}
	want := map[string]string{
		to.FullyQualifiedName + ".id":   from.FullyQualifiedName + ".id",
		to.FullyQualifiedName + ".name": from.FullyQualifiedName + ".name",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("lineage of columns (-want +got):\n%s", diff)
	}
}

func (s *shop) profile(t *testing.T) {
	start := time.Now().UnixMilli() - 1000
	s.metadata(t, "profile", "profile.yaml", nil)

	var latest table
	s.bot.get("/tables/"+url.PathEscape(shopSales+".customers")+"/tableProfile/latest", &latest)
	if latest.Profile["rowCount"] != 100.0 || latest.Profile["columnCount"] != 8.0 {
		t.Errorf("the table's profile became %v", latest.Profile)
	}
	var profiles page[map[string]any]
	s.bot.get(fmt.Sprintf("/tables/%s/columnProfile?startTs=%d&endTs=%d",
		url.PathEscape(shopSales+".customers.phone"), start, time.Now().UnixMilli()+1000), &profiles)
	if len(profiles.Data) != 1 || profiles.Data[0]["nullCount"] != 40.0 || profiles.Data[0]["valuesCount"] != 60.0 {
		t.Errorf("the column's profiles became %v", profiles.Data)
	}
	// A profile is no version of the table, and costs it nothing of what it had.
	assertKept(t, s.edited, s.bot.table(shopSales+".customers"))
}

func (s *shop) sampleData(t *testing.T) {
	s.script(t, "sample_data.py")
	customers := s.bot.table(shopSales + ".customers")
	var stored table
	s.bot.get("/tables/"+customers.ID+"/sampleData", &stored)
	got, err := json.Marshal(stored.SampleData.Rows)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[[1,"Ada","c1@example.com",null,1.25],[2,"Größe \"x\"","c2@example.com",true,"2026-01-01"]]`
	if string(got) != want || len(stored.SampleData.Columns) != 5 {
		t.Errorf("the rows became %s of %v, want %s", got, stored.SampleData.Columns, want)
	}
}

func (s *shop) usage(t *testing.T) {
	s.source.execAsSource("shop", `
		SELECT name FROM sales.customers WHERE id = 7;
		SELECT c.name, o.ordered_on FROM sales.customers c JOIN sales.orders o ON o.customer_id = c.id LIMIT 5;`)
	s.metadata(t, "usage", "usage.yaml", nil)

	var customers table
	s.bot.get("/tables/name/"+shopSales+".customers?fields=usageSummary,joins", &customers)
	if customers.UsageSummary.DailyStats.Count < 1 {
		t.Errorf("the table's usage became %+v", customers.UsageSummary)
	}
	queries := list[struct {
		Query       string      `json:"query"`
		QueryUsedIn []reference `json:"queryUsedIn"`
	}](s.bot, "queries", "fields=*&entityId="+customers.ID)
	var joined bool
	for _, q := range queries {
		joined = joined || strings.Contains(q.Query, "JOIN sales.orders")
	}
	if !joined {
		t.Errorf("the queries on customers are %+v, the join is not among them", queries)
	}
}

func (s *shop) quality(t *testing.T) {
	s.metadata(t, "test", "quality.yaml", nil)
	for fqn, want := range map[string]string{
		shopSales + ".customers.email.customers_email_not_null": "Success",
		shopSales + ".customers.customers_count":                "Failed",
	} {
		s.assertTestCase(t, fqn, want)
	}
	var suite struct {
		Basic                bool        `json:"basic"`
		BasicEntityReference reference   `json:"basicEntityReference"`
		Tests                []reference `json:"tests"`
	}
	s.bot.get("/dataQuality/testSuites/name/"+shopSales+".customers.testSuite?fields=*", &suite)
	if !suite.Basic || suite.BasicEntityReference.FullyQualifiedName != shopSales+".customers" || len(suite.Tests) != 2 {
		t.Errorf("the suite became %+v", suite)
	}
}

// qualityFromCode runs checks that a program names; the connection comes from the
// catalog, its password included.
func (s *shop) qualityFromCode(t *testing.T) {
	s.script(t, "sdk_quality.py", shopSales+".customers")
	s.assertTestCase(t, shopSales+".customers.email.code_email", "Success")
	s.assertTestCase(t, shopSales+".customers.code_count", "Failed")
}

// assertTestCase checks the last and the only result of a test case.
func (s *shop) assertTestCase(t *testing.T, fqn, status string) {
	t.Helper()
	type result struct {
		TestCaseStatus string `json:"testCaseStatus"`
		Timestamp      int64  `json:"timestamp"`
	}
	var found struct {
		TestCaseResult result    `json:"testCaseResult"`
		TestDefinition reference `json:"testDefinition"`
		TestSuite      reference `json:"testSuite"`
	}
	s.bot.get("/dataQuality/testCases/name/"+url.PathEscape(fqn)+"?fields=*", &found)
	if found.TestCaseResult.TestCaseStatus != status || found.TestDefinition.Name == "" || found.TestSuite.Name == "" {
		t.Errorf("%s became %+v, want %s", fqn, found, status)
	}
	var results page[result]
	s.bot.get(fmt.Sprintf("/dataQuality/testCases/testCaseResults/%s?startTs=%d&endTs=%d", url.PathEscape(fqn),
		time.Now().Add(-time.Hour).UnixMilli(), time.Now().Add(time.Hour).UnixMilli()), &results)
	if len(results.Data) != 1 || results.Data[0].TestCaseStatus != status {
		t.Errorf("the results of %s are %+v", fqn, results.Data)
	}
}

// buildDBT runs the dbt project against the source, which makes the schema mart,
// and leaves the artifacts of the run and of its documentation side by side.
func (s *shop) buildDBT(t *testing.T) {
	t.Helper()
	project := filepath.Join(s.work, "dbt")
	files, err := fs.Sub(testdata, "testdata/dbt")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(project, files); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(project, "target", "run_results.json")
	dbt := func(args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(filepath.Dir(python(t)), "dbt"), append(args, "--project-dir", project, "--profiles-dir", project)...)
		cmd.Dir = project
		cmd.Env = append(os.Environ(), "SHOP_PORT="+s.source.port, "SHOP_PASSWORD="+sourcePassword, "DBT_SEND_ANONYMOUS_USAGE_STATS=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("dbt %s: %v\n%s", args[0], err, tail(string(out), 40))
		}
	}
	dbt("build")
	built, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	dbt("docs", "generate") // writes results of its own over those of the build
	if err := os.WriteFile(results, built, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) dbt(t *testing.T) {
	s.metadata(t, "ingest", "dbt.yaml", map[string]any{"Target": filepath.Join(s.work, "dbt", "target")})
	const mart = "shop_pg.shop.mart."
	model := s.bot.table(mart + "stg_orders")
	if model.Description != "Orders as the mart sees them" || !strings.Contains(string(model.DataModel), `"DBT"`) {
		t.Errorf("the model became %q, %s", model.Description, model.DataModel)
	}
	if id, _ := model.column("order_id"); id.Description != "One row an order" {
		t.Errorf("its column became %+v", id)
	}
	if tag := s.bot.entity("tags", "dbtTags.nightly"); tag.Name != "nightly" {
		t.Errorf("the tag became %+v", tag)
	}
	want := map[edge]string{
		{shopSales + ".orders", mart + "stg_orders"}:    "DbtLineage",
		{mart + "stg_orders", mart + "customer_orders"}: "DbtLineage",
	}
	got := s.bot.lineage(mart+"stg_orders", 1)
	for e, source := range want {
		if got[e] != source {
			t.Errorf("lineage %v is %q, want %s; all: %v", e, got[e], source, got)
		}
	}
	for _, name := range []string{"unique_stg_orders_order_id", "not_null_stg_orders_order_id"} {
		s.assertTestCase(t, mart+"stg_orders.order_id."+name, "Success")
	}
}

// nothingLost looks at the end at what the first parts wrote.
func (s *shop) nothingLost(t *testing.T) {
	assertKept(t, s.edited, s.bot.table(shopSales+".customers"))
	if edges := s.bot.lineage(shopSales+".order_totals", 0); len(edges) != 3 {
		t.Errorf("the view's lineage is %v", edges)
	}
	before := s.bot.versions("shop_pg")
	run := s.runIngest(t, "")
	if got := changed(before, s.bot.versions("shop_pg")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v:\n%v", got, writes(run.exchanges))
	}
}
