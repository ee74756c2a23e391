package api

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// suggestionKind is the kind of the records that hold suggestions, owned by the
// entity and keyed by their id.
const suggestionKind = "suggestion"

// suggestionRoutes serve what people and programs suggest.
func (a *API) suggestionRoutes() []Route {
	const base = "/api/v1/suggestions"
	route := func(method, path string, handle func(*call) error) Route {
		return Route{Method: method, Path: base + path, Access: Authenticated, Handle: handle}
	}
	return []Route{
		route(http.MethodGet, "", (*call).listSuggestions),
		route(http.MethodPost, "", (*call).addSuggestion),
		route(http.MethodGet, "/{id}", (*call).getSuggestion),
		route(http.MethodPut, "/{id}", (*call).putSuggestion),
		route(http.MethodPut, "/{id}/accept", func(c *call) error { return c.decideOne(feed.Accepted) }),
		route(http.MethodPut, "/{id}/reject", func(c *call) error { return c.decideOne(feed.Rejected) }),
		route(http.MethodPut, "/accept-all", func(c *call) error { return c.decideAll(feed.Accepted) }),
		route(http.MethodPut, "/reject-all", func(c *call) error { return c.decideAll(feed.Rejected) }),
		route(http.MethodDelete, "/{id}", (*call).deleteSuggestion),
		route(http.MethodDelete, "/{entityType}/name/{fqn}", (*call).deleteSuggestions),
	}
}

// me is the caller as a reference.
func (c *call) me() entity.Ref {
	return entity.Ref{ID: c.by.UserID, Type: "user", Name: c.by.Name, FullyQualifiedName: entity.QuoteName(c.by.Name)}
}

// linked returns the type and the selector of what a link is about.
func (c *call) linked(text string) (*registry.Type, engine.Selector, entity.Link, error) {
	link, err := entity.ParseLink(text)
	if err != nil {
		return nil, engine.Selector{}, link, err
	}
	t, err := c.entityType(link.Type)
	return t, engine.ByFQN(link.FQN), link, err
}

func (c *call) addSuggestion() error {
	body, err := c.validated("api/feed/createSuggestion.json")
	if err != nil {
		return err
	}
	var s feed.Suggestion
	if err := json.Unmarshal(body, &s); err != nil {
		return entity.BadRequest("the suggestion cannot be read")
	}
	if err := s.Settle(); err != nil {
		return err
	}
	s.ID, s.Status, s.CreatedBy, s.UpdatedBy, s.ActingBot = entity.NewID(), feed.Open, c.me(), c.by.Name, c.by.Bot
	s.CreatedAt = millis()
	s.UpdatedAt = s.CreatedAt
	t, sel, link, err := c.linked(s.Link)
	if err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		ent, err := engine.Decode(row)
		if err != nil {
			return err
		}
		if err := feed.Apply(t, ent, link, s.Change()); err != nil {
			return err // what it is about is not there
		}
		return c.putSuggestionRecord(tx, row.ID, s)
	})
	if err != nil {
		return err
	}
	return c.suggested(http.StatusCreated, s)
}

func (c *call) putSuggestionRecord(tx store.Tx, owner entity.ID, s feed.Suggestion) error {
	s.Href = ""
	doc, err := encoded(s)
	if err != nil {
		return err
	}
	return tx.PutRecord(c.ctx(), store.Record{Kind: suggestionKind, Owner: owner.String(), Key: s.ID.String(), At: s.CreatedAt, Doc: doc})
}

func (c *call) suggested(status int, s feed.Suggestion) error {
	s.Href = c.base() + "/v1/suggestions/" + s.ID.String()
	return c.json(status, s)
}

func readSuggestion(rec store.Record) (feed.Suggestion, error) {
	var s feed.Suggestion
	if err := json.Unmarshal(rec.Doc, &s); err != nil {
		return s, entity.Internal(err)
	}
	return s, nil
}

