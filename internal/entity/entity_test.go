package entity

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestEntityKeepsMembersItDoesNotName(t *testing.T) {
	const doc = `{"id":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6","name":"orders","version":0.1,"deleted":false,"columns":[{"name":"id"}],"tableType":"Regular"}`
	var e Entity
	if err := json.Unmarshal([]byte(doc), &e); err != nil {
		t.Fatal(err)
	}
	want := map[string]jsontext.Value{"columns": jsontext.Value(`[{"name":"id"}]`), "tableType": jsontext.Value(`"Regular"`)}
	if d := cmp.Diff(want, e.Rest); d != "" {
		t.Errorf("members of the type must stay raw in Rest (-want +got):\n%s", d)
	}
	out, err := json.Marshal(&e, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != doc {
		t.Errorf("a round trip must lose nothing:\n got %s\nwant %s", out, doc)
	}
}
