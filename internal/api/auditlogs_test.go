package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// auditPage is a page of the list as a client reads it.
type auditPage struct {
	Data   []auditLog `json:"data"`
	Paging paging     `json:"paging"`
}

func (p auditPage) names() []string {
	out := make([]string, len(p.Data))
	for i, e := range p.Data {
		out[i] = fmt.Sprint(e.EventType, " ", e.EntityType, " ", e.EntityFQN, " ", e.ID)
	}
	return out
}

func (h *harness) auditLogs(query string) auditPage {
	h.t.Helper()
	var page auditPage
	h.do(http.MethodGet, "/audit/logs?"+query, nil, http.StatusOK).into(&page)
	return page
}

// TestAuditLogs: changes of the catalog and what was done about accounts are one list,
// for administrators only, that can be searched.
func TestAuditLogs(t *testing.T) {
	h := newHarness(t)
	before := time.Now().UnixMilli()
	h.do(http.MethodPut, "/services/databaseServices", `{"name":"shop","serviceType":"Mysql"}`, http.StatusCreated)
	h.as(h.bot(), http.MethodPut, "/databases", `{"name":"crm","service":"shop"}`).want(http.StatusCreated)
	h.do(http.MethodPut, "/glossaries", `{"name":"words","displayName":"Words","description":"x"}`, http.StatusCreated)
	signedIn(t, h)
	h.as(h.nobody, http.MethodGet, "/audit/logs", nil).want(http.StatusForbidden)
	since := fmt.Sprintf("startTs=%d&", before)
	for query, want := range map[string]string{
		"eventType=entityCreated&entityType=database": "entityCreated database shop.crm",
		"serviceName=shop&actorType=BOT":              "entityCreated database shop.crm",
		"actorType=bot&entityFQN=shop.crm":            "entityCreated database shop.crm",
		"q=SHOP.CRM":                                  "entityCreated database shop.crm",
		"entityType=glossary&userName=admin":          "entityCreated glossary words",
		"eventType=userLogin&userName=admin":          "userLogin user admin",
		"eventType=passwordChanged":                   "passwordChanged user admin",
		"q=nothing-like-it":                           "",
		"userName=nobody-here":                        "",
	} {
		page := h.auditLogs(since + query)
		got := ""
		for _, e := range page.Data {
			got = e.EventType + " " + e.EntityType + " " + e.EntityFQN
			if e.EventTS < before || e.CreatedAt == 0 || e.ID == 0 || e.UserName == "" {
				t.Errorf("%s: %+v", query, e)
			}
			if change := e.ChangeEvent; strings.HasPrefix(e.EventType, "entity") && (change == nil || change.EventType != e.EventType || change.EntityFullyQualifiedName != e.EntityFQN || e.ChangeEventID == entity.NilID) {
				t.Errorf("%s: the change event is %+v", query, change)
			}
		}
		if got != want || want != "" && len(page.Data) != 1 {
			t.Errorf("%s: %v, want %q", query, page.names(), want)
		}
	}
	if all := h.auditLogs(since + "limit=200"); len(all.Data) < 5 || all.Paging.After != "" || all.Paging.Total != len(all.Data) {
		t.Errorf("all since then: %v, %+v", all.names(), all.Paging)
	} else if !slices.IsSortedFunc(all.Data, func(a, b auditLog) int { return int(b.EventTS - a.EventTS) }) {
		t.Errorf("not the newest first: %v", all.names())
	}
	if none := h.auditLogs(fmt.Sprintf("endTs=%d&eventType=userLogin", before-1)); len(none.Data) > 0 {
		t.Errorf("before all sign-ins: %v", none.names())
	}
	for _, bad := range []string{"limit=201", "limit=0", "after=x", "before=e30", "after=a&before=b", "actorType=ROBOT", "startTs=yesterday"} {
		h.do(http.MethodGet, "/audit/logs?"+bad, nil, http.StatusBadRequest)
	}
}

// TestAuditLogsPage: going through the list page by page gives every entry once, in the
// order of one long page, and back again; entries that come meanwhile move nothing.
func TestAuditLogsPage(t *testing.T) {
	h := newHarness(t)
	before := time.Now().UnixMilli()
	for i := range 9 {
		h.do(http.MethodPut, "/glossaries", fmt.Sprintf(`{"name":"g%d","displayName":"G","description":"x"}`, i), http.StatusCreated)
		if i%2 == 0 { // three entries of the trail at a time
			for range 3 {
				check(t, h.api.auth.SetPassword(t.Context(), entity.System(), h.nobody.id, fmt.Sprintf("Correct-Horse-%d-Battery", i), false))
			}
		}
	}
	filter := fmt.Sprintf("startTs=%d&q=g&", before) // q finds of both sources
	long := h.auditLogs("limit=200&" + filter)
	if len(long.Data) < 20 {
		t.Fatalf("only %d entries", len(long.Data))
	}
	for _, limit := range []int{1, 2, 7} {
		var forth, back []string
		var befores []string
		last := 0 // entries of the last page
		after := ""
		for round := 0; round < 60; round++ {
			page := h.auditLogs(fmt.Sprintf("limit=%d&%safter=%s", limit, filter, url.QueryEscape(after)))
			forth = append(forth, page.names()...)
			if len(forth) == limit { // while reading
				h.do(http.MethodPut, "/glossaries", fmt.Sprintf(`{"name":"late%d","displayName":"G","description":"x"}`, limit), http.StatusCreated)
			}
			befores, last = append(befores, page.Paging.Before), len(page.Data)
			if after = page.Paging.After; after == "" {
				break
			}
		}
		want := long.names()
		if !slices.Equal(forth[len(forth)-len(want):], want) {
			t.Fatalf("by %d, forth:\n%s\nwant\n%s", limit, strings.Join(forth, "\n"), strings.Join(want, "\n"))
		}
		for cursor, round := befores[len(befores)-1], 0; cursor != "" && round < 60; round++ {
			page := h.auditLogs(fmt.Sprintf("limit=%d&%sbefore=%s", limit, filter, url.QueryEscape(cursor)))
			back = append(page.names(), back...)
			cursor = page.Paging.Before
		}
		seen := forth[:len(forth)-last]
		if late := len(back) - len(seen); late != 1 || !strings.Contains(back[0], "late") || !slices.Equal(back[late:], seen) {
			t.Errorf("by %d, back:\n%s\nwant the late one and\n%s", limit, strings.Join(back, "\n"), strings.Join(seen, "\n"))
		}
	}
}
