package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// numberTask gives a task the next number.
func numberTask(ctx context.Context, tx store.Tx, owner, thread entity.ID) (int64, error) {
	var last int64
	rec, err := tx.Record(ctx, taskCounterKind, "", "")
	if err == nil {
		err = json.Unmarshal(rec.Doc, &last)
	}
	if err != nil && !missing(err) {
		return 0, err
	}
	last++
	id, err := encoded(thread)
	if err != nil {
		return 0, err
	}
	return last, tx.PutRecord(ctx,
		store.Record{Kind: taskCounterKind, At: millis(), Doc: []byte(strconv.FormatInt(last, 10))},
		store.Record{Kind: taskKind, Owner: owner.String(), Key: timeseries.Key(last), At: millis(), Doc: id})
}

// taskThread finds the thread of the task that the path names by its number.
func (c *call) taskThread() (feed.Thread, *registry.Type, error) {
	number, err := c.pathTime("id")
	if err != nil {
		return feed.Thread{}, nil, entity.BadRequest("tasks are named by their number")
	}
	var thread feed.Thread
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rec, err := timeseries.Find(c.ctx(), r, taskKind, timeseries.Key(number))
		if missing(err) {
			return entity.NotFound("Task", strconv.FormatInt(number, 10))
		}
		if err != nil {
			return err
		}
		var id entity.ID
		if err := json.Unmarshal(rec.Doc, &id); err != nil {
			return entity.Internal(err)
		}
		thread, err = c.threadByID(r, id)
		return err
	})
	if err != nil {
		return thread, nil, err
	}
	t, err := c.entityType(thread.Entity.Type)
	return thread, t, err
}

func (c *call) getTask() error {
	thread, _, err := c.taskThread()
	if err != nil {
		return err
	}
	return c.threaded(http.StatusOK, thread)
}

// resolveTask does what the task asks for. To be asked gives no rights: whoever
// resolves it must be allowed to change the entity.
func (c *call) resolveTask() error {
	body, err := c.validated("api/feed/resolveTask.json")
	if err != nil {
		return err
	}
	var request struct {
		Value string `json:"newValue"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the request cannot be read")
	}
	thread, t, err := c.taskThread()
	if err != nil {
		return err
	}
	switch {
	case thread.Task.AsksForDescription() || thread.Task.AsksForTags():
		err = c.resolveByEdit(t, &thread, request.Value)
	case thread.Task.Type == feed.RequestApproval:
		err = c.resolveApproval(t, &thread, request.Value)
	case thread.Task.Type == feed.FeedbackApproval:
		err = c.resolveFeedback(t, &thread, request.Value)
	default:
		err = c.endTask(t, &thread, request.Value, "", entity.EventTaskResolved)
	}
	if err != nil {
		return err
	}
	return c.threaded(http.StatusOK, thread)
}

// resolveByEdit changes the entity and closes the task in one transaction.
func (c *call) resolveByEdit(t *registry.Type, thread *feed.Thread, value string) error {
	change, err := thread.Task.Resolution(value)
	if err != nil {
		return err
	}
	link, err := entity.ParseLink(thread.About)
	if err != nil {
		return err
	}
	unchanged := []policy.Operation{policy.EditDescription}
	if thread.Task.AsksForTags() {
		unchanged = policy.OperationsForLabels(change.Tags)
	}
	id, sel := thread.ID, engine.ByID(thread.Entity.ID)
	_, err = c.engine.Revise(c.ctx(), c.by, t, sel, unchanged, engine.View{}, func(tx store.Tx, ent *entity.Entity) error {
		if *thread, err = c.threadByID(tx, id); err != nil {
			return err
		}
		if err := thread.Close(c.by.Name, value, millis()); err != nil {
			return err
		}
		if err := feed.Apply(t, ent, link, change); err != nil {
			return err
		}
		return c.putThread(tx, *thread, entity.EventTaskResolved)
	})
	return err
}

// closeTask ends a task without doing what it asks for.
func (c *call) closeTask() error {
	body, err := c.validated("api/feed/closeTask.json")
	if err != nil {
		return err
	}
	var request struct {
		Comment string `json:"comment"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the request cannot be read")
	}
	thread, t, err := c.taskThread()
	if err != nil {
		return err
	}
	switch thread.Task.Type {
	case feed.RequestApproval:
		err = c.withdraw(t, &thread, request.Comment)
	case feed.FeedbackApproval:
		err = c.rejectFeedback(t, &thread, "", request.Comment, entity.EventTaskClosed)
	default:
		err = c.endTask(t, &thread, "", request.Comment, entity.EventTaskClosed)
	}
	if err != nil {
		return err
	}
	return c.threaded(http.StatusOK, thread)
}

// endTask closes a task. Its author may, those it is assigned to, and who may
// edit the entity.
func (c *call) endTask(t *registry.Type, thread *feed.Thread, value, comment, event string) error {
	mine, err := c.assigned(*thread)
	if err != nil {
		return err
	}
	id := thread.ID
	return c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		if *thread, err = c.threadByID(tx, id); err != nil {
			return err
		}
		if err := c.mayEnd(tx, t, thread, mine); err != nil {
			return err
		}
		if err := c.closeThread(thread, value, comment); err != nil {
			return err
		}
		return c.putThread(tx, *thread, event)
	})
}

// closeThread closes a task with what came of it and, unless that is "", a comment.
func (c *call) closeThread(thread *feed.Thread, value, comment string) error {
	now := millis()
	if err := thread.Close(c.by.Name, value, now); err != nil || comment == "" {
		return err
	}
	return thread.AddPost(c.by.Name, comment, now)
}

// mayEnd lets in whose task it is, who asked, and who may change what it is about.
func (c *call) mayEnd(r store.Reader, t *registry.Type, thread *feed.Thread, mine bool) error {
	if mine || thread.CreatedBy == c.by.Name {
		return nil
	}
	_, err := c.engine.RowFor(c.ctx(), r, c.by, t, engine.ByID(thread.Entity.ID), policy.EditAll)
	return err
}

// assigned tells whether a task is for the caller or a team of theirs.
func (c *call) assigned(thread feed.Thread) (bool, error) {
	ids, err := c.selfAndTeams(c.by)
	if err != nil {
		return false, err
	}
	for _, to := range thread.Task.Assignees {
		if ids[to.ID] {
			return true, nil
		}
	}
	return false, nil
}

// selfAndTeams returns the ids of a user and of the teams the user is in.
func (c *call) selfAndTeams(who entity.Principal) (map[entity.ID]bool, error) {
	ids := map[entity.ID]bool{who.UserID: true}
	s, err := c.engine.Subject(c.ctx(), who)
	if err != nil {
		return nil, err
	}
	for _, team := range s.Teams {
		ids[team.ID] = true
	}
	return ids, nil
}
