package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// Kinds of the records of the feed. Threads belong to the entity they are about
// and are keyed by their id; tasks have a number besides, which leads to the
// thread.
const (
	threadKind      = "thread"
	taskKind        = "task"
	taskCounterKind = "taskCounter"
)

// feedRoutes serve threads, their posts, and tasks.
func (a *API) feedRoutes() []Route {
	const base = "/api/v1/feed"
	route := func(method, path string, handle func(*call) error) Route {
		r := Route{Method: method, Path: base + path, Access: Authenticated, MaxBody: 1 << 20, Handle: handle}
		if method == http.MethodPatch {
			r.Accepts = patchTypes
		}
		return r
	}
	return []Route{
		route(http.MethodGet, "", (*call).listThreads),
		route(http.MethodPost, "", (*call).addThread),
		route(http.MethodGet, "/count", (*call).countThreads),
		route(http.MethodGet, "/tasks/{id}", (*call).getTask),
		route(http.MethodPut, "/tasks/{id}/resolve", (*call).resolveTask),
		route(http.MethodPut, "/tasks/{id}/close", (*call).closeTask),
		route(http.MethodGet, "/{id}", (*call).getThread),
		route(http.MethodPatch, "/{id}", (*call).patchThread),
		route(http.MethodDelete, "/{id}", (*call).deleteThread),
		route(http.MethodGet, "/{id}/posts", (*call).listPosts),
		route(http.MethodPost, "/{id}/posts", (*call).addPost),
		route(http.MethodPatch, "/{id}/posts/{postId}", (*call).patchPost),
		route(http.MethodDelete, "/{id}/posts/{postId}", (*call).deletePost),
	}
}

// threadRequest is what clients send to begin a thread. Who it is from is the
// caller, whatever the request says.
type threadRequest struct {
	Message     string         `json:"message"`
	About       string         `json:"about"`
	AddressedTo string         `json:"addressedTo"`
	Type        string         `json:"type"`
	Domains     []entity.ID    `json:"domains"`
	Task        *feed.Task     `json:"taskDetails"`
	Period      *feed.Period   `json:"announcementDetails"`
	Chatbot     jsontext.Value `json:"chatbotDetails"`
}

func (c *call) addThread() error {
	body, err := c.validated("api/feed/createThread.json")
	if err != nil {
		return err
	}
	var request threadRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the thread cannot be read")
	}
	thread, err := c.newThread(request)
	if err != nil {
		return err
	}
	t, sel, _, err := c.linked(thread.About)
	if err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		thread.Entity = &entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN}
		if thread.Task != nil {
			if thread.Task.ID, err = numberTask(c.ctx(), tx, row.ID, thread.ID); err != nil {
				return err
			}
		}
		return c.putThread(tx, thread, entity.EventThreadCreated)
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", c.threadHref(thread))
	return c.threaded(http.StatusCreated, thread)
}

// newThread is the thread that a request asks for, with its assignees looked up.
func (c *call) newThread(request threadRequest) (feed.Thread, error) {
	thread := feed.Thread{
		ID: entity.NewID(), Type: request.Type, At: millis(), About: request.About, AddressedTo: request.AddressedTo,
		CreatedBy: c.by.Name, UpdatedBy: c.by.Name, Message: request.Message, Posts: []feed.Post{}, Reactions: []feed.Reaction{},
		Announcement: request.Period, Chatbot: request.Chatbot, Domains: request.Domains,
	}
	thread.UpdatedAt = thread.At
	if thread.Type == "" {
		thread.Type = feed.Conversation
	}
	if thread.Type == feed.TaskThread && request.Task != nil {
		thread.Task = &feed.Task{Type: request.Task.Type, Status: feed.Open, OldValue: request.Task.OldValue, Suggestion: request.Task.Suggestion}
		for _, to := range request.Task.Assignees {
			full, err := c.person(to)
			if err != nil {
				return thread, err
			}
			thread.Task.Assignees = append(thread.Task.Assignees, full)
		}
	}
	if err := thread.Check(); err != nil {
		return thread, err
	}
	switch {
	case thread.Task == nil:
	case thread.Task.Type == feed.RequestApproval:
		return thread, entity.BadRequest("a task that asks for an approval comes by itself when a glossary term goes into review")
	case thread.Task.Type == feed.FeedbackApproval:
		return thread, entity.BadRequest("a task about feedback comes by itself when feedback is given: POST /v1/tags/name/{fqn}/feedback")
	}
	return thread, nil
}

