package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

func TestOneCredentialCounts(t *testing.T) {
	h := newHarness(t)
	status := func(credentials ...string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/users/loggedInUser", nil)
		for _, c := range credentials {
			r.Header.Add("Authorization", c)
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		return w.Code, answer{t: t, body: w.Body.Bytes()}.code()
	}
	valid := "Bearer " + h.admin.token
	for _, test := range []struct {
		name        string
		credentials []string
		want        int
		code        string
	}{
		{"one", []string{valid}, http.StatusOK, ""},
		{"none", nil, http.StatusUnauthorized, auth.CodeMissing},
		{"the same twice", []string{valid, valid}, http.StatusUnauthorized, auth.CodeFormat},
		{"a valid one first", []string{valid, "Bearer x"}, http.StatusUnauthorized, auth.CodeFormat},
		{"a valid one last", []string{"Basic x", valid}, http.StatusUnauthorized, auth.CodeMissing},
		{"an empty one beside", []string{valid, ""}, http.StatusUnauthorized, auth.CodeFormat},
		{"two in one", []string{valid + ", " + valid}, http.StatusUnauthorized, auth.CodeFormat},
		{"the scheme alone", []string{"Bearer"}, http.StatusUnauthorized, auth.CodeMissing},
		{"the scheme and spaces", []string{"Bearer  "}, http.StatusUnauthorized, auth.CodeMissing},
		{"the scheme twice", []string{"Bearer " + valid}, http.StatusUnauthorized, auth.CodeFormat},
		{"in quotes", []string{`Bearer "` + h.admin.token + `"`}, http.StatusUnauthorized, auth.CodeFormat},
		{"another scheme", []string{"Basic YWRtaW46YWRtaW4="}, http.StatusUnauthorized, auth.CodeMissing},
		{"the scheme in another case", []string{"bEARER " + h.admin.token}, http.StatusOK, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := `"` + test.code + `"`
			if test.code == "" {
				want = ""
			}
			if got, code := status(test.credentials...); got != test.want || code != want {
				t.Errorf("status %d and code %s, want %d and %s", got, code, test.want, want)
			}
		})
	}
}
