package api

import "testing"

func TestTheRootTeamStays(t *testing.T) {
	h := newHarness(t)
	h.do("DELETE", "/teams/name/Organization?recursive=true&hardDelete=true", nil, 400)
	h.do("GET", "/teams/name/Organization", nil, 200)
}
