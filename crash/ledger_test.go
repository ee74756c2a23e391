package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// state is what of a table has to survive.
type state struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Version     jsontext.Value `json:"version"`
	Description string         `json:"description"`
	Deleted     bool           `json:"deleted"`
}

func (s state) String() string {
	return fmt.Sprintf("%s version %s deleted %t %q", s.Name, s.Version, s.Deleted, s.Description)
}

// entry is the account of one table.
type entry struct {
	acked   *state   // as the last answer that was read showed it; nil: none or gone
	history []string // versions that answers have shown, in order
	gone    bool     // a hard delete was acknowledged
	pending *outcome // the write that was on its way when the server went
}

// outcome is what a write would have done.
type outcome struct {
	gone        bool
	deleted     bool
	description string
}

// admits tells whether a served state follows from the unanswered write.
func (o *outcome) admits(got *state) bool {
	if got == nil {
		return o.gone
	}
	return !o.gone && got.Deleted == o.deleted && got.Description == o.description
}

// ledger holds what was acknowledged. Each writer has tables of its own, so that
// the order of the writes to one table is known.
type ledger struct {
	mu      sync.Mutex
	entries map[string]*entry
	acked   int
	failed  []string // answers that were neither 2xx nor the end of the server
}

func newLedger() *ledger { return &ledger{entries: map[string]*entry{}} }

func (l *ledger) send(name string, o *outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries[name] == nil {
		l.entries[name] = &entry{}
	}
	l.entries[name].pending = o
}

// acknowledge records that the pending write of a table is done.
func (l *ledger) acknowledge(name string, next *state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[name]
	e.acked, e.gone, e.pending = next, next == nil, nil
	if next != nil {
		e.history = append(e.history, string(next.Version))
	}
	l.acked++
}

func (l *ledger) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprintf(format, args...))
}

// writer is one client in a closed loop: it creates, updates, patches and
// deletes tables of its own until the server is gone.
type writer struct {
	api    *api
	ledger *ledger
	at     *moment
	prefix string
	rand   *rand.Rand
	made   int
	mine   []state // tables that are there and not deleted
}

func (w *writer) run() {
	for w.step() {
	}
}

// step makes one write and tells whether it was answered.
func (w *writer) step() bool {
	kind := w.rand.IntN(10)
	switch {
	case len(w.mine) == 0 || kind < 3:
		return w.create()
	case kind < 4:
		return w.bulk()
	case kind < 6:
		return w.widen()
	case kind < 8:
		return w.describe()
	}
	return w.remove()
}

func (w *writer) newName() string {
	w.made++
	return fmt.Sprintf("%s_%04d", w.prefix, w.made)
}

func request(name, description string, columns int) string {
	list := make([]string, columns)
	for i := range list {
		list[i] = fmt.Sprintf(`{"name":"c%02d","dataType":"BIGINT","description":"Column %d of %s"}`, i, i, name)
	}
	return fmt.Sprintf(`{"name":%q,"description":%q,"databaseSchema":"crash.shop.public","columns":[%s]}`,
		name, description, strings.Join(list, ","))
}

// call sends the write of one table; ok is false when the server is gone.
func (w *writer) call(name string, would *outcome, method, path, media, body string) (answer []byte, ok bool) {
	w.ledger.send(name, would)
	w.at.tick()
	status, answer, err := w.api.do(method, path, media, body)
	if err != nil {
		return nil, false
	}
	if status/100 != 2 {
		w.ledger.fail("%s %s: %d %s", method, path, status, answer)
		return nil, false
	}
	w.at.tick()
	return answer, true
}

// show records the table an answer shows.
func (w *writer) show(name string, answer []byte) (state, bool) {
	var next state
	if err := json.Unmarshal(answer, &next); err != nil || next.Name != name {
		w.ledger.fail("the answer to a write of %s shows %q: %v", name, next.Name, err)
		return next, false
	}
	w.ledger.acknowledge(name, &next)
	return next, true
}

func (w *writer) create() bool {
	name := w.newName()
	description := "The table " + name
	answer, ok := w.call(name, &outcome{description: description}, http.MethodPut, "/tables", jsonType, request(name, description, 5))
	if !ok {
		return false
	}
	next, ok := w.show(name, answer)
	w.mine = append(w.mine, next)
	return ok
}

func (w *writer) bulk() bool {
	names := make([]string, 8)
	rows := make([]string, len(names))
	for i := range names {
		names[i] = w.newName()
		rows[i] = request(names[i], "In bulk: "+names[i], 3)
		w.ledger.send(names[i], &outcome{description: "In bulk: " + names[i]})
	}
	w.at.tick()
	status, answer, err := w.api.do(http.MethodPut, "/tables/bulk?async=false", jsonType, "["+strings.Join(rows, ",")+"]")
	if err != nil {
		return false
	}
	var result struct {
		Status string `json:"status"`
		Passed int    `json:"numberOfRowsPassed"`
	}
	if err := json.Unmarshal(answer, &result); err != nil || status != http.StatusOK || result.Passed != len(rows) {
		w.ledger.fail("bulk: %d %s %v", status, answer, err)
		return false
	}
	for _, name := range names {
		// A bulk answer names no id; the table is left alone from here on.
		w.ledger.acknowledge(name, &state{Name: name, Version: jsontext.Value("0.1"), Description: "In bulk: " + name})
	}
	w.at.tick()
	return true
}

// pick chooses a table of this writer.
func (w *writer) pick() *state { return &w.mine[w.rand.IntN(len(w.mine))] }

func (w *writer) widen() bool {
	s := w.pick()
	body := request(s.Name, s.Description, 6+w.rand.IntN(20))
	answer, ok := w.call(s.Name, &outcome{description: s.Description}, http.MethodPut, "/tables", jsonType, body)
	if ok {
		*s, ok = w.show(s.Name, answer)
	}
	return ok
}

func (w *writer) describe() bool {
	s := w.pick()
	text := fmt.Sprintf("Described %d times", w.rand.Uint32())
	body := fmt.Sprintf(`[{"op":"add","path":"/description","value":%q}]`, text)
	answer, ok := w.call(s.Name, &outcome{description: text}, http.MethodPatch, "/tables/"+s.ID, "application/json-patch+json", body)
	if ok {
		*s, ok = w.show(s.Name, answer)
	}
	return ok
}

func (w *writer) remove() bool {
	i := w.rand.IntN(len(w.mine))
	s := w.mine[i]
	w.mine = append(w.mine[:i:i], w.mine[i+1:]...)
	if w.rand.IntN(2) == 0 {
		_, ok := w.call(s.Name, &outcome{gone: true}, http.MethodDelete, "/tables/"+s.ID+"?hardDelete=true", "", "")
		if ok {
			w.ledger.acknowledge(s.Name, nil)
		}
		return ok
	}
	answer, ok := w.call(s.Name, &outcome{deleted: true, description: s.Description}, http.MethodDelete, "/tables/"+s.ID, "", "")
	if ok {
		_, ok = w.show(s.Name, answer)
	}
	return ok
}
