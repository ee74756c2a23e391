package entity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLink(t *testing.T) {
	for text, want := range map[string]Link{
		"<#E::table::a.b.c>":                                   {Type: "table", FQN: "a.b.c"},
		"<#E::table::a.b.c::columns::email>":                   {Type: "table", FQN: "a.b.c", Field: "columns", Item: "email"},
		"<#E::table::a.b.c::columns::email::description>":      {Type: "table", FQN: "a.b.c", Field: "columns", Item: "email", Sub: "description"},
		"<#E::table::a.b.c::description>":                      {Type: "table", FQN: "a.b.c", Field: "description"},
		`<#E::table::svc.db."line.items"::columns::"a.b">`:     {Type: "table", FQN: `svc.db."line.items"`, Field: "columns", Item: `"a.b"`},
		"<#E::user::ann>":                                      {Type: "user", FQN: "ann"},
		"<#E::table::a b/c.日本::columns::with space:and colon>": {Type: "table", FQN: "a b/c.日本", Field: "columns", Item: "with space:and colon"},
	} {
		got, err := ParseLink(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
		if got.String() != text {
			t.Errorf("%s reads back as %s", text, got)
		}
	}
	for text, problem := range map[string]string{
		"": "not an entity link", "table::a": "not an entity link", "<#E::table>": "needs a type and a name", "<#E::table::>": "empty part", "<#E::::a>": "empty part",
		"<#E::table::a<b>": "reserved", "<#E::table::a|b>": "reserved", "<#E::table::a>b>": "reserved", "<#E::a::b::c::d::e::f>": "needs a type and a name",
		"<#E::table::a": "not an entity link", "#E::table::a>": "not an entity link", "<#E::table::a::::b>": "empty part",
		"<#E::table::" + strings.Repeat("a", 2*MaxFQN) + ">": "not an entity link", "<#E::>": "needs",
	} {
		_, err := ParseLink(text)
		if err == nil || KindOf(err) != KindBadRequest || !strings.Contains(err.Error(), problem) {
			t.Errorf("%.60s: %v, want a bad request that tells of %q", text, err, problem)
		}
	}
}

// FuzzEntityLink: what is read as a link writes the same text, and nothing panics.
func FuzzEntityLink(f *testing.F) {
	for _, seed := range []string{
		"<#E::table::a.b.c>", "<#E::table::a.b.c::columns::email::description>", `<#E::table::"a::b"::columns>`, "<#E::>", "<#E", "<#E::a::b", "<#E::::>", "<#E::t::\x00>",
		"<#E::table::a:::b>", "<#E::table::ü>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		link, err := ParseLink(text)
		if err != nil {
			if KindOf(err) != KindBadRequest {
				t.Errorf("%q: an error of kind %d", text, KindOf(err))
			}
			return
		}
		if link.Type == "" || link.FQN == "" || link.String() != text {
			t.Errorf("%q was read as %+v, which is %q", text, link, link.String())
		}
	})
}
