package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Kinds of relations that people make rather than documents: From is the user.
const (
	RelationFollows = "follows"
	RelationVotes   = "votes"
)

// Votes as relations keep them.
const (
	voteUp   = `"votedUp"`
	voteDown = `"votedDown"`
)

// Follow makes a user a follower of an entity; Unfollow takes that back. Both
// answer the change that the change feed shows.
func (e *Engine) Follow(ctx context.Context, by entity.Principal, t *registry.Type, id, user entity.ID) (*ChangeEvent, error) {
	return e.follower(ctx, by, t, id, user, true)
}

// Unfollow is the opposite of Follow.
func (e *Engine) Unfollow(ctx context.Context, by entity.Principal, t *registry.Type, id, user entity.ID) (*ChangeEvent, error) {
	return e.follower(ctx, by, t, id, user, false)
}

func (e *Engine) follower(ctx context.Context, by entity.Principal, t *registry.Type, id, user entity.ID, follow bool) (*ChangeEvent, error) {
	if user != by.UserID && !by.IsAdmin && !by.IsBot {
		return nil, entity.Forbidden("only an administrator can make somebody else a follower")
	}
	change := &entity.ChangeDescription{FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}}
	return e.opinion(ctx, by, t, id, user, change, func(tx store.Tx, rel store.Relation, ref entity.Ref) error {
		rel.Kind = RelationFollows
		value := mustEncode([]entity.Ref{ref}) // a list and not a text: clients add it to the followers that they show
		if follow {
			change.FieldsAdded = []entity.FieldChange{{Name: "followers", NewValue: value}}
			return tx.Relate(ctx, rel)
		}
		change.FieldsDeleted = []entity.FieldChange{{Name: "followers", OldValue: value}}
		return tx.Unrelate(ctx, rel)
	})
}

// Vote records the caller's opinion: votedUp, votedDown or unVoted.
func (e *Engine) Vote(ctx context.Context, by entity.Principal, t *registry.Type, id entity.ID, vote string) (*ChangeEvent, error) {
	change := &entity.ChangeDescription{FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}}
	return e.opinion(ctx, by, t, id, by.UserID, change, func(tx store.Tx, rel store.Relation, _ entity.Ref) error {
		rel.Kind = RelationVotes
		change.FieldsUpdated = []entity.FieldChange{{Name: "votes", NewValue: quoted(vote)}}
		switch vote {
		case "votedUp":
			rel.Doc = []byte(voteUp)
		case "votedDown":
			rel.Doc = []byte(voteDown)
		case "unVoted":
			return tx.Unrelate(ctx, rel)
		default:
			return entity.BadRequest("%q is not a vote: use votedUp, votedDown or unVoted", entity.Shorten(vote, 40))
		}
		return tx.Relate(ctx, rel)
	})
}

// opinion runs a change of a relation between a user and an entity.
func (e *Engine) opinion(ctx context.Context, by entity.Principal, t *registry.Type, id, user entity.ID, change *entity.ChangeDescription,
	apply func(store.Tx, store.Relation, entity.Ref) error) (*ChangeEvent, error) {
	var out *ChangeEvent
	err := e.store.Update(ctx, func(tx store.Tx) error {
		row, err := e.RowFor(ctx, tx, by, t, ByID(id), policy.ViewBasic)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(t.Name, id.String())
		}
		userRow, err := tx.Entity(ctx, user)
		if err != nil || userRow.Type != "user" || userRow.Deleted {
			return entity.NotFound("user", user.String())
		}
		ref := entity.Ref{ID: userRow.ID, Type: "user", Name: userRow.Name, FullyQualifiedName: userRow.FQN}
		change.PreviousVersion = row.Version
		if err := apply(tx, store.Relation{From: user, FromType: "user", To: row.ID, ToType: row.Type}, ref); err != nil {
			return err
		}
		out = &ChangeEvent{
			ID: entity.NewID(), EventType: entity.EventUpdated, EntityType: row.Type, EntityID: row.ID, EntityFullyQualifiedName: row.FQN,
			PreviousVersion: row.Version, CurrentVersion: row.Version, UserName: by.Name, Timestamp: e.now(), ChangeDescription: change,
		}
		return e.Touch(ctx, tx, by, row, change)
	})
	return out, err
}
