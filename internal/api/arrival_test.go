package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/doctor"
)

// TestF11OnlyTheDoctorLearnsHowRequestsArrive: without a fresh question of this server's
// doctor the route is like any that is not there.
func TestF11OnlyTheDoctorLearnsHowRequestsArrive(t *testing.T) {
	h := newTimedHarness(t)
	fresh := func() string {
		t.Helper()
		question, err := h.api.auth.Question()
		check(t, err)
		return question
	}
	stale := fresh()
	h.wait(time.Minute)
	elsewhere, err := h.api.auth.Sealer().Seal("99999999999999", "another place")
	check(t, err)
	path := strings.TrimPrefix(doctor.ArrivalPath, "/api/v1")
	for name, question := range map[string]string{
		"none": "", "garbage": "question", "stale": stale, "sealed for something else": elsewhere, "cut off": fresh()[:40], "too long": fresh() + strings.Repeat("A", 1000),
	} {
		h.as(caller{}, http.MethodGet, path+"?question="+question, nil).want(http.StatusUnauthorized).shows("errorCode", "SEC-TOK-MISSING")
		got := h.do(http.MethodGet, path+"?question="+question, nil, http.StatusNotFound)
		if got.header.Get("Set-Cookie") != "" || strings.Contains(string(got.body), "headers") {
			t.Errorf("F11: the question %q is answered with %s, %v", name, got.body, got.header)
		}
	}
	for range 2 { // it is no secret that works once
		got := h.browse(t, http.MethodGet, doctor.ArrivalPath+"?question="+fresh(), map[string]string{"Authorization": "Bearer no-token", "Cookie": doctor.CookieName + "=asks", "Host": "catalog.example"})
		got.want(http.StatusOK).shows("host", "catalog.example", "authorization", doctor.Digest("Bearer no-token"), "cookie", "true").lacks("no-token")
		if got.header.Get("Cache-Control") != "no-store" || got.cookies()[doctor.CookieName] == nil && got.cookies()["__Host-"+doctor.CookieName] == nil {
			t.Errorf("F11: the answer has the headers %v", got.header)
		}
		if got.at("setCookie") != got.header.Get("Set-Cookie") {
			t.Errorf("F11: the answer says %s of its cookie, which is %s", got.at("setCookie"), got.header.Get("Set-Cookie"))
		}
	}
	if n := h.refusals("SEC-TOK-FORMAT"); n != 0 {
		t.Errorf("F11: the doctor's questions are %d refusals", n)
	}
}
