package engine_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestRepeatedPutsChangeNothing: whatever a PUT brought, the same again makes no
// version, for a bot as for a person; and a bot takes no tag or text away.
func TestRepeatedPutsChangeNothing(t *testing.T) {
	b := tableBed(t)
	tags := []string{"PII.Sensitive", "Tier.Tier1", "PersonalData.Personal"}
	tables := 0
	rapid.Check(t, func(rt *rapid.T) {
		tables++
		name := fmt.Sprintf("t%d", tables)
		wantTags, text, columnText := map[string]bool{}, "", ""
		for range rapid.IntRange(1, 5).Draw(rt, "puts") {
			by := rapid.SampledFrom([]entity.Principal{b.admin, b.bot}).Draw(rt, "by")
			given := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "description")
			column := rapid.SampledFrom([]string{"", "c", "d"}).Draw(rt, "column description")
			labels, labelNames := "", rapid.SliceOfNDistinct(rapid.SampledFrom(tags), 0, 2, rapid.ID).Draw(rt, "tags")
			for i, tag := range labelNames {
				if i > 0 {
					labels += ","
				}
				labels += fmt.Sprintf(`{"tagFQN":%q,"source":"Classification","labelType":"Manual","state":"Confirmed"}`, tag)
				wantTags[tag] = true
			}
			extra := fmt.Sprintf(`"description":%q,"tags":[%s],`, given, labels)
			columns := fmt.Sprintf(`{"name":"id","dataType":"INT","description":%q}`, column)
			body := tableRequest(name, extra, columns)
			b.mustPut(by, "table", body)
			if again := b.mustPut(by, "table", body); again.Event != entity.EventNoChange {
				rt.Fatalf("the same PUT changed %+v", outcomeOf(again))
			}
			if !by.IsBot || text == "" {
				text = given
			}
			if !by.IsBot || columnText == "" {
				columnText = column
			}
		}
		got := b.get(b.plain, "table", "svc.db.sales."+name, "tags,columns")
		gotTags := map[string]bool{}
		for _, label := range got.Tags {
			gotTags[label.TagFQN] = true
		}
		if d := cmp.Diff(wantTags, gotTags); d != "" || len(got.Tags) != len(wantTags) {
			rt.Errorf("tags (-want +got):\n%s%v", d, got.Tags)
		}
		var columns []column
		unmarshal(t, got.Rest["columns"], &columns)
		if got.Description != text || columns[0].Description != columnText {
			rt.Errorf("descriptions %q and %q, want %q and %q", got.Description, columns[0].Description, text, columnText)
		}
	})
}
