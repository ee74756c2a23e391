package api

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestIncidentsAreFiltered(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	h.result(countFQN, 1000, "Failed")
	h.result(notNullFQN, 2000, "Failed")
	const path = "/dataQuality/testCases/testCaseIncidentStatus"
	h.do("POST", path, `{"testCaseReference":"`+countFQN+`","testCaseResolutionStatusType":"Ack"}`, 200)
	for query, total := range map[string]string{
		"":                                 "3",
		"latest=true":                      "2",
		"testCaseResolutionStatusType=New": "2",
		"testCaseResolutionStatusType=New&latest=true": "1",
		"testCaseResolutionStatusType=Resolved":        "0",
		"testCaseId=" + count:                          "2",
		"testCaseId=" + entity.NewID().String():        "0",
		"testCaseFQN=" + notNullFQN:                    "1",
		"originEntityFQN=shop.db.public.other":         "0",
		"originEntityFQN=shop.db.public.custom":        "0", // a beginning of the name is not the name
		"assignee=noone":                               "0",
		"endTs=1":                                      "0",
	} {
		h.do("GET", path+"?"+query, nil, 200).shows("paging.total", total)
	}
	for _, query := range []string{"latest=perhaps", "startTs=x", "endTs=-1", "testCaseId=nonsense"} {
		if got := h.as(h.admin, "GET", path+"?"+query, nil); got.status != 400 {
			t.Errorf("%s answers %d: %s", query, got.status, got.body)
		}
	}
	h.do("POST", path, `{"testCaseReference":"no.such.case","testCaseResolutionStatusType":"Ack"}`, 404)
	h.do("POST", path, `{"testCaseReference":"`+countFQN+`","testCaseResolutionStatusType":"Lost"}`, 400)
	h.forbid(h.nobody, "ViewAll")
	h.as(h.nobody, "GET", path, nil).want(403)
}

func TestTestCasesAndSuitesAreFiltered(t *testing.T) {
	h := newHarness(t)
	suite, _, notNull := h.suite()
	h.do("POST", "/dataQuality/testSuites", `{"name":"Empty","description":"gathers nothing"}`, 201)
	ann := h.user(h.api.auth, "ann", false)
	h.do("PATCH", "/dataQuality/testCases/"+notNull, `[{"op":"add","path":"/owners","value":[{"id":"`+ann.id.String()+`","type":"user"}]}]`, 200)
	for path, total := range map[string]string{
		"testCases?testCaseType=all":                               "2",
		"testCases?testCaseType=table":                             "1",
		"testCases?testCaseType=column":                            "1",
		"testCases?owner=ann":                                      "1",
		"testCases?owner=admin":                                    "0",
		"testCases?owner=noone":                                    "0",
		"testCases?serviceName=shop":                               "2",
		"testCases?serviceName=sho":                                "0",
		"testCases?q=*NOTNULL*":                                    "1",
		"testCases?tags=PII.None":                                  "0",
		"testCases?testSuiteId=" + suite:                           "2",
		"testCases?testSuiteId=" + entity.NewID().String():         "0",
		"testCases?testCaseFQN=" + countFQN:                        "1",
		"testCases?entityFQN=" + customersFQN:                      "1",
		"testCases?includeAllTests=true&entityFQN=" + customersFQN: "2",
		"testSuites?testSuiteType=basic":                           "1",
		"testSuites?testSuiteType=logical":                         "1",
		"testSuites?includeEmptyTestSuites=false":                  "1",
		"testSuites?q=empt":                                        "1",
		"testSuites?owner=noone":                                   "0",
		"testSuites?domain=noone":                                  "0",
		"testSuites?fullyQualifiedName=Empty":                      "1",
	} {
		h.do("GET", "/dataQuality/"+path, nil, 200).shows("paging.total", total)
	}
	for path, says := range map[string]string{
		"testCases?testCaseType=row":                "[all, table, column]",
		"testCases?include=some":                    "[all, deleted, non-deleted]",
		"testCases?includeAllTests=perhaps":         "true or false",
		"testCases?testSuiteId=nonsense":            "nonsense",
		"testCases?entityLink=nonsense":             "",
		"testSuites?testSuiteType=odd":              "[basic, executable, logical]",
		"testSuites?includeEmptyTestSuites=perhaps": "true or false",
		"testSuites?include=some":                   "[all, deleted, non-deleted]",
	} {
		got := h.as(h.admin, "GET", "/dataQuality/"+path, nil)
		if got.status != 400 || !strings.Contains(got.at("message"), says) {
			t.Errorf("%s answers %d %q, want 400 and something of %q", path, got.status, got.at("message"), says)
		}
	}
}
