package csvio

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestTextsSurviveAnImport: what a cell says is what an export says, and the
// export imports without a change, whatever a spreadsheet would make of it.
func TestTextsSurviveAnImport(t *testing.T) {
	b := newBed(t)
	b.make("glossary", `{"name":"G","description":"words"}`)
	rapid.Check(t, func(t *rapid.T) {
		text := cellText().Filter(func(s string) bool { return strings.TrimSpace(s) != "" })
		description, display := text.Draw(t, "description"), text.Draw(t, "display name")
		var file strings.Builder
		w := writer{to: &file}
		for _, record := range [][]string{{"name*", "displayName", "description"}, {"t", display, description}} {
			if err := w.record(record...); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.in("glossary", "G", file.String()); !strings.HasPrefix(got[0], "success") {
			t.Fatalf("%q becomes %q", file.String(), got)
		}
		out := b.out("glossary", "G")
		records, err := parse([]byte(out))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for i, header := range records[0] {
			got[header] = unguard(records[1][i])
		}
		if got["description*"]+got["description"] != description || got["displayName"] != display {
			t.Fatalf("%q and %q are exported as %q", display, description, got)
		}
		if again := b.in("glossary", "G", out); again[0] != "success Entity unchanged" {
			t.Fatalf("the export is imported as %q", again)
		}
	})
}

// TestEachRowHasItsOwnFault and the others are written.
func TestEachRowHasItsOwnFault(t *testing.T) {
	b := newBed(t)
	b.make("glossary", `{"name":"G","description":"words"}`)
	got := b.in("glossary", "G",
		"parent,name*,description,owner,color",
		",a,first,,", "G.a,b,below,,", ",,no name,,", ",c", ",d,d,user:nobody,", ",e,e,team:nobody,", "G.none,f,f,,", "H,g,g,,", ",a,again,,",
	)
	want := []string{
		"success Entity created",
		"success Entity created",
		"failure #FIELD_REQUIRED: Field 2 (name) is required",
		"failure #INVALID_FIELD_COUNT: the row has 2 cells, the headers are 5",
		"failure #INVALID_FIELD: Field 4 (owner) error - user instance for nobody not found",
		"failure #INVALID_FIELD: Field 4 (owner) error - team instance for nobody not found",
		"failure #INVALID_FIELD: glossaryTerm instance for G.none not found",
		"failure #INVALID_FIELD: the parent H does not lie below G",
		"success Entity updated",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	b := newBed(t)
	for _, req := range []Request{{Kind: "chart", Name: "x"}, {Kind: "glossary", Name: "none"}, {Kind: "user", Name: "none"}, {Kind: "testCase", Name: "a.b.c.d"}} {
		var text strings.Builder
		if err := b.s.Export(t.Context(), b.by, req, &text); entity.KindOf(err) != entity.KindNotFound || text.Len() > 0 {
			t.Errorf("export of %+v: %v, written %q", req, err, text.String())
		}
		if _, err := b.s.Import(t.Context(), b.by, req, []byte("name*\na\n"), false); entity.KindOf(err) != entity.KindNotFound {
			t.Errorf("import of %+v: %v", req, err)
		}
	}
}
