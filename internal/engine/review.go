package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The states of the review of a glossary term.
const (
	StatusDraft    = "Draft"
	StatusInReview = "In Review"
	StatusApproved = "Approved"
	StatusRejected = "Rejected"

	statusUnprocessed = "Unprocessed" // nobody has said anything yet
)

// statusField is where an entity says how far its review is.
const statusField = "entityStatus"

// Review tells that the review of an entity begins, changes hands, or is over.
type Review struct {
	Entity    entity.Ref
	Open      bool
	Status    string
	Reviewers []entity.Ref // with names
	By        entity.Principal
}

// OnReview registers a function that keeps the tasks of reviewers in line, in the
// transaction of the write. Register at start only.
func (e *Engine) OnReview(fn func(ctx context.Context, tx store.Tx, review Review) error) {
	e.onReview = append(e.onReview, fn)
}

// inheritedReviewers returns the nearest reviewers on the way to the root.
func (l *lookup) inheritedReviewers(parent entity.ID) []entity.Ref {
	for depth := 0; parent != entity.NilID && depth < maxDepth; depth++ {
		info := l.byID[parent]
		if info == nil {
			break
		}
		if len(info.reviewers) > 0 {
			return info.reviewers
		}
		parent = info.parent
	}
	return nil
}

// inheritsReviewers tells of types that have the reviewers of what they are in.
func inheritsReviewers(typ string) bool { return typ == "glossaryTerm" || typ == "tag" }

// reviewersOf are those who review a state of the entity: its own reviewers, or else
// those of what it is in.
func (w *write) reviewersOf(ctx context.Context, ent *entity.Entity, parent entity.ID) ([]entity.Ref, error) {
	if ent == nil {
		return nil, nil
	}
	if len(ent.Reviewers) > 0 {
		return ent.Reviewers, nil
	}
	if err := w.look.loadAncestors(ctx, []entity.ID{parent}); err != nil {
		return nil, err
	}
	return w.look.inheritedReviewers(parent), nil
}

// isAmong tells whether the caller is one of those people, or in one of those teams.
func (w *write) isAmong(ctx context.Context, refs []entity.Ref) (bool, error) {
	s, err := w.e.subjectIn(ctx, w.tx, w.by.UserID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(refs, func(ref entity.Ref) bool {
		if ref.Type != "team" {
			return ref.ID == w.by.UserID
		}
		for i := range s.Teams {
			if s.Teams[i].ID == ref.ID {
				return true
			}
		}
		return false
	}), nil
}

// review decides what state of its review a glossary term is in. A new one that has
// reviewers waits for them, unless one of them made it; only they approve or reject.
func (w *write) review(ctx context.Context, old *entity.Entity) error {
	if w.t.Name != "glossaryTerm" || w.by.TokenType == entity.System().TokenType {
		return nil
	}
	was, is := "", text(w.in.ent.Rest[statusField])
	if old != nil {
		was = text(old.Rest[statusField])
	}
	if was == is || is == StatusDraft || is == StatusInReview {
		return nil
	}
	reviewers, err := w.reviewersNow(ctx, old)
	if err != nil || len(reviewers) == 0 {
		return err
	}
	reviewer, err := w.isAmong(ctx, reviewers)
	if err != nil {
		return err
	}
	if is, err = w.reviewed(was, is, reviewer, old == nil); err != nil {
		return err
	}
	w.in.ent.Rest[statusField] = jsontext.Value(`"` + is + `"`)
	return nil
}

// reviewersNow are those who decide about a change: the reviewers from before it, so
// that nobody takes them away to decide alone, or else those that there are now.
func (w *write) reviewersNow(ctx context.Context, old *entity.Entity) ([]entity.Ref, error) {
	reviewers, err := w.reviewersOf(ctx, old, w.oldRow.Parent)
	if err != nil || len(reviewers) > 0 {
		return reviewers, err
	}
	return w.reviewersOf(ctx, w.in.ent, w.parentRow.ID)
}

// reviewed is the state that a term gets when somebody wants it to go from one to
// another.
func (w *write) reviewed(was, is string, reviewer, created bool) (string, error) {
	open := is == "" || is == statusUnprocessed
	switch {
	case reviewer && open:
		return StatusApproved, nil
	case reviewer:
		return is, nil
	case created:
		return StatusInReview, nil
	case is == StatusApproved || is == StatusRejected:
		return "", entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not a reviewer. Only the reviewers of this glossary term may approve or reject it.", w.by.Name)
	case open:
		return was, nil
	}
	return is, nil
}

// reviewAgain sends a glossary term back to its reviewers that they had decided about,
// when somebody else changes more of it than who reviews it.
func (w *write) reviewAgain(ctx context.Context) (bool, error) {
	if w.t.Name != "glossaryTerm" || w.method == methodInternal || w.by.TokenType == entity.System().TokenType {
		return false, nil
	}
	status := text(w.in.ent.Rest[statusField])
	if status != text(w.old.Rest[statusField]) || status != StatusApproved && status != StatusRejected || !changesMoreThan(w.change, "reviewers") {
		return false, nil
	}
	reviewers, err := w.reviewersNow(ctx, w.old)
	if err != nil || len(reviewers) == 0 {
		return false, err
	}
	reviewer, err := w.isAmong(ctx, reviewers)
	if err != nil || reviewer {
		return false, err
	}
	w.in.ent.Rest[statusField] = jsontext.Value(`"` + StatusInReview + `"`)
	return true, nil
}

// changesMoreThan tells whether a change is of more than one field.
func changesMoreThan(change *entity.ChangeDescription, field string) bool {
	return slices.ContainsFunc(slices.Concat(change.FieldsAdded, change.FieldsUpdated, change.FieldsDeleted), func(f entity.FieldChange) bool { return f.Name != field })
}

// announceReview tells those who keep tasks when the review of a term begins, is for
// others, or is over.
func (w *write) announceReview(ctx context.Context) error {
	if w.t.Name != "glossaryTerm" || len(w.e.onReview) == 0 {
		return nil
	}
	ent := w.in.ent
	was, is := "", text(ent.Rest[statusField])
	var before []entity.Ref
	if w.old != nil {
		was = text(w.old.Rest[statusField])
		before = w.old.Reviewers
	}
	if is != StatusInReview && was != StatusInReview {
		return nil
	}
	same := slices.EqualFunc(before, ent.Reviewers, func(a, b entity.Ref) bool { return a.ID == b.ID })
	if is == was && same {
		return nil
	}
	r := Review{Entity: entity.Ref{ID: ent.ID, Type: w.t.Name, Name: ent.Name, FullyQualifiedName: ent.FullyQualifiedName}, Open: is == StatusInReview, Status: is, By: w.by}
	if r.Open {
		reviewers, err := w.reviewersOf(ctx, ent, w.parentRow.ID)
		if err != nil {
			return err
		}
		if err := w.look.load(ctx, refIDs(reviewers)); err != nil {
			return err
		}
		r.Reviewers = w.look.fullRefs(reviewers)
	}
	for _, fn := range w.e.onReview {
		if err := fn(ctx, w.tx, r); err != nil {
			return err
		}
	}
	return nil
}
