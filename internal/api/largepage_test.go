package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestLargePagesWaitForEachOther(t *testing.T) {
	h := newHarness(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &call{API: h.api, r: httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)}
	var last func()
	for range largePages {
		leave, err := c.enterPage(maxRows)
		if err != nil {
			t.Fatal(err)
		}
		last = leave
	}
	if _, err := c.enterPage(largePage); err != nil {
		t.Errorf("a page of usual size waits: %v", err)
	}
	cancel()
	if _, err := c.enterPage(largePage + 1); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("one large page too many: %v", err)
	}
	last()
	h.do(http.MethodGet, "/tables?limit=1000000", nil, http.StatusOK)
	h.do(http.MethodGet, "/tables?limit=1000001", nil, http.StatusBadRequest)
}
