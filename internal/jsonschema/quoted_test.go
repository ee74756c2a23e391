package jsonschema_test

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestAdmit takes numbers that are written as text where only a number may stand,
// and nothing else.
func TestAdmit(t *testing.T) {
	set := load(t)
	const topic = "api/data/createTopic.json"
	for _, tt := range []struct {
		name, doc, want string // want "" for a refusal
	}{
		{"nothing to do", `{"name":"7","service":"s","partitions":1}`, `{"name":"7","service":"s","partitions":1}`},
		{
			"integers and numbers", `{"name":"t", "service":"s", "partitions": "3" ,"retentionTime":"604800000","retentionSize":"-1","topicConfig":{"retention.ms":"7"}}`,
			`{"name":"t", "service":"s", "partitions": 3 ,"retentionTime":604800000,"retentionSize":-1,"topicConfig":{"retention.ms":"7"}}`,
		},
		{"exponents", `{"name":"t","service":"s","partitions":1,"retentionTime":"1.5e3"}`, `{"name":"t","service":"s","partitions":1,"retentionTime":1.5e3}`},
		{"beyond the limits", `{"name":"t","service":"s","partitions":"0"}`, ""},
		{"no whole number", `{"name":"t","service":"s","partitions":"1.5"}`, ""},
		{"no number", `{"name":"t","service":"s","partitions":"three"}`, ""},
		{"more than a number", `{"name":"t","service":"s","partitions":"1,\"name\":2"}`, ""},
		{"a leading zero", `{"name":"t","service":"s","partitions":"01"}`, ""},
		{"an escaped digit", `{"name":"t","service":"s","partitions":"\u0031"}`, ""},
		{"nothing", `{"name":"t","service":"s","partitions":""}`, ""},
		{"a boolean", `{"name":"t","service":"s","partitions":"true"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := set.Admit(topic, []byte(tt.doc))
			switch {
			case tt.want == "" && (err == nil || entity.AsError(err).Kind != entity.KindBadRequest):
				t.Errorf("got %s, %v; want a refusal", got, err)
			case tt.want != "" && (err != nil || string(got) != tt.want):
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			if tt.want != "" && tt.want != tt.doc && set.Validate(topic, []byte(tt.doc)) == nil {
				t.Error("what is stored must not have numbers as text, yet Validate takes them")
			}
		})
	}
}
