package engine_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
)

// TestSecretsStayWithTheirItems: a mask stands for the secret of the item that it is
// part of, wherever in the list the item is now.
func TestSecretsStayWithTheirItems(t *testing.T) {
	b := newBed(t)
	const name = "hooks"
	stored, err := b.e.SealSetting(name, nil, jsontext.Value(`{"hooks":[
		{"id":"1","url":"http://a","secretKey":"ka","headers":{"authorization":"ha"}},
		{"id":"2","url":"http://b","secretKey":"kb"},
		{"id":"3","url":"http://c","secretKey":"kc"}],"tokens":["t1","t2"]}`))
	if err != nil {
		t.Fatal(err)
	}
	mask := func(text string) jsontext.Value {
		return jsontext.Value(strings.NewReplacer("?", engine.Mask).Replace(text))
	}
	for _, test := range []struct{ what, next, opened string }{
		{"as it was", `{"hooks":[{"id":"1","url":"http://a","secretKey":"?","headers":{"authorization":"?"}},{"id":"2","url":"http://b","secretKey":"?"},{"id":"3","url":"http://c","secretKey":"?"}],"tokens":["?","?"]}`, "ka ha kb kc t1 t2"},
		{"the first is removed", `{"hooks":[{"id":"2","url":"http://b","secretKey":"?"},{"id":"3","url":"http://c","secretKey":"?"}]}`, "kb kc"},
		{"in another order", `{"hooks":[{"id":"3","url":"http://c","secretKey":"?"},{"id":"1","url":"http://a","secretKey":"?","headers":{"authorization":"?"}}]}`, "kc ka ha"},
		{"one is put first", `{"hooks":[{"id":"0","url":"http://new","secretKey":"kn"},{"id":"1","url":"http://a","secretKey":"?","headers":{"authorization":"?"}}]}`, "kn ka ha"},
		{"moved and changed", `{"hooks":[{"id":"2","url":"http://other","secretKey":"?"}]}`, "kb"},
		{"changed in its place, without an id", `{"hooks":[{"url":"http://other","secretKey":"?"}]}`, "ka"},
		{"a new one with a mask", `{"hooks":[{"id":"1","url":"http://a","secretKey":"?","headers":{"authorization":"?"}},{"id":"2","url":"http://b","secretKey":"?"},{"id":"3","url":"http://c","secretKey":"?"},{"id":"4","url":"http://c","secretKey":"?"}]}`, "refused"},
		{"a copy with a mask", `{"hooks":[{"id":"2","url":"http://b","secretKey":"?"},{"id":"2","url":"http://b","secretKey":"?"}]}`, "refused"},
		{"one of the bare ones is gone", `{"tokens":["?"]}`, "refused"},
		{"a list became an object", `{"hooks":{"secretKey":"?"}}`, "refused"},
	} {
		sealed, err := b.e.SealSetting(name, stored, mask(test.next))
		got := "refused"
		if err == nil {
			got = strings.Join(openSetting(t, b, name, sealed), " ")
		}
		if got != test.opened {
			t.Errorf("%s: the secrets are %q, want %q (%v)", test.what, got, test.opened, err)
		}
	}
}

// openSetting returns the secrets of a stored setting, in their order. A secret that is
// sealed for another place does not open.
func openSetting(t *testing.T, b *bed, name string, sealed jsontext.Value) []string {
	t.Helper()
	var out []string
	_, err := b.e.Registry().Schemas().VisitOpenSecrets(sealed, func(path, value string) (string, error) {
		plain, err := b.sealer.Open(value, "setting/"+name+"/"+path)
		out = append(out, plain)
		return value, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
