package api

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Feedback on a label that a machine has put on is applied, which takes the label away and
// tells the recognizers of the tag to leave the place alone, or rejected. The reviewers of
// the tag decide; where there are none, or one of them says it, it is applied at once if
// the author may take the label away. Being asked gives no right to that, either.

// The states of feedback that was decided about.
const (
	appliedStatus  = "APPLIED"
	rejectedStatus = "REJECTED"
)

// whoDecides tells whom feedback waits for, and whether it waits for nobody.
func (c *call) whoDecides(t, of *registry.Type, row store.Row, kept keptFeedback) (asked []entity.Ref, now bool, err error) {
	tag, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(kept.Tag), engine.View{Fields: engine.FieldsOf("reviewers")})
	if err != nil {
		return nil, false, err
	}
	asked = tag.Reviewers
	ids, err := c.selfAndTeams(c.by)
	if err != nil {
		return nil, false, err
	}
	if len(asked) > 0 && !slices.ContainsFunc(asked, func(ref entity.Ref) bool { return ids[ref.ID] }) {
		return asked, false, nil
	}
	_, err = c.engine.AuthorizeEntity(c.ctx(), c.by, of, engine.ByID(row.ID), policy.OperationForLabel(kept.Feedback.Tag, "Classification"))
	if err != nil && entity.KindOf(err) == entity.KindForbidden {
		return asked, false, nil
	}
	return asked, err == nil, err
}

// askReviewers keeps feedback and, if there are reviewers, makes their task.
func (c *call) askReviewers(tx store.Tx, row store.Row, kept *keptFeedback, asked []entity.Ref) error {
	if err := c.putFeedback(tx, row.ID, kept); err != nil || len(asked) == 0 {
		return err
	}
	shown := kept.Feedback
	shown.Samples = nil // for those who may see samples, where they are asked for
	raw, err := encoded(shown)
	if err != nil {
		return err
	}
	thread := feed.Thread{
		ID: entity.NewID(), Type: feed.TaskThread, At: shown.CreatedAt, About: shown.Link, Entity: &entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN},
		CreatedBy: c.by.Name, UpdatedBy: c.by.Name, UpdatedAt: shown.CreatedAt, Message: "Is the label " + shown.Tag + " wrong here?", Posts: []feed.Post{}, Reactions: []feed.Reaction{},
		Task: &feed.Task{Type: feed.FeedbackApproval, Status: feed.Open, Feedback: raw, Recognizer: kept.Recognizer},
	}
	for _, ref := range asked {
		ref.Inherited, ref.Href = false, ""
		thread.Task.Assignees = append(thread.Task.Assignees, ref)
	}
	if thread.Task.ID, err = numberTask(c.ctx(), tx, row.ID, thread.ID); err != nil {
		return err
	}
	return c.putThread(tx, thread, entity.EventThreadCreated)
}

func (c *call) putFeedback(tx store.Tx, about entity.ID, kept *keptFeedback) error {
	doc, err := encoded(kept)
	if err != nil {
		return err
	}
	f := &kept.Feedback
	return tx.PutRecord(c.ctx(), store.Record{Kind: feedbackKind, Owner: about.String(), Key: f.ID.String(), At: f.CreatedAt, Doc: doc})
}

// settle notes what was decided about feedback.
func (c *call) settle(kept *keptFeedback, status, action, notes string) error {
	if kept.Feedback.Status != pendingStatus {
		return entity.BadRequest("the feedback was decided about already: it is %s", kept.Feedback.Status)
	}
	resolution := map[string]any{"action": action, "resolvedBy": c.me(), "resolvedAt": millis()}
	if notes != "" {
		resolution["resolutionNotes"] = notes
	}
	raw, err := encoded(resolution)
	if err != nil {
		return err
	}
	if kept.Feedback.Rest == nil {
		kept.Feedback.Rest = map[string]jsontext.Value{}
	}
	kept.Feedback.Status, kept.Feedback.Rest["resolution"] = status, raw
	return nil
}

// applyFeedback takes the label away and makes the place an exception of the recognizers
// of the tag, in one transaction with what also does. The caller must be allowed to take
// the label away.
func (c *call) applyFeedback(of *registry.Type, about entity.ID, link entity.Link, kept *keptFeedback, also func(tx store.Tx) error) error {
	before := *kept
	unchanged := []policy.Operation{policy.OperationForLabel(kept.Feedback.Tag, "Classification")}
	_, err := c.engine.Revise(c.ctx(), c.by, of, engine.ByID(about), unchanged, engine.View{}, func(tx store.Tx, ent *entity.Entity) error {
		*kept = before // the transaction may run more than once
		kept.Feedback.Rest = cloneMembers(before.Feedback.Rest)
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		tag, err := tx.Entity(c.ctx(), kept.Tag)
		if err != nil {
			return err
		}
		labels, err := feed.LabelsAt(of, ent, link)
		if err != nil {
			return err
		}
		labels = slices.DeleteFunc(slices.Clone(labels), func(l entity.TagLabel) bool { return l.TagFQN == tag.FQN && l.LabelType == "Generated" })
		if err := feed.Apply(of, ent, link, feed.Change{Tags: labels, SetTags: true}); err != nil {
			return err
		}
		action, err := c.exceptPlace(tx, tag, kept)
		if err != nil {
			return err
		}
		if err := c.settle(kept, appliedStatus, action, ""); err != nil {
			return err
		}
		return c.putFeedback(tx, about, kept)
	})
	return err
}

func cloneMembers(members map[string]jsontext.Value) map[string]jsontext.Value {
	out := make(map[string]jsontext.Value, len(members))
	for name, value := range members {
		out[name] = value
	}
	return out
}

