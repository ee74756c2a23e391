//go:build !race

package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFiveThousandRows(t *testing.T) {
	h := newHarness(t)
	h.populate()
	records := []string{"parent,name*,description,tags,owner"}
	for i := range 5_000 {
		records = append(records, fmt.Sprintf("Words.Customer,t%04d,\"Term, %d\",Tier.Tier1,user:somebody", i, i))
	}
	file := lines(records...)
	before := h.lastSeq()
	for _, dryRun := range []bool{true, false} {
		start := time.Now()
		wantCounts(t, h.imported(h.admin, "/glossaries/name/Words/import", file, dryRun), "success 5001/5001/0")
		took := time.Since(start)
		t.Logf("5,000 rows took %v, dry run %t", took, dryRun)
		if took > 100*time.Second {
			t.Errorf("5,000 rows took %v", took)
		}
	}
	if events := h.lastSeq() - before; events < 5_000 {
		t.Errorf("5,000 rows left %d events", events)
	}
	got := h.do("GET", "/glossaries/name/Words/export", nil, 200)
	if n := strings.Count(string(got.body), "\r\n"); n != 5_003 {
		t.Errorf("%d lines were exported, want 5003", n)
	}
}
