package api

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const sentPage = "testdata/sent.txt"

// sentStatuses are the statuses of answers to calls that were done, each with an
// example.
type sentStatuses map[int]string

// note remembers the status of an answer, unless it says that something went wrong.
func (r *rightsResults) note(route Route, status int, example string) {
	if status >= http.StatusBadRequest {
		return
	}
	key := route.Method + " " + strings.TrimPrefix(route.Path, "/api")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent[key] == nil {
		r.sent[key] = sentStatuses{}
	}
	r.sent[key][status] = example
}

// compareSent fails for every answer to a call that was done whose status is neither
// one that the API sends nor a difference that testdata/sent.txt gives a reason for.
func compareSent(t *testing.T, got map[string]sentStatuses) {
	t.Helper()
	rows := readSent(t)
	for key, statuses := range got {
		row, known := rows[key]
		if !known {
			continue // nothing was found about what is sent
		}
		for status, example := range statuses {
			if !slices.Contains(row.sends, status) && !slices.Contains(row.differs, status) {
				t.Errorf("%s answers with %d, but clients of the API get one of %v: %s; change the route, or say at its line in %s why it differs", key, status, row.sends, example, sentPage)
			}
		}
		for _, status := range row.differs {
			if _, is := statuses[status]; !is {
				t.Errorf("%s never answers with %d; take the difference away from its line in %s", key, status, sentPage)
			}
		}
	}
}

// sentRow is a line of testdata/sent.txt.
type sentRow struct{ sends, differs []int }

func readSent(t *testing.T) map[string]sentRow {
	t.Helper()
	text, err := os.ReadFile(sentPage)
	check(t, err)
	rows := map[string]sentRow{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 || (len(fields) > 3 && (len(fields) < 6 || fields[3] != "here")) {
			t.Fatalf("%s: %q is not METHOD PATH STATUSES [here STATUSES REASON]", sentPage, line)
		}
		row := sentRow{sends: statusList(t, fields[2])}
		if len(fields) > 3 {
			row.differs = statusList(t, strings.TrimSuffix(fields[4], ":"))
		}
		rows[fields[0]+" "+fields[1]] = row
	}
	return rows
}

func statusList(t *testing.T, text string) []int {
	t.Helper()
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		status, err := strconv.Atoi(word)
		check(t, err)
		list = append(list, status)
	}
	return list
}
