package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
)

// lines joins records to a file.
func lines(records ...string) string { return strings.Join(records, "\r\n") + "\r\n" }

// A dry run tells what the import then does, row by row, and keeps nothing.
func TestDryRunTellsWhatTheImportDoes(t *testing.T) {
	h := newHarness(t)
	h.populate()
	tests := map[string]struct {
		path, file string
		want       []string
	}{
		"hierarchy": {"/services/databaseServices/name/shop/import?recursive=true", lines(
			"name*,description,owner,tags,domains,entityType*,fullyQualifiedName,column.dataType,storedProcedure.code",
			"total,a sum,,,,column,shop.new.s.t.total,INT,",
			"t,a table,user:somebody,,,table,shop.new.s.t,,",
			"s,,,,,databaseSchema,shop.new.s,,",
			"new,,,,Sales,database,shop.new,,",
			"p,,,,,storedProcedure,shop.new.s.p,,BEGIN END",
			"bad,,user:nobody.there,,,table,shop.new.s.bad,,",
			"other,,,,,database,elsewhere.other,,",
			"zz,,,No.Tag,,table,shop.db.public.zz,,",
			"nope,,,,,chart,shop.nope,,",
			"untyped,,,,,column,shop.new.s.t.untyped,,",
			"lost,,,,,table,shop.db.missing.lost,,",
			"x,,,,,table,shop.db.public.y,,",
		), []string{
			"success Entity created", "success Entity created", "success Entity created", "success Entity created", "success Entity created",
			"failure user instance", "failure does not lie below", "failure tag instance for No.Tag", "failure entityType is one of",
			"failure does not exist", "failure databaseSchema instance", "failure do not agree",
		}},
		"columns": {"/tables/name/shop.db.public.zz/import", lines(
			"column.name*,column.displayName,column.description,column.dataType,column.dataLength,column.tags",
			`a,A,first,,,Grade."A.1"`, "b,,,VARCHAR,20,", "c,,,NO_TYPE,,", "d,,,VARCHAR,-1,", "e,,,INT,,No.Tag", "f.g,,,INT,,",
		), []string{
			"success Entity updated", "success Entity created", "failure", "failure is not a length", "failure tag instance", "failure column instance for shop.db.public.zz.f",
		}},
		"terms": {"/glossaries/name/Words/import", lines(
			"parent,name*,description,synonyms,references,relatedTerms",
			",Order,What is bought,purchase,,", "Words.Order,Line,A part,,,Words.Customer", "Words.Nowhere,Lost,d,,,", "Other,Far,d,,,", ",Odd,d,,just a name,", ",Customer,Who pays,,,",
		), []string{
			"success Entity created", "success Entity created", "failure glossaryTerm instance", "failure does not lie below", "failure pairs", "success Entity updated",
		}},
		"teams": {"/teams/name/Marketing/import", lines(
			"name*,teamType*,parents*,isJoinable,defaultRoles",
			"Print,Department,Marketing,true,DataSteward", "Posters,Group,Print,,", "Sales,Group,Organization,,", "Web,Group,,,", "Odd,Nothing,Marketing,,", "Web,Group,Marketing,maybe,",
		), []string{
			"success Entity created", "success Entity created", "failure is not below Marketing", "failure is required", "failure", "failure neither true nor false",
		}},
		"users": {"/users/import?team=Marketing", lines(
			"name*,email*,teams*,isAdmin,Roles",
			"new.user,new@example.org,Ads,true,DataSteward", "jane.doe,jane@example.org,Ads;Marketing,,", "stray,stray@example.org,Organization,,", "odd,no address,Ads,,",
		), []string{"success Entity created", "success Entity updated", "failure is not below", "failure"}},
		"test cases": {"/dataQuality/testCases/name/*/import", lines(
			"name*,testDefinition*,entityFQN*,parameterValues,testSuite,tags",
			`few,tableRowCountToBeBetween,shop.db.public.zz,"{""name"":""minValue"",""value"":1}",,`,
			`unique,columnValuesToBeUnique,shop.db.public.zz.a,,shop.db.public.zz.testSuite,`,
			`bad,noDefinition,shop.db.public.zz,,,`, `bad,tableRowCountToBeBetween,shop.db.public.none,,,`, `bad,tableRowCountToBeBetween,shop,,,`,
			`bad,tableRowCountToBeBetween,shop.db.public.zz,min=1,,`, `bad,tableRowCountToBeBetween,shop.db.public.zz,,Another,`,
		), []string{
			"success Entity created", "success Entity created", "failure testDefinition instance", "failure table instance", "failure neither a table nor a column",
			"failure not a JSON object", "failure suite of its table",
		}},
		"directories": {"/services/driveServices/name/drive/import", lines(
			"name*,owners,fullyQualifiedName", "Plans,user:somebody,", "2025,,drive.Plans.2025", "far,,other.far",
		), []string{"success Entity created", "success Entity created", "failure does not lie below"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			before := h.lastSeq()
			dry := h.imported(h.admin, test.path, test.file, true)
			if after := h.lastSeq(); after != before {
				t.Errorf("the dry run left %d events", after-before)
			}
			real := h.imported(h.admin, test.path, test.file, false)
			if diff := cmp.Diff(dry.Rows, real.Rows); diff != "" {
				t.Errorf("the dry run told something else (-dry +real):\n%s", diff)
			}
			wantRows(t, resultLines(real), test.want)
			done := len(slices.DeleteFunc(slices.Clone(test.want), func(s string) bool { return strings.HasPrefix(s, "failure") }))
			wantCounts(t, real, fmt.Sprintf("partialSuccess %d/%d/%d", len(test.want)+1, done+1, len(test.want)-done))
			again := h.imported(h.admin, test.path, test.file, false)
			for i, line := range resultLines(again) {
				if strings.HasPrefix(test.want[i], "success") && line != "success Entity unchanged" {
					t.Errorf("the same row %d again: %s", i+1, line)
				}
			}
		})
	}
}