// exceptPlace adds the place that feedback is about to the exceptions of the recognizer
// that had found it, or of all recognizers of the tag when that is not known.
func (c *call) exceptPlace(tx store.Tx, tag store.Row, kept *keptFeedback) (action string, err error) {
	ent, err := engine.Decode(tag)
	if err != nil {
		return "", err
	}
	var recognizers []map[string]jsontext.Value
	if raw := ent.Rest["recognizers"]; raw != nil {
		if err := json.Unmarshal(raw, &recognizers); err != nil {
			return "", entity.Internal(err)
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(recognizers), func(r map[string]jsontext.Value) bool { return !kept.found(r) })
	if len(chosen) == 0 {
		chosen = recognizers
	}
	if len(chosen) == 0 {
		return "NO_ACTION_NEEDED", nil
	}
	for _, recognizer := range chosen {
		if err := kept.except(recognizer); err != nil {
			return "", err
		}
	}
	raw, err := encoded(recognizers)
	if err != nil {
		return "", err
	}
	return "ADDED_TO_EXCEPTION_LIST", c.engine.Amend(c.ctx(), tx, c.by, tag, map[string]jsontext.Value{"recognizers": raw})
}

// found tells whether a recognizer is the one that had found the label. Those that the
// server brings along have names alone.
func (k *keptFeedback) found(recognizer map[string]jsontext.Value) bool {
	var by struct {
		ID   string                    `json:"recognizerId"`
		Name string                    `json:"recognizerName"`
		Rest map[string]jsontext.Value `json:",embed"`
	}
	if k.Recognizer == nil || json.Unmarshal(k.Recognizer, &by) != nil {
		return false
	}
	if id := stringMember(recognizer["id"]); id != "" {
		return strings.EqualFold(id, by.ID)
	}
	return stringMember(recognizer["name"]) == by.Name
}

// except adds the place to the exceptions of a recognizer, once.
func (k *keptFeedback) except(recognizer map[string]jsontext.Value) error {
	var list []map[string]jsontext.Value
	if raw := recognizer["exceptionList"]; raw != nil {
		if err := json.Unmarshal(raw, &list); err != nil {
			return entity.Internal(err)
		}
	}
	reason := []string{}
	for _, name := range []string{"userReason", "userComments"} {
		if text := stringMember(k.Feedback.Rest[name]); text != "" {
			reason = append(reason, text)
		}
	}
	exception := map[string]jsontext.Value{}
	for name, value := range map[string]any{
		"entityLink": k.Feedback.Link, "reason": strings.Join(reason, ": "), "addedBy": k.Feedback.CreatedBy.Bare(), "addedAt": millis(), "feedbackId": k.Feedback.ID,
	} {
		raw, err := encoded(value)
		if err != nil {
			return err
		}
		exception[name] = raw
	}
	if slices.ContainsFunc(list, func(e map[string]jsontext.Value) bool {
		return string(e["entityLink"]) == string(exception["entityLink"])
	}) {
		return nil
	}
	raw, err := encoded(append(list, exception))
	recognizer["exceptionList"] = raw
	return err
}

// feedbackOf finds the feedback that a task is about.
func (c *call) feedbackOf(r store.Reader, thread *feed.Thread) (keptFeedback, error) {
	var kept keptFeedback
	var said struct {
		ID   entity.ID                 `json:"id"`
		Rest map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(thread.Task.Feedback, &said); err != nil {
		return kept, entity.Internal(err)
	}
	rec, err := r.Record(c.ctx(), feedbackKind, thread.Entity.ID.String(), said.ID.String())
	if missing(err) {
		return kept, entity.NotFound(feedbackKind, said.ID.String())
	}
	if err == nil {
		err = json.Unmarshal(rec.Doc, &kept)
	}
	return kept, err
}

// resolveFeedback applies or rejects the feedback that a task is about. Those who are asked
// decide, and must be allowed to take the label away.
func (c *call) resolveFeedback(t *registry.Type, thread *feed.Thread, value string) error {
	mine, err := c.assigned(*thread)
	if err != nil {
		return err
	}
	if !mine {
		return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not a reviewer. Only those who are asked may approve or reject.", c.by.Name)
	}
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "rejected":
		return c.rejectFeedback(t, thread, "rejected", "", entity.EventTaskResolved)
	case "approved":
	default:
		return entity.BadRequest("newValue must be approved or rejected")
	}
	link, err := entity.ParseLink(thread.About)
	if err != nil {
		return err
	}
	var kept keptFeedback
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		kept, err = c.feedbackOf(r, thread)
		return err
	})
	if err != nil {
		return err
	}
	id := thread.ID
	return c.applyFeedback(t, thread.Entity.ID, link, &kept, func(tx store.Tx) error {
		if *thread, err = c.threadByID(tx, id); err != nil {
			return err
		}
		if err := c.closeThread(thread, "approved", ""); err != nil {
			return err
		}
		return c.putThread(tx, *thread, entity.EventTaskResolved)
	})
}

// rejectFeedback leaves the label where it is and closes the task: for those who are asked,
// who gave the feedback, and who may change what it is about.
func (c *call) rejectFeedback(t *registry.Type, thread *feed.Thread, value, comment, event string) error {
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
		kept, err := c.feedbackOf(tx, thread)
		if err != nil {
			return err
		}
		if err := c.closeThread(thread, value, comment); err != nil {
			return err
		}
		if err := c.settle(&kept, rejectedStatus, "NO_ACTION_NEEDED", comment); err != nil {
			return err
		}
		if err := c.putFeedback(tx, thread.Entity.ID, &kept); err != nil {
			return err
		}
		return c.putThread(tx, *thread, event)
	})
}
