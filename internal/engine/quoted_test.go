package engine_test

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
)

// TestNumbersAsText: what a client wrote as text where a number stands is stored as
// a number, by creating and by patching.
func TestNumbersAsText(t *testing.T) {
	b := tableBed(t)
	b.create("messagingService", `{"name":"kafka","serviceType":"Kafka"}`)
	made := b.create("topic", `{"name":"7","service":"kafka","partitions":"3","retentionTime":"604800000","messageSchema":{"schemaType":"Other"}}`)
	wantStored := func(members ...string) {
		t.Helper()
		doc, err := engine.Encode(b.get(b.admin, "topic", "kafka.7", ""))
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range members {
			if !strings.Contains(string(doc), member) {
				t.Errorf("stored as %s, want %s", doc, member)
			}
		}
	}
	wantStored(`"partitions":3`, `"retentionTime":604800000`, `"name":"7"`)
	b.mustPatch(b.admin, "topic", made.ID, `[{"op":"replace","path":"/retentionTime","value":"5"}]`)
	wantStored(`"retentionTime":5`)
}
