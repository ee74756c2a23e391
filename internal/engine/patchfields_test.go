package engine

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPatchesOfMembersAgreeWithTheGeneralAlgorithm(t *testing.T) {
	quick, general := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "b", "c/d", "e~f", "description"})
		value := rapid.SampledFrom([]string{`1`, `"x"`, `null`, `[1,2]`, `{"k":{"l":null}}`})
		top := map[string]jsontext.Value{}
		for _, n := range rapid.SliceOfDistinct(name, func(s string) string { return s }).Draw(t, "members") {
			top[n] = jsontext.Value(value.Draw(t, "value"))
		}
		doc, err := encode(top)
		if err != nil {
			t.Fatal(err)
		}
		ops := make([]patchOp, rapid.IntRange(0, 4).Draw(t, "ops"))
		for i := range ops {
			path := rapid.SampledFrom([]string{"/a", "/b", "/c~1d", "/e~0f", "/description", "/b/0"}).Draw(t, "path")
			ops[i] = patchOp{Op: rapid.SampledFrom([]string{"add", "replace", "remove"}).Draw(t, "op"), Path: &path}
			if ops[i].Op != "remove" {
				ops[i].Value = jsontext.Value(value.Draw(t, "new"))
			}
		}
		out, ok := applyTop(top, ops)
		if !ok {
			general++
			return
		}
		quick++
		got, err := encode(out)
		if err != nil {
			t.Fatal(err)
		}
		want, err := applyGeneral(doc, top, ops)
		if err != nil {
			t.Fatalf("the general algorithm refuses: %v", err)
		}
		if diff := cmp.Diff(string(canonicalJSON(want)), string(canonicalJSON(got))); diff != "" {
			t.Fatalf("(-general +quick):\n%s", diff)
		}
	})
	if quick == 0 || general == 0 {
		t.Errorf("%d quick, %d general: want both", quick, general)
	}
}

func TestPatchFields(t *testing.T) {
	s := &shape{
		properties: map[string]bool{"description": true, "owners": true, "followers": true, "votes": true, "service": true, "joins": true},
		computed:   map[string]bool{"followers": true, "votes": true, "service": true, "joins": true},
		lookedUp:   []string{"service"},
	}
	path := "/followers/0"
	f := s.patchFields([]patchOp{{Op: "move", Path: &path, From: "/joins"}})
	for name, want := range map[string]bool{"description": true, "owners": true, "service": true, "followers": true, "joins": true, "votes": false} {
		if f.Has(name) != want {
			t.Errorf("a patch of followers and joins looks up %s: %t, want %t", name, !want, want)
		}
	}
}
