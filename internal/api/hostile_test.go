package api

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// attack watches a server while it is sent what no client should send.
type attack struct {
	*harness
	log    *lockedText
	before string
}

// lockedText is a log that is written from several places.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// attacked begins an attack, which must leave the catalog as it is now.
func (h *harness) attacked() *attack {
	h.t.Helper()
	x := &attack{harness: h, log: &lockedText{}, before: h.contents()}
	h.api.log = slog.New(slog.NewTextHandler(x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return x
}

// insides are words that only our own code, or the database's, would say.
var insides = regexp.MustCompile(`goroutine \d|panic|runtime error|\.go:\d|(?i:sqlite)|SQL logic|syntax error|no such (table|column|function)|unrecognized token|constraint failed|incomplete input|datatype mismatch|out of memory|SELECT |INSERT |FROM entity|\*engine\.|jsontext|json: |reflect\.`)

// refused wants an answer of one of the statuses that says nothing of our insides.
func (x *attack) refused(a answer, statuses ...int) answer {
	x.t.Helper()
	if !slices.Contains(statuses, a.status) {
		x.t.Errorf("%.200s answers %d, want %v: %.500s", a.what, a.status, statuses, a.body)
	}
	x.silent(a)
	return a
}

// silent wants an answer that holds no token and nothing of our insides.
func (x *attack) silent(a answer) {
	x.t.Helper()
	if leak := insides.Find(a.body); leak != nil {
		x.t.Errorf("%.200s tells %q of our insides: %.500s", a.what, leak, a.body)
	}
	for _, who := range []caller{x.admin, x.nobody} {
		if bytes.Contains(a.body, []byte(who.token)) {
			x.t.Errorf("%.200s shows the token of %s", a.what, who.name)
		}
	}
}

// over wants a catalog that is as before, and a log without faults and tokens.
func (x *attack) over() {
	x.t.Helper()
	if after := x.contents(); after != x.before {
		x.t.Errorf("the attack changed what is stored:\nbefore %s\nafter  %s", x.before, after)
	}
	log := x.log.String()
	for _, fault := range []string{"level=ERROR", "level=WARN", "a handler panicked", x.admin.token, x.nobody.token} {
		if at := strings.Index(log, fault); at >= 0 {
			x.t.Errorf("the log holds %.20q: %.600s", fault, log[at:])
		}
	}
}

// contents are digests of all that is stored, but for the trail of refusals and what a
// sign-in says of when it was used last.
func (h *harness) contents() string {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.file+"?mode=ro")
	check(h.t, err)
	defer func() { _ = db.Close() }()
	var out []string
	for _, query := range []string{
		"SELECT id, type, fqn, deleted, version, updated_at, doc FROM entity ORDER BY row", "SELECT entity, version, doc FROM entity_version ORDER BY row",
		"SELECT from_id, kind, to_id, doc FROM relation ORDER BY from_id, kind, to_id", "SELECT seq, id, type, change FROM event ORDER BY seq",
		"SELECT kind, owner, key, CASE WHEN kind LIKE 'auth-%' THEN '' ELSE doc END FROM record WHERE kind NOT LIKE 'audit%' ORDER BY kind, owner, key",
	} {
		rows, err := db.QueryContext(h.t.Context(), query)
		check(h.t, err)
		out = append(out, digest(h.t, rows))
	}
	return strings.Join(out, " ")
}

// digest returns the number of rows and a digest of them.
func digest(t testing.TB, rows *sql.Rows) string {
	t.Helper()
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	check(t, err)
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(sql.RawBytes)
	}
	sum, count := sha256.New(), 0
	for rows.Next() {
		check(t, rows.Scan(values...))
		for _, value := range values {
			raw := *value.(*sql.RawBytes)
			fmt.Fprintf(sum, "%d:", len(raw))
			_, _ = sum.Write(raw)
		}
		count++
	}
	check(t, rows.Err())
	return fmt.Sprintf("%d:%x", count, sum.Sum(nil)[:6])
}

// anonymous is an answer's body without what differs from request to request.
func (a answer) anonymous() string {
	return requestIDs.ReplaceAllString(string(a.body), "")
}

var requestIDs = regexp.MustCompile(`,?"requestId":"[0-9a-f]+"`)