// suggestion finds the one that the path names.
func (c *call) suggestion(r store.Reader) (feed.Suggestion, entity.ID, error) {
	id, err := c.id("id")
	if err != nil {
		return feed.Suggestion{}, id, err
	}
	rec, err := timeseries.Find(c.ctx(), r, suggestionKind, id.String())
	if missing(err) {
		return feed.Suggestion{}, id, entity.NotFound("suggestion", id.String())
	}
	if err != nil {
		return feed.Suggestion{}, id, err
	}
	s, err := readSuggestion(rec)
	if err != nil {
		return s, id, err
	}
	owner, err := entity.ParseID(rec.Owner)
	return s, owner, err
}

func (c *call) getSuggestion() error {
	var s feed.Suggestion
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var owner entity.ID
		var err error
		if s, owner, err = c.suggestion(r); err != nil {
			return err
		}
		t, _, _, err := c.linked(s.Link)
		if err != nil {
			return err
		}
		_, err = c.engine.RowFor(c.ctx(), r, c.by, t, engine.ByID(owner), policy.ViewBasic)
		return err
	})
	if err != nil {
		return err
	}
	return c.suggested(http.StatusOK, s)
}

// putSuggestion changes what an open suggestion proposes; its author may.
func (c *call) putSuggestion() error {
	body, err := c.validated("entity/feed/suggestion.json")
	if err != nil {
		return err
	}
	var next feed.Suggestion
	if err := json.Unmarshal(body, &next); err != nil {
		return entity.BadRequest("the suggestion cannot be read")
	}
	var s feed.Suggestion
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		var owner entity.ID
		var err error
		if s, owner, err = c.suggestion(tx); err != nil {
			return err
		}
		if s.CreatedBy.ID != c.by.UserID && !c.by.IsAdmin {
			return entity.Forbidden("only its author may change a suggestion")
		}
		if s.Status != feed.Open {
			return entity.BadRequest("the suggestion is %s already", s.Status)
		}
		s.Type, s.Description, s.Tags = next.Type, next.Description, next.Tags
		s.UpdatedAt, s.UpdatedBy, s.ActingBot = millis(), c.by.Name, c.by.Bot
		if err := s.Settle(); err != nil {
			return err
		}
		return c.putSuggestionRecord(tx, owner, s)
	})
	if err != nil {
		return err
	}
	return c.suggested(http.StatusCreated, s) // what clients of the API get
}

// operationsOf are what rejecting a suggestion needs, or accepting one that proposes
// what is so already. Accepting any other needs what its change does.
func operationsOf(s feed.Suggestion) []policy.Operation {
	if s.Type != feed.SuggestTags {
		return []policy.Operation{policy.EditDescription}
	}
	return policy.OperationsForLabels(s.Tags)
}

// decide accepts or rejects a suggestion, and with it changes the entity in the
// same transaction.
func (c *call) decide(s *feed.Suggestion, owner entity.ID, status string) error {
	t, _, link, err := c.linked(s.Link)
	if err != nil {
		return err
	}
	_, err = c.engine.Revise(c.ctx(), c.by, t, engine.ByID(owner), operationsOf(*s), engine.View{}, func(tx store.Tx, ent *entity.Entity) error {
		rec, err := tx.Record(c.ctx(), suggestionKind, owner.String(), s.ID.String())
		if err != nil {
			return err
		}
		if *s, err = readSuggestion(rec); err != nil {
			return err
		}
		if s.Status != feed.Open {
			return entity.BadRequest("the suggestion is %s already", s.Status)
		}
		s.Status, s.UpdatedAt, s.UpdatedBy, s.ActingBot = status, millis(), c.by.Name, c.by.Bot
		if status == feed.Accepted {
			if err := feed.Apply(t, ent, link, s.Change()); err != nil {
				return err
			}
		}
		return c.putSuggestionRecord(tx, owner, *s)
	})
	return err
}

func (c *call) decideOne(status string) error {
	var s feed.Suggestion
	var owner entity.ID
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		s, owner, err = c.suggestion(r)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.decide(&s, owner, status); err != nil {
		return err
	}
	return c.suggested(http.StatusOK, s)
}

// foundSuggestion is a suggestion and the entity it belongs to.
type foundSuggestion struct {
	feed.Suggestion
	owner entity.ID
}