func (c *call) putThread(tx store.Tx, thread feed.Thread, event string) error {
	return storeThread(c.ctx(), tx, thread, c.by, event)
}

// storeThread keeps a thread and, unless event is "", tells the change feed.
func storeThread(ctx context.Context, tx store.Tx, thread feed.Thread, by entity.Principal, event string) error {
	thread.ActingBot = by.Bot
	thread.Href = ""
	doc, err := encoded(thread)
	if err != nil {
		return err
	}
	if event != "" {
		if err := announceThread(ctx, tx, thread, by, event); err != nil {
			return err
		}
	}
	return tx.PutRecord(ctx, store.Record{Kind: threadKind, Owner: thread.Entity.ID.String(), Key: thread.ID.String(), At: thread.UpdatedAt, Doc: doc})
}

// announcedPosts is how many of the newest posts an event of a thread shows.
const announcedPosts = 10

// announceThread writes an event of a thread, with the thread as it is now.
func announceThread(ctx context.Context, tx store.Tx, thread feed.Thread, by entity.Principal, event string) error {
	thread.Shorten(announcedPosts)
	doc, err := encoded(thread)
	if err != nil {
		return err
	}
	return tx.AppendEvent(ctx, store.Event{
		ID: entity.NewID(), Type: event, EntityType: entity.TypeThread, EntityID: thread.ID, At: thread.UpdatedAt, User: by.Name, Bot: by.Bot, Doc: doc,
	})
}

func (c *call) threadHref(thread feed.Thread) string {
	return c.base() + "/v1/feed/" + thread.ID.String()
}

func (c *call) threaded(status int, thread feed.Thread) error {
	thread.Href = c.threadHref(thread)
	return c.json(status, thread)
}

func readThread(rec store.Record) (feed.Thread, error) {
	var thread feed.Thread
	if err := json.Unmarshal(rec.Doc, &thread); err != nil {
		return thread, entity.Internal(err)
	}
	if thread.Entity == nil {
		return thread, entity.Internal(nil)
	}
	return thread, nil
}

// thread finds the one that the path names, about an entity the caller may see.
func (c *call) thread(r store.Reader) (feed.Thread, error) {
	id, err := c.id("id")
	if err != nil {
		return feed.Thread{}, err
	}
	return c.threadByID(r, id)
}

func (c *call) threadByID(r store.Reader, id entity.ID) (feed.Thread, error) {
	rec, err := timeseries.Find(c.ctx(), r, threadKind, id.String())
	if missing(err) {
		return feed.Thread{}, entity.NotFound("Thread", id.String())
	}
	if err != nil {
		return feed.Thread{}, err
	}
	thread, err := readThread(rec)
	if err != nil {
		return thread, err
	}
	t, err := c.entityType(thread.Entity.Type)
	if err != nil {
		return thread, err
	}
	_, err = c.engine.RowFor(c.ctx(), r, c.by, t, engine.ByID(thread.Entity.ID), policy.ViewBasic)
	return thread, err
}

// onThread changes the thread that the path names; change says which event that is.
func (c *call) onThread(status int, change func(thread *feed.Thread) (event string, err error)) error {
	var thread feed.Thread
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		var err error
		if thread, err = c.thread(tx); err != nil {
			return err
		}
		event, err := change(&thread)
		if err != nil {
			return err
		}
		return c.putThread(tx, thread, event)
	})
	if err != nil {
		return err
	}
	return c.threaded(status, thread)
}

func (c *call) getThread() error {
	var thread feed.Thread
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		thread, err = c.thread(r)
		return err
	})
	if err != nil {
		return err
	}
	return c.threaded(http.StatusOK, thread)
}

func (c *call) listPosts() error {
	var thread feed.Thread
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		thread, err = c.thread(r)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, newPage(thread.Posts, len(thread.Posts)))
}

func (c *call) addPost() error {
	body, err := c.validated("api/feed/createPost.json")
	if err != nil {
		return err
	}
	var post feed.Post
	if err := json.Unmarshal(body, &post); err != nil {
		return entity.BadRequest("the post cannot be read")
	}
	return c.onThread(http.StatusCreated, func(thread *feed.Thread) (string, error) {
		return entity.EventPostCreated, thread.AddPost(c.by.Name, post.Message, millis())
	})
}

// authored tells whether the caller may change what the named user wrote.
func (c *call) authored(name string) bool { return c.by.IsAdmin || c.by.Name == name }