// wantRows checks the status of each row and what its details say.
func wantRows(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows came back, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		status, says, _ := strings.Cut(want[i], " ")
		if !strings.HasPrefix(got[i], status+" ") || !strings.Contains(got[i], says) {
			t.Errorf("row %d is %q, want %s that says %q", i+1, got[i], status, says)
		}
	}
}

// named is anything with a name.
type named struct {
	Name   string `json:"name"`
	TagFQN string `json:"tagFQN"`
}

func TestImportReplacesWhatTheCellsSay(t *testing.T) {
	h := newHarness(t)
	h.populate()
	result := h.imported(h.admin, "/databaseSchemas/name/shop.db.public/import", lines(
		"name*,displayName,description,owner,tags,glossaryTerms,tiers,certification,domains,extension",
		`ord.ers,,New text,team:Marketing;user:somebody,"""Grade.""""A.1""""""",Words.Customer,Tier.Tier2,Certification.Gold,,`,
	), false)
	wantCounts(t, result, "success 2/2/0")
	var table struct {
		DisplayName string  `json:"displayName"`
		Description string  `json:"description"`
		Version     float64 `json:"version"`
		Owners      []named `json:"owners"`
		Tags        []named `json:"tags"`
		Domains     []named `json:"domains"`
		SourceURL   string  `json:"sourceUrl"`
		Columns     []named `json:"columns"`

		Certification struct {
			TagLabel named `json:"tagLabel"`
		} `json:"certification"`
	}
	h.do("GET", "/tables/name/shop.db.public.%22ord.ers%22?fields=owners,tags,domains,columns,certification", nil, 200).into(&table)
	if table.DisplayName != "" || table.Description != "New text" || table.Version != 0.2 || len(table.Domains) != 0 || len(table.Columns) != 3 {
		t.Errorf("the table is %+v", table)
	}
	if table.SourceURL != "https://example.org/o" {
		t.Errorf("the import took away %q, for which it has no column", "sourceUrl")
	}
	if got := table.Certification.TagLabel.TagFQN; got != "Certification.Gold" {
		t.Errorf("the table is certified as %q", got)
	}
	var owners, tags []string
	for _, o := range table.Owners {
		owners = append(owners, o.Name)
	}
	for _, tag := range table.Tags {
		tags = append(tags, tag.TagFQN)
	}
	slices.Sort(owners)
	slices.Sort(tags)
	if want := []string{"Marketing", "somebody"}; !slices.Equal(owners, want) {
		t.Errorf("the owners are %q, want %q", owners, want)
	}
	if want := []string{`Grade."A.1"`, "Tier.Tier2", "Words.Customer"}; !slices.Equal(tags, want) {
		t.Errorf("the tags are %q, want %q", tags, want)
	}
}

