package api

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// reviewInFeed keeps the task of the reviewers in line with the review of an entity:
// it is there as long as the review goes on, for those who review.
func reviewInFeed(ctx context.Context, tx store.Tx, review engine.Review) error {
	open, err := openApprovals(ctx, tx, review.Entity.ID)
	if err != nil {
		return err
	}
	now := millis()
	for _, thread := range open {
		event := entity.EventThreadUpdated
		if !review.Open {
			event = entity.EventTaskClosed
		}
		if review.Open {
			thread.Task.Assignees, thread.UpdatedAt, thread.UpdatedBy = review.Reviewers, now, review.By.Name
		} else if err := thread.Close(review.By.Name, strings.ToLower(review.Status), now); err != nil {
			return err
		}
		if err := storeThread(ctx, tx, thread, review.By, event); err != nil {
			return err
		}
	}
	if !review.Open || len(open) > 0 || len(review.Reviewers) == 0 {
		return nil
	}
	thread := feed.Thread{
		ID: entity.NewID(), Type: feed.TaskThread, At: now, About: entity.Link{Type: review.Entity.Type, FQN: review.Entity.FullyQualifiedName}.String(), Entity: &review.Entity,
		CreatedBy: review.By.Name, UpdatedBy: review.By.Name, UpdatedAt: now, Message: "Approval required for " + review.Entity.FullyQualifiedName,
		Posts: []feed.Post{}, Reactions: []feed.Reaction{},
		Task: &feed.Task{Type: feed.RequestApproval, Status: feed.Open, Assignees: review.Reviewers},
	}
	if thread.Task.ID, err = numberTask(ctx, tx, review.Entity.ID, thread.ID); err != nil {
		return err
	}
	return storeThread(ctx, tx, thread, review.By, entity.EventThreadCreated)
}

// openApprovals are the tasks that wait for an approval of an entity: one at most.
func openApprovals(ctx context.Context, r store.Reader, id entity.ID) ([]feed.Thread, error) {
	var open []feed.Thread
	var bad error
	err := timeseries.Scan(ctx, r, store.RecordQuery{Kind: threadKind, Owner: id.String()}, maxScan, nil, func(rec store.Record) bool {
		var thread feed.Thread
		if thread, bad = readThread(rec); bad != nil {
			return false
		}
		if thread.Task != nil && thread.Task.Type == feed.RequestApproval && thread.Task.Status == feed.Open {
			open = append(open, thread)
		}
		return true
	})
	if err == nil {
		err = bad
	}
	return open, err
}

// resolveApproval approves or rejects what a task is about. Those who are asked may,
// as long as they still review it, which the engine knows.
func (c *call) resolveApproval(t *registry.Type, thread *feed.Thread, value string) error {
	status := map[string]string{"approved": engine.StatusApproved, "rejected": engine.StatusRejected}[strings.ToLower(strings.TrimSpace(value))]
	if status == "" {
		return entity.BadRequest("newValue must be approved or rejected")
	}
	mine, err := c.assigned(*thread)
	if err != nil {
		return err
	}
	if !mine {
		return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not a reviewer. Only those who are asked may approve or reject.", c.by.Name)
	}
	return c.endReview(t, thread, status, strings.ToLower(status), "")
}

// endReview takes an entity out of its review and closes the task.
func (c *call) endReview(t *registry.Type, thread *feed.Thread, status, value, comment string) error {
	id := thread.ID
	_, err := c.engine.Edit(c.ctx(), c.by, t, engine.ByID(thread.Entity.ID), []policy.Operation{policy.ViewBasic}, engine.View{}, func(tx store.Tx, ent *entity.Entity) error {
		var err error
		if *thread, err = c.threadByID(tx, id); err != nil {
			return err
		}
		if err := c.closeThread(thread, value, comment); err != nil {
			return err
		}
		raw, err := encoded(status)
		if err != nil {
			return err
		}
		if ent.Rest == nil {
			ent.Rest = map[string]jsontext.Value{}
		}
		ent.Rest["entityStatus"] = raw
		return c.putThread(tx, *thread, entity.EventTaskResolved)
	})
	return err
}

// withdraw closes a task of reviewers without an approval: what it is about is a draft
// again. Whoever may end the task may do so.
func (c *call) withdraw(t *registry.Type, thread *feed.Thread, comment string) error {
	mine, err := c.assigned(*thread)
	if err != nil {
		return err
	}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error { return c.mayEnd(r, t, thread, mine) })
	if err != nil {
		return err
	}
	return c.endReview(t, thread, engine.StatusDraft, "", comment)
}
