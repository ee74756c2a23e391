package api

import (
	"cmp"
	"encoding/base64"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// auditLogRoutes serve what was changed in the catalog, and what was done about accounts
// and tokens, as one list in the shape that clients know.
func (a *API) auditLogRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/audit/logs", Access: AdminOnly, Handle: (*call).listAuditLogs},
		{Method: http.MethodGet, Path: "/api/v1/audit/logs/export", Access: AdminOnly, Handle: (*call).exportAuditLogs},
	}
}

// auditLog is one entry of the list. The names are those of clients.
type auditLog struct {
	ID             int64               `json:"id"`
	ChangeEventID  entity.ID           `json:"changeEventId,omitzero"`
	EventTS        int64               `json:"eventTs"`
	EventType      string              `json:"eventType"`
	UserName       string              `json:"userName,omitzero"`
	ActorType      string              `json:"actorType"` // USER, BOT
	ImpersonatedBy string              `json:"impersonatedBy,omitzero"`
	ServiceName    string              `json:"serviceName,omitzero"`
	EntityType     string              `json:"entityType,omitzero"`
	EntityID       entity.ID           `json:"entityId,omitzero"`
	EntityFQN      string              `json:"entityFQN,omitzero"`
	ChangeEvent    *engine.ChangeEvent `json:"changeEvent,omitzero"`
	CreatedAt      int64               `json:"createdAt"`

	key string // of an entry of the trail, "" for a change
}

// The kinds of actors.
const (
	actorPerson = "USER"
	actorBot    = "BOT"
)

// auditPlace is a place in the list, between two entries: each of the two sources is gone
// through from there, so that entries that come later move nothing.
type auditPlace struct {
	Seq uint64 `json:"s"` // older are changes with a smaller one
	At  int64  `json:"t"` // older are entries of the trail of before this time,
	// and those of this time with a greater key: none for "".
	Key  string `json:"k,omitzero"`
	With bool   `json:"w,omitzero"` // and the one with just this key
}

func (p auditPlace) String() string {
	raw, err := json.Marshal(p)
	if err != nil { // numbers and a text always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func auditPlaceOf(cursor string) (auditPlace, error) {
	var p auditPlace
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || p.Seq == 0 || p.At <= 0 {
		return p, entity.BadRequest("%q is not a cursor that this server gave out", entity.Shorten(cursor, 60))
	}
	return p, nil
}

// older tells whether an entry of the trail lies on the older side of the place.
func (p auditPlace) older(at int64, key string) bool {
	return at < p.At || at == p.At && p.Key != "" && (key > p.Key || p.With && key == p.Key)
}

// behind is the place right after an entry, seen from the newer side.
func (p auditPlace) behind(e auditLog) auditPlace {
	if e.key == "" {
		p.Seq = e.ChangeEvent.Seq
		return p
	}
	p.At, p.Key, p.With = e.EventTS, e.key, false
	return p
}

// before is the place right before an entry.
func (p auditPlace) before(e auditLog) auditPlace {
	if e.key == "" {
		p.Seq = e.ChangeEvent.Seq + 1
		return p
	}
	p.At, p.Key, p.With = e.EventTS, e.key, true
	return p
}

// auditSearch is what somebody asks for.
type auditSearch struct {
	limit     int
	place     auditPlace
	backwards bool // towards newer entries
	from, to  int64

	user, actor, service, typ, fqn, event, text string

	bots map[string]bool // names of bots' users
	c    *call
}

// maxAuditLogs is the longest page.
const maxAuditLogs = 200

func (c *call) listAuditLogs() error {
	s, err := c.auditSearch()
	if err != nil {
		return err
	}
	entries, err := s.find()
	if err != nil {
		return err
	}
	more := len(entries) > s.limit
	switch {
	case more && s.backwards: // the ones next to the place count
		entries = entries[len(entries)-s.limit:]
	case more:
		entries = entries[:s.limit]
	}
	answer := newPage(entries, len(entries))
	if more {
		answer.Paging.Total++ // there is at least one more; counting all would read all
	}
	first, last := s.place, s.place
	for _, e := range slices.Backward(entries) {
		first = first.before(e)
	}
	for _, e := range entries {
		last = last.behind(e)
	}
	if more || s.backwards {
		answer.Paging.After = last.String()
	}
	if s.backwards && more || !s.backwards && c.query.Get("after") != "" {
		answer.Paging.Before = first.String()
	}
	return c.json(http.StatusOK, answer)
}

func (c *call) auditSearch() (*auditSearch, error) {
	q := c.query
	s := &auditSearch{
		c: c, user: q.Get("userName"), actor: strings.ToUpper(q.Get("actorType")), service: q.Get("serviceName"), typ: q.Get("entityType"),
		fqn: q.Get("entityFQN"), event: q.Get("eventType"), text: strings.ToLower(q.Get("q")),
	}
	var err error
	if s.limit, err = c.number("limit", 10, 1, maxAuditLogs); err != nil {
		return nil, err
	}
	if s.from, err = c.timestamp("startTs"); err != nil {
		return nil, err
	}
	if s.to, err = c.timestamp("endTs"); err != nil {
		return nil, err
	}
	if s.actor != "" && s.actor != actorPerson && s.actor != actorBot {
		return nil, entity.BadRequest("actorType is one of %s, %s", actorPerson, actorBot)
	}
	after, before := q.Get("after"), q.Get("before")
	switch {
	case after != "" && before != "":
		return nil, entity.BadRequest("Only one of before or after query parameter allowed")
	case cmp.Or(after, before) != "":
		s.backwards = before != ""
		if s.place, err = auditPlaceOf(cmp.Or(after, before)); err != nil {
			return nil, err
		}
	default:
		s.place = auditPlace{At: c.clock().UnixMilli() + 1}
	}
	return s, c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		if s.place.Seq == 0 {
			last, err := r.LastSeq(c.ctx())
			if err != nil {
				return err
			}
			s.place.Seq = last + 1
		}
		var err error
		s.bots, err = botNames(c, r)
		return err
	})
}

