package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// threadFilter selects threads.
type threadFilter struct {
	query    store.RecordQuery
	link     *entity.Link
	typ      string
	task     string
	resolved *bool
	active   bool // announcements that hold now
	person   func(feed.Thread) bool
	now      int64
}

func (f *threadFilter) fits(t feed.Thread) bool {
	switch {
	case f.typ != "" && t.Type != f.typ:
		return false
	case f.task != "" && (t.Task == nil || t.Task.Status != f.task):
		return false
	case f.resolved != nil && t.Resolved != *f.resolved:
		return false
	case f.active && !holds(t.Announcement, f.now):
		return false
	}
	return (f.link == nil || f.below(t.About)) && (f.person == nil || f.person(t))
}

// holds tells whether an announcement is in force.
func holds(p *feed.Period, now int64) bool { return p != nil && p.Start <= now && now <= p.End }

// below tells whether a thread is about what the filter's link points at, or
// about a part of it.
func (f *threadFilter) below(about string) bool {
	link, err := entity.ParseLink(about)
	if err != nil {
		return false
	}
	return (f.link.Field == "" || f.link.Field == link.Field) && (f.link.Item == "" || f.link.Item == link.Item) && (f.link.Sub == "" || f.link.Sub == link.Sub)
}

// threadFilter reads the parameters of the feed.
func (c *call) threadFilter() (threadFilter, error) {
	f := threadFilter{
		query: store.RecordQuery{Kind: threadKind, Any: true}, typ: c.query.Get("type"), task: c.query.Get("taskStatus"), now: millis(),
	}
	if text := c.query.Get("resolved"); text != "" {
		resolved, err := c.flag("resolved", false)
		if err != nil {
			return f, err
		}
		f.resolved = &resolved
	}
	var err error
	if f.active, err = c.flag("activeAnnouncement", false); err != nil {
		return f, err
	}
	if text := c.query.Get("entityLink"); text != "" {
		t, sel, link, err := c.linked(text)
		if err != nil {
			return f, err
		}
		f.link = &link
		err = c.read(t, sel, policy.ViewBasic, func(_ store.Reader, row store.Row) error {
			f.query.Owner, f.query.Any = row.ID.String(), false
			return nil
		})
		if err != nil {
			return f, err
		}
	}
	f.person, err = c.personFilter()
	return f, err
}

// personFilter restricts to threads that have to do with a user.
func (c *call) personFilter() (func(feed.Thread) bool, error) {
	text := c.query.Get("userId")
	if text == "" {
		return nil, nil
	}
	id, err := entity.ParseID(text)
	if err != nil {
		return nil, err
	}
	kind := c.query.Get("filterType")
	name, linked, err := c.linkedTo(id, personRelations[kind])
	if err != nil {
		return nil, err
	}
	mine, err := c.selfAndTeams(entity.Principal{UserID: id, Name: name})
	if err != nil {
		return nil, err
	}
	assigned := func(t feed.Thread) bool {
		return t.Task != nil && slices.ContainsFunc(t.Task.Assignees, func(r entity.Ref) bool { return mine[r.ID] })
	}
	switch kind {
	case "OWNER", "FOLLOWS", "OWNER_OR_FOLLOWS":
		return func(t feed.Thread) bool { return linked[t.Entity.ID] }, nil
	case "ASSIGNED_TO":
		return assigned, nil
	case "ASSIGNED_BY":
		return func(t feed.Thread) bool { return t.Task != nil && t.CreatedBy == name }, nil
	case "MENTIONS":
		return func(t feed.Thread) bool { return mentions(t, name) }, nil
	case "":
		return func(t feed.Thread) bool { return t.CreatedBy == name || linked[t.Entity.ID] || assigned(t) }, nil
	}
	return nil, entity.BadRequest("query param filterType must be one of [OWNER, MENTIONS, FOLLOWS, ASSIGNED_TO, ASSIGNED_BY, OWNER_OR_FOLLOWS]")
}

// personRelations are the relations to entities that the filters of the feed ask
// for; those that are not listed ask for none.
var personRelations = map[string][]string{
	"": {"owners", engine.RelationFollows}, "OWNER_OR_FOLLOWS": {"owners", engine.RelationFollows},
	"OWNER": {"owners"}, "FOLLOWS": {engine.RelationFollows},
}