// findSuggestions returns those that the query parameters select, newest first.
func (c *call) findSuggestions(status, typ string) ([]foundSuggestion, error) {
	fqn, user := entity.CanonicalFQN(c.query.Get("entityFQN")), c.query.Get("userId")
	var found []foundSuggestion
	var bad error
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		return c.scanSeen(r, store.RecordQuery{Kind: suggestionKind, Any: true}, policy.ViewBasic, func(rec store.Record) bool {
			var s foundSuggestion
			if s.Suggestion, bad = readSuggestion(rec); bad != nil {
				return false
			}
			link, err := entity.ParseLink(s.Link)
			fits := err == nil && (status == "" || s.Status == status) && (typ == "" || s.Type == typ) &&
				(user == "" || s.CreatedBy.ID.String() == user) && (fqn == "" || entity.CanonicalFQN(link.FQN) == fqn)
			if fits {
				if s.owner, bad = entity.ParseID(rec.Owner); bad != nil {
					return false
				}
				found = append(found, s)
			}
			return true
		})
	})
	if err == nil {
		err = bad
	}
	return found, err
}

// listSuggestions answers those on what the caller may see.
func (c *call) listSuggestions() error {
	status := c.query.Get("status")
	if status == "" {
		status = feed.Open
	}
	found, err := c.findSuggestions(status, "")
	if err != nil {
		return err
	}
	shown := make([]feed.Suggestion, len(found))
	for i, s := range found {
		s.Href = c.base() + "/v1/suggestions/" + s.ID.String()
		shown[i] = s.Suggestion
	}
	out, err := cutPage(c, shown)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// maxDecided bounds how many suggestions one call accepts or rejects.
const maxDecided = 500

// decideAll accepts or rejects all open suggestions of one author on one entity.
func (c *call) decideAll(status string) error {
	if c.query.Get("userId") == "" || c.query.Get("entityFQN") == "" {
		return entity.BadRequest("query params userId and entityFQN are needed")
	}
	typ := c.query.Get("suggestionType")
	if typ == "" {
		typ = feed.SuggestDescription
	}
	found, err := c.findSuggestions(feed.Open, typ)
	if err != nil {
		return err
	}
	if len(found) > maxDecided {
		return entity.BadRequest("there are %d suggestions; at most %d can be decided at once", len(found), maxDecided)
	}
	// Oldest first, so that the newest wins; ids settle ties, as they order by time.
	slices.SortFunc(found, func(a, b foundSuggestion) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	out := make([]feed.Suggestion, 0, len(found))
	for i := range found {
		if err := c.decide(&found[i].Suggestion, found[i].owner, status); err != nil {
			return err
		}
		out = append(out, found[i].Suggestion)
	}
	return c.json(http.StatusOK, out)
}

// deleteSuggestion removes one; its author may, and who may edit the entity.
func (c *call) deleteSuggestion() error {
	var s feed.Suggestion
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		var owner entity.ID
		var err error
		if s, owner, err = c.suggestion(tx); err != nil {
			return err
		}
		if s.CreatedBy.ID != c.by.UserID {
			t, _, _, err := c.linked(s.Link)
			if err != nil {
				return err
			}
			if _, err := c.liveRow(tx, t, engine.ByID(owner), policy.EditAll); err != nil {
				return err
			}
		}
		_, err = tx.DeleteRecord(c.ctx(), suggestionKind, owner.String(), s.ID.String())
		return err
	})
	if err != nil {
		return err
	}
	return c.suggested(http.StatusOK, s)
}

// deleteSuggestions removes all on one entity.
func (c *call) deleteSuggestions() error {
	name, err := c.param("entityType")
	if err != nil {
		return err
	}
	t, err := c.entityType(name)
	if err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.EditAll)
		if err != nil {
			return err
		}
		_, err = tx.DeleteRecords(c.ctx(), store.RecordQuery{Kind: suggestionKind, Owner: row.ID.String()})
		return err
	})
	if err != nil {
		return err
	}
	return c.gone()
}