// botNames are the names of the users of all bots, deleted ones included.
func botNames(c *call, r store.Reader) (map[string]bool, error) {
	names := map[string]bool{}
	for after := ""; ; {
		rows, err := r.List(c.ctx(), store.ListQuery{Type: "bot", Include: store.All, After: after, Limit: 500})
		if err != nil {
			return nil, err
		}
		ids := make([]entity.ID, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
		}
		relations, err := r.RelationsTo(c.ctx(), ids, "botUser")
		if err != nil {
			return nil, err
		}
		users := make([]entity.ID, len(relations))
		for i, rel := range relations {
			users[i] = rel.From
		}
		found, err := r.Entities(c.ctx(), users)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			names[row.Name] = true
		}
		if len(rows) < 500 {
			return names, nil
		}
		after = rows[len(rows)-1].FQN
	}
}

// find returns one entry more than asked for, if there are so many, the newest first.
func (s *auditSearch) find() ([]auditLog, error) {
	changes, err := s.changes()
	if err != nil {
		return nil, err
	}
	trail, err := s.trail()
	if err != nil {
		return nil, err
	}
	// Each source keeps its order, or places would leave entries out.
	var all []auditLog
	for len(all) <= s.limit && len(changes)+len(trail) > 0 {
		from := &changes
		if len(changes) == 0 || len(trail) > 0 && (changes[0].EventTS < trail[0].EventTS) != s.backwards {
			from = &trail
		}
		all = append(all, (*from)[0])
		*from = (*from)[1:]
	}
	if s.backwards {
		slices.Reverse(all)
	}
	return all, nil
}

// changes are those of the catalog.
func (s *auditSearch) changes() ([]auditLog, error) {
	q := store.EventQuery{Before: s.place.Seq, Newest: true, Since: s.from, To: s.to, Limit: s.limit + 1}
	if s.backwards {
		q.Before, q.Newest, q.After = 0, false, s.place.Seq-1
	}
	if s.event != "" {
		q.Types = map[string][]string{s.event: {cmp.Or(s.typ, "*")}}
	}
	found, err := s.c.engine.SearchChanges(s.c.ctx(), s.c.by, q, func(ev store.Event) bool { return ev.EntityType != entity.TypeThread && s.fits(s.ofEvent(ev)) }, s.c.base())
	if err != nil {
		return nil, err
	}
	out := make([]auditLog, len(found))
	for i, ev := range found {
		out[i] = s.ofEvent(store.Event{
			Seq: ev.Seq, ID: ev.ID, Type: ev.EventType, EntityType: ev.EntityType, EntityID: ev.EntityID, EntityFQN: ev.EntityFullyQualifiedName, At: ev.Timestamp, User: ev.UserName, Bot: ev.ImpersonatedBy,
		})
		out[i].ChangeEvent = &found[i]
	}
	return out, nil
}