func TestImportIsAborted(t *testing.T) {
	h := newHarness(t)
	h.populate()
	for name, test := range map[string]struct{ file, says string }{
		"malformed":       {"name*\n\"open", "#PARSER_FAILURE: record 2"},
		"invalid text":    {"name*\n\xff", "UTF-8"},
		"unknown header":  {"name*,colour\na,b\n", `the column "colour" is not known`},
		"missing header":  {"displayName\na\n", `the column "name*" is missing`},
		"repeated header": {"name*,name\na,b\n", "there twice"},
		"nothing":         {"\n\n", "the file is empty"},
		"too many rows":   {"name*\n" + strings.Repeat("a\n", 100_001), "more than 100000 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			before := h.lastSeq()
			result := h.imported(h.admin, "/databases/name/shop.db/import", test.file, false)
			wantCounts(t, result, "aborted 1/0/1")
			if !strings.Contains(result.AbortReason, test.says) || result.Rows != "" {
				t.Errorf("the reason is %q, want one that says %q", result.AbortReason, test.says)
			}
			if h.lastSeq() != before {
				t.Error("something was written")
			}
		})
	}
	h.text(h.admin, "PUT", "/databases/name/none/import", "name*\na\n").want(404)
	h.text(h.admin, "PUT", "/databases/name/shop.db/import?dryRun=perhaps", "name*\na\n").want(400)
	h.do("PUT", "/databases/name/shop.db/import", "name*", 415)
	h.do("GET", "/databases/name/none/export", nil, 404)
	h.do("GET", "/users/export", nil, 400)
	if got := h.text(h.admin, "PUT", "/databases/name/shop.db/import", "name*,displayName\na\n"); !strings.Contains(string(got.body), "#INVALID_FIELD_COUNT") {
		t.Errorf("a short row gets %s", got.body)
	}
	if got := h.text(h.admin, "PUT", "/databases/name/shop.db/import", "name*,displayName\n,x\n"); !strings.Contains(string(got.body), "#FIELD_REQUIRED") {
		t.Errorf("a row without a name gets %s", got.body)
	}
}

// An import can do what its caller could do otherwise, and no more.
func TestImportNeedsTheRightsOfEachRow(t *testing.T) {
	h := newHarness(t)
	h.populate()
	for _, dryRun := range []bool{true, false} {
		result := h.imported(h.nobody, "/databaseSchemas/name/shop.db.public/import", lines("name*,description", "zz,anybody may say so", "new,but not create"), dryRun)
		wantRows(t, resultLines(result), []string{"success Entity updated", "failure"})
		result = h.imported(h.nobody, "/databaseSchemas/name/shop.db.public/import", lines("name*,displayName", "zz,not the display name"), dryRun)
		wantRows(t, resultLines(result), []string{"failure"})
		result = h.imported(h.nobody, "/tables/name/shop.db.public.zz/import", lines("column.name*,column.dataType", "a,VARCHAR"), dryRun)
		wantRows(t, resultLines(result), []string{"failure"})
		result = h.imported(h.nobody, "/users/import?team=Organization", lines("name*,email*,teams*,isAdmin", "somebody,somebody@example.org,Organization,true"), dryRun)
		wantRows(t, resultLines(result), []string{"failure only an administrator"})
	}
	var user struct {
		IsAdmin bool `json:"isAdmin"`
	}
	h.do("GET", "/users/name/somebody", nil, 200).into(&user)
	if user.IsAdmin {
		t.Error("an import made its caller an administrator")
	}
	denied := h.as(caller{token: "none"}, "GET", "/databases/name/shop.db/export", nil)
	denied.want(401)
}

// A bad column among many fails alone.
func TestBadColumnsFailAlone(t *testing.T) {
	h := newHarness(t)
	h.populate()
	records := []string{"column.name*,column.dataType"}
	var want []string
	for i := range 300 {
		typ, outcome := "INT", "success Entity created"
		if i%97 == 5 {
			typ, outcome = "NO_TYPE", "failure"
		}
		records = append(records, fmt.Sprintf("c%03d,%s", i, typ))
		want = append(want, outcome)
	}
	for _, dryRun := range []bool{true, false} {
		result := h.imported(h.admin, "/tables/name/shop.db.public.zz/import", lines(records...), dryRun)
		wantRows(t, resultLines(result), want)
	}
	var table struct {
		Columns []named `json:"columns"`
	}
	h.do("GET", "/tables/name/shop.db.public.zz", nil, 200).into(&table)
	if len(table.Columns) != 297 {
		t.Errorf("the table has %d columns, want 297", len(table.Columns))
	}
}

func TestCSVDocumentation(t *testing.T) {
	h := newHarness(t)
	var doc struct {
		Summary string         `json:"summary"`
		Headers []csvio.Header `json:"headers"`
	}
	for path, want := range map[string]string{
		"/glossaries": "name", "/teams": "name teamType parents", "/users": "name email teams", "/databases": "name", "/tables": "column.name",
	} {
		h.do("GET", path+"/documentation/csv", nil, 200).into(&doc)
		var required []string
		for _, header := range doc.Headers {
			if header.Required {
				required = append(required, header.Name)
			}
		}
		if got := strings.Join(required, " "); got != want || doc.Summary == "" {
			t.Errorf("%s wants %q, not %q: %+v", path, got, want, doc)
		}
	}
}
