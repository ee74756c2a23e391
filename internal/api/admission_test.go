package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOneCredentialCounts(t *testing.T) {
	h := newHarness(t)
	status := func(credentials ...string) int {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/users/loggedInUser", nil)
		for _, c := range credentials {
			r.Header.Add("Authorization", c)
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		return w.Code
	}
	valid := "Bearer " + h.admin.token
	for _, test := range []struct {
		name        string
		credentials []string
		want        int
	}{
		{"one", []string{valid}, http.StatusOK},
		{"none", nil, http.StatusUnauthorized},
		{"the same twice", []string{valid, valid}, http.StatusUnauthorized},
		{"a valid one first", []string{valid, "Bearer x"}, http.StatusUnauthorized},
		{"a valid one last", []string{"Basic x", valid}, http.StatusUnauthorized},
		{"two in one", []string{valid + ", " + valid}, http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := status(test.credentials...); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
		})
	}
}
