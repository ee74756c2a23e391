package notify

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/alert"
)

// TestNoFaultNamesTheAddress: why something was not sent goes to the log, the whole
// address does not.
func TestNoFaultNamesTheAddress(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, address := range []string{gone.URL + "/services/who-knows-this", "http://x/%zz-who-knows-this", gone.URL + "/?key=who-knows-this"} {
		d := &alert.Destination{Type: alert.Webhook, Config: alert.Config{Endpoint: address}}
		s := &Service{client: http.DefaultClient}
		f := failureOf(s.post(t.Context(), d, nil))
		if said := f.Error() + " " + errorText(f.Unwrap()); strings.Contains(said, "who-knows-this") {
			t.Errorf("what is said of %s holds the address: %s", address, said)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