func (s *auditSearch) ofEvent(ev store.Event) auditLog {
	return auditLog{
		ID: int64(ev.Seq), ChangeEventID: ev.ID, EventTS: ev.At, CreatedAt: ev.At, EventType: ev.Type, UserName: ev.User, ActorType: s.kindOf(ev.User), ImpersonatedBy: ev.Bot,
		ServiceName: s.serviceOf(ev.EntityType, ev.EntityFQN), EntityType: ev.EntityType, EntityID: ev.EntityID, EntityFQN: ev.EntityFQN,
	}
}

func (s *auditSearch) kindOf(user string) string {
	if s.bots[user] {
		return actorBot
	}
	return actorPerson
}

// serviceOf is the service that an entity belongs to, by the first part of its name.
func (s *auditSearch) serviceOf(typ, fqn string) string {
	t, ok := s.c.engine.Registry().ByName(typ)
	for ok && len(t.Parents) > 0 {
		above := t.Parents[len(t.Parents)-1].Type
		if above == t.Name { // a tree of its own, such as teams
			return ""
		}
		t, ok = s.c.engine.Registry().ByName(above)
	}
	if !ok || !strings.HasSuffix(t.Name, "Service") {
		return ""
	}
	parts, err := entity.SplitFQN(fqn)
	if err != nil || len(parts) == 0 {
		return ""
	}
	return parts[0]
}

// trail is what was done about accounts, tokens, keys and settings.
func (s *auditSearch) trail() ([]auditLog, error) {
	const ties = 64 // entries of one time, of which some may be left out
	q := auth.AuditQuery{From: s.from, To: s.place.At, Limit: s.limit + 1, Match: func(e auth.AuditEntry) bool {
		return s.place.older(e.At, e.Key) && s.fits(s.ofEntry(e))
	}}
	if s.to > 0 {
		q.To = min(q.To, s.to)
	}
	if s.backwards {
		q.OldestFirst, q.From, q.To, q.Limit = true, max(s.from, s.place.At), s.to, s.limit+ties
		q.Match = func(e auth.AuditEntry) bool { return !s.place.older(e.At, e.Key) && s.fits(s.ofEntry(e)) }
	}
	found, err := s.c.auth.FindAudit(s.c.ctx(), q)
	if err != nil {
		return nil, err
	}
	if s.backwards { // the reverse of the list, within a time, too
		slices.SortStableFunc(found, func(a, b auth.AuditEntry) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(b.Key, a.Key)) })
	}
	out := make([]auditLog, len(found))
	for i, e := range found {
		out[i] = s.ofEntry(e)
	}
	return out, nil
}

// eventOf names what clients have a name for; the rest goes by the trail's own.
func eventOf(action string) string {
	switch action {
	case "signIn":
		return "userLogin"
	case "signOut", "signOutEverywhere", "signOutByProvider":
		return "userLogout"
	}
	return action
}

func (s *auditSearch) ofEntry(e auth.AuditEntry) auditLog {
	out := auditLog{
		ID: e.At<<10 | int64(crc32.ChecksumIEEE([]byte(e.Key))&1023), EventTS: e.At, CreatedAt: e.At, EventType: eventOf(e.Action), UserName: cmp.Or(e.By, e.User), key: e.Key,
	}
	if e.User != "" {
		out.EntityType, out.EntityFQN = "user", e.User
	}
	if e.Action == "actedOnBehalf" {
		out.UserName, out.ImpersonatedBy = e.User, e.By
	}
	out.ActorType = s.kindOf(out.UserName)
	return out
}

// fits tells whether an entry is asked for.
func (s *auditSearch) fits(e auditLog) bool {
	for _, pair := range [][2]string{
		{s.user, e.UserName}, {s.actor, e.ActorType}, {s.service, e.ServiceName}, {s.typ, e.EntityType}, {s.fqn, e.EntityFQN}, {s.event, e.EventType},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return s.text == "" || strings.Contains(strings.ToLower(strings.Join([]string{e.UserName, e.EntityFQN, e.EntityType, e.EventType, e.ServiceName}, " ")), s.text)
}