// linkedTo returns the name of a user and the entities the user owns or follows.
func (c *call) linkedTo(user entity.ID, kinds []string) (name string, linked map[entity.ID]bool, err error) {
	t, err := c.userType()
	if err != nil {
		return "", nil, err
	}
	linked = map[entity.ID]bool{}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.engine.Row(c.ctx(), r, t, engine.ByID(user))
		if err != nil || len(kinds) == 0 {
			name = row.Name
			return err
		}
		name = row.Name
		relations, err := r.RelationsFrom(c.ctx(), []entity.ID{user}, kinds...)
		for _, rel := range relations {
			linked[rel.To] = true
		}
		return err
	})
	return name, linked, err
}

// mentions tells whether the thread or one of its posts links to the user.
func mentions(t feed.Thread, name string) bool {
	in := func(text string) bool {
		return slices.ContainsFunc(entity.Mentioned(text), func(link entity.Link) bool { return link.Type == "user" && strings.EqualFold(link.FQN, name) })
	}
	return in(t.Message) || slices.ContainsFunc(t.Posts, func(p feed.Post) bool { return in(p.Message) })
}

// scanThreads visits the threads that fit, the last changed first.
func (c *call) scanThreads(f threadFilter, visit func(feed.Thread)) error {
	var bad error
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		return c.scanSeen(r, f.query, policy.ViewBasic, func(rec store.Record) bool {
			var thread feed.Thread
			if thread, bad = readThread(rec); bad != nil {
				return false
			}
			if f.fits(thread) {
				visit(thread)
			}
			return true
		})
	})
	if err == nil {
		err = bad
	}
	return err
}

// listThreads answers a page of the feed.
func (c *call) listThreads() error {
	posts, err := c.number("limitPosts", 3, 0, feed.MaxPosts)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 10, 0, maxPoints)
	if err != nil {
		return err
	}
	if c.query.Get("after") != "" && c.query.Get("before") != "" {
		return entity.BadRequest("Only one of before or after query parameter allowed")
	}
	offset, err := timeseries.Offset(c.query.Get("after") + c.query.Get("before"))
	if err != nil {
		return err
	}
	f, err := c.threadFilter()
	if err != nil {
		return err
	}
	total := 0
	data := []feed.Thread{}
	err = c.scanThreads(f, func(thread feed.Thread) {
		if total >= offset && len(data) < limit {
			thread.Shorten(posts)
			thread.Href = c.threadHref(thread)
			data = append(data, thread)
		}
		total++
	})
	if err != nil {
		return err
	}
	out := newPage(data, total)
	if end := offset + len(data); end < total && len(data) > 0 {
		out.Paging.After = strconv.Itoa(end)
	}
	if offset > 0 {
		out.Paging.Before = strconv.Itoa(max(0, offset-limit))
	}
	return c.json(http.StatusOK, out)
}

// threadCount counts the threads on one thing.
type threadCount struct {
	Link          string `json:"entityLink"`
	Conversations int    `json:"conversationCount"`
	OpenTasks     int    `json:"openTaskCount"`
	ClosedTasks   int    `json:"closedTaskCount"`
	Tasks         int    `json:"totalTaskCount"`
	Announcements int    `json:"totalAnnouncementCount"`
}

func (n *threadCount) add(t feed.Thread) {
	switch {
	case t.Type == feed.Announcement:
		n.Announcements++
	case t.Task == nil:
		n.Conversations++
	case t.Task.Status == feed.Closed:
		n.ClosedTasks++
		n.Tasks++
	default:
		n.OpenTasks++
		n.Tasks++
	}
}

// countThreads answers how many threads there are on what a link points at, one
// row for the entity and for each of its parts.
func (c *call) countThreads() error {
	f, err := c.threadFilter()
	if err != nil {
		return err
	}
	counts := map[string]*threadCount{}
	err = c.scanThreads(f, func(thread feed.Thread) {
		if counts[thread.About] == nil {
			counts[thread.About] = &threadCount{Link: thread.About}
		}
		counts[thread.About].add(thread)
	})
	if err != nil {
		return err
	}
	out := make([]threadCount, 0, len(counts))
	for _, n := range counts {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b threadCount) int { return strings.Compare(a.Link, b.Link) })
	return c.json(http.StatusOK, newPage(out, len(out)))
}