func (c *call) patchThread() error {
	patch, err := c.body()
	if err != nil {
		return err
	}
	return c.onThread(http.StatusOK, func(thread *feed.Thread) (string, error) {
		old, err := encoded(thread)
		if err != nil {
			return "", err
		}
		doc, err := c.engine.ApplyPatch(old, patch)
		if err != nil {
			return "", err
		}
		allowed, err := feed.Patched(old, doc, c.by.UserID, c.authored(thread.CreatedBy), "message", "resolved", "announcement")
		if err != nil {
			return "", err
		}
		if allowed, err = c.engine.ValidateBody("entity/feed/thread.json", allowed); err != nil {
			return "", err
		}
		next, err := readThread(store.Record{Doc: allowed})
		if err != nil {
			return "", err
		}
		next.UpdatedAt, next.UpdatedBy = millis(), c.by.Name
		if next.Reactions == nil {
			next.Reactions = []feed.Reaction{}
		}
		event := entity.EventThreadUpdated
		if next.Message == thread.Message && next.Resolved == thread.Resolved && reflect.DeepEqual(next.Announcement, thread.Announcement) {
			event = "" // reactions are nothing to tell others about
		}
		*thread = next
		return event, thread.Check()
	})
}

func (c *call) deleteThread() error {
	var thread feed.Thread
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		var err error
		if thread, err = c.thread(tx); err != nil {
			return err
		}
		if !c.authored(thread.CreatedBy) {
			return entity.Forbidden("only its author or an administrator may delete a thread")
		}
		owner := thread.Entity.ID.String()
		if thread.Task != nil {
			if _, err := tx.DeleteRecord(c.ctx(), taskKind, owner, timeseries.Key(thread.Task.ID)); err != nil {
				return err
			}
		}
		_, err = tx.DeleteRecord(c.ctx(), threadKind, owner, thread.ID.String())
		return err
	})
	if err != nil {
		return err
	}
	return c.threaded(http.StatusOK, thread)
}

// post finds a post of a thread.
func (c *call) post(thread *feed.Thread) (int, error) {
	id, err := c.id("postId")
	if err != nil {
		return 0, err
	}
	for i := range thread.Posts {
		if thread.Posts[i].ID == id {
			return i, nil
		}
	}
	return 0, entity.NotFound("Post", id.String())
}

// onPost changes a post and answers with it.
func (c *call) onPost(change func(thread *feed.Thread, at int) (event string, err error)) error {
	var post feed.Post
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		thread, err := c.thread(tx)
		if err != nil {
			return err
		}
		at, err := c.post(&thread)
		if err != nil {
			return err
		}
		post = thread.Posts[at]
		event, err := change(&thread, at)
		if err != nil {
			return err
		}
		if at < len(thread.Posts) && thread.Posts[at].ID == post.ID {
			post = thread.Posts[at]
		}
		return c.putThread(tx, thread, event)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, post)
}

func (c *call) patchPost() error {
	patch, err := c.body()
	if err != nil {
		return err
	}
	return c.onPost(func(thread *feed.Thread, at int) (string, error) {
		old, err := encoded(thread.Posts[at])
		if err != nil {
			return "", err
		}
		doc, err := c.engine.ApplyPatch(old, patch)
		if err != nil {
			return "", err
		}
		allowed, err := feed.Patched(old, doc, c.by.UserID, c.authored(thread.Posts[at].From), "message")
		if err != nil {
			return "", err
		}
		if allowed, err = c.engine.ValidateBody("entity/feed/thread.json#/$defs/post", allowed); err != nil {
			return "", err
		}
		var next feed.Post
		if err := json.Unmarshal(allowed, &next); err != nil {
			return "", entity.BadRequest("the post cannot be read")
		}
		event := entity.EventPostUpdated
		if next.Message == thread.Posts[at].Message {
			event = ""
		}
		thread.Posts[at] = next
		thread.UpdatedAt = millis()
		return event, nil
	})
}

func (c *call) deletePost() error {
	return c.onPost(func(thread *feed.Thread, at int) (string, error) {
		if !c.authored(thread.Posts[at].From) {
			return "", entity.Forbidden("only its author or an administrator may delete a post")
		}
		thread.Posts = append(thread.Posts[:at:at], thread.Posts[at+1:]...)
		thread.PostsCount = len(thread.Posts)
		return "", nil
	})
}
