package contract

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestTimeOf(t *testing.T) {
	for raw, want := range map[string]int64{
		`"2026-01-01T00:00:00Z"`: 1767225600000, `"2026-01-01 00:00:00"`: 1767225600000, `"2026-01-01"`: 1767225600000, `"2026-01-01 01:00:00.5+01:00"`: 1767225600500,
		`1767225600000`: 1767225600000, `1767225600`: 1767225600000, `17`: 0, `-1`: 0, `1e300`: 0, `"x"`: 0, `{}`: 0, `null`: 0, `"0001-01-01"`: 0, ``: 0,
	} {
		if got := TimeOf(jsontext.Value(raw)); got != want {
			t.Errorf("%s is the time %d, want %d", raw, got, want)
		}
	}
}

func TestRenewKeepsWhatOthersSay(t *testing.T) {
	for _, doc := range []string{`[]`, `{"schemaValidation":7}`} {
		if _, ok, err := Renew([]byte(doc), nil, nil); ok || err != nil {
			t.Errorf("%s was renewed (%v)", doc, err)
		}
	}
}
