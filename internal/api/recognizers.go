package api

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// recognizerRoutes serve what finds the data that a tag is for, and what people say of
// labels that were found.
func (a *API) recognizerRoutes() []Route {
	const base = "/api/v1/tags"
	route := func(method, path string, handle func(*call, *registry.Type) error) Route {
		return Route{Method: method, Path: base + path, Access: Authenticated, MaxBody: 1 << 20, Handle: a.typed("tag", handle)}
	}
	return []Route{
		route(http.MethodGet, "/{id}/recognizers", (*call).listRecognizers),
		route(http.MethodGet, "/name/{fqn}/recognizers", (*call).listRecognizers),
		route(http.MethodPost, "/name/{fqn}/feedback", (*call).addRecognizerFeedback),
		route(http.MethodGet, "/name/{fqn}/feedback", (*call).listRecognizerFeedback),
		route(http.MethodGet, "/feedback/pending", (*call).pendingFeedback),
		route(http.MethodGet, "/feedback/{id}", (*call).getRecognizerFeedback),
	}
}

// listRecognizers answers a page of the recognizers of a tag.
func (c *call) listRecognizers(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	tag, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Fields: engine.FieldsOf("recognizers")})
	if err != nil {
		return err
	}
	var all []jsontext.Value
	if raw := tag.Rest["recognizers"]; raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return entity.Internal(err)
		}
	}
	out, err := cutPage(c, all)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// feedbackKind is the kind of the records of feedback, owned by what it is about.
const feedbackKind = "recognizerFeedback"

// keptFeedback is a stored feedback: the tag may be renamed.
type keptFeedback struct {
	Tag      entity.ID          `json:"tag"`
	Feedback recognizerFeedback `json:"feedback"`
	// Recognizer is what had found the label, as the label said; nil if it did not.
	Recognizer jsontext.Value `json:"recognizer,omitzero"`
}

// recognizerFeedback is what somebody says of a label that was put on by a machine.
type recognizerFeedback struct {
	ID        entity.ID                 `json:"id"`
	Link      string                    `json:"entityLink"`
	Tag       string                    `json:"tagFQN"`
	Status    string                    `json:"status"`
	Samples   []string                  `json:"sampleValues,omitzero"`
	CreatedBy *entity.Ref               `json:"createdBy,omitzero"`
	CreatedAt int64                     `json:"createdAt"`
	Rest      map[string]jsontext.Value `json:",embed"`
}

// pendingStatus is the state of feedback that nobody has decided about.
const pendingStatus = "PENDING"

// addRecognizerFeedback keeps what the caller says of a label that a machine set.
func (c *call) addRecognizerFeedback(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated("type/recognizerFeedback.json")
	if err != nil {
		return err
	}
	var f recognizerFeedback
	if err := json.Unmarshal(body, &f); err != nil {
		return entity.BadRequest("the feedback cannot be read: %s", wordJSON(err))
	}
	of, about, link, err := c.linked(f.Link)
	if err != nil {
		return err
	}
	kept, row, err := c.newFeedback(t, sel, of, about, link, f)
	if err != nil {
		return err
	}
	asked, now, err := c.whoDecides(t, of, row, kept)
	switch {
	case err != nil:
		return err
	case now:
		err = c.applyFeedback(of, row.ID, link, &kept, nil)
	default:
		err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error { return c.askReviewers(tx, row, &kept, asked) })
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, kept.Feedback)
}

// newFeedback is what the caller says, and what it is about.
func (c *call) newFeedback(t *registry.Type, sel engine.Selector, of *registry.Type, about engine.Selector, link entity.Link, f recognizerFeedback) (keptFeedback, store.Row, error) {
	var row store.Row
	var kept keptFeedback
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		tag, err := c.liveRow(r, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		if row, err = c.liveRow(r, of, about, policy.ViewBasic); err != nil {
			return err
		}
		recognizer, err := generatedLabel(of, row, link, tag.FQN)
		if err != nil {
			return err
		}
		me := c.me()
		f.ID, f.Tag, f.Status, f.CreatedBy, f.CreatedAt = entity.NewID(), tag.FQN, pendingStatus, &me, millis()
		delete(f.Rest, "resolution")
		kept = keptFeedback{Tag: tag.ID, Feedback: f, Recognizer: recognizer}
		return nil
	})
	return kept, row, err
}

// generatedLabel finds a label that was set by a machine, and what had found it.
func generatedLabel(t *registry.Type, row store.Row, link entity.Link, tag string) (recognizer jsontext.Value, err error) {
	ent, err := engine.Decode(row)
	if err != nil {
		return nil, err
	}
	labels, err := feed.LabelsAt(t, ent, link)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(labels, func(l entity.TagLabel) bool { return l.TagFQN == tag && l.LabelType == "Generated" })
	if i < 0 {
		return nil, entity.BadRequest("%s has no label %s that was found by a recognizer: feedback is about those only", entity.Shorten(link.String(), 300), entity.Shorten(tag, 200))
	}
	var found struct {
		Recognizer jsontext.Value            `json:"recognizer"`
		Rest       map[string]jsontext.Value `json:",embed"`
	}
	if raw := labels[i].Metadata; raw != nil {
		if err := json.Unmarshal(raw, &found); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return found.Recognizer, nil
}

// maxFeedback is how much feedback one answer shows.
const maxFeedback = 1000

// foundFeedback is feedback with the id of what it is about.
type foundFeedback struct {
	keptFeedback
	about entity.ID
}

// feedback finds feedback, newest first, about what the caller may see, with tags that
// the caller may see. Values of the data are for those who may see samples.
func (c *call) feedback(r store.Reader, q store.RecordQuery, keep func(keptFeedback) bool) ([]recognizerFeedback, error) {
	var all []foundFeedback
	var bad error
	err := c.scanSeen(r, q, policy.ViewBasic, func(rec store.Record) bool {
		one := foundFeedback{}
		if bad = json.Unmarshal(rec.Doc, &one.keptFeedback); bad != nil {
			return false
		}
		if one.about, bad = entity.ParseID(rec.Owner); bad != nil {
			return false
		}
		if keep(one.keptFeedback) {
			all = append(all, one)
		}
		return len(all) < maxFeedback
	})
	if err == nil && bad != nil {
		err = entity.Internal(bad)
	}
	if err != nil {
		return nil, err
	}
	return c.shownFeedback(r, all)
}

// shownFeedback leaves out what the caller may not see.
func (c *call) shownFeedback(r store.Reader, all []foundFeedback) ([]recognizerFeedback, error) {
	var tags, about []entity.Ref
	rows := map[entity.ID]store.Row{}
	for _, one := range all {
		tags, about = append(tags, entity.Ref{ID: one.Tag, Type: "tag"}), append(about, entity.Ref{ID: one.about})
		rows[one.Tag] = store.Row{}
	}
	seesTag, seesSamples := c.engine.Viewer(c.by), c.engine.Viewer(c.by, policy.ViewSampleData)
	if err := seesTag.Look(c.ctx(), r, tags...); err != nil {
		return nil, err
	}
	if err := seesSamples.Look(c.ctx(), r, about...); err != nil {
		return nil, err
	}
	if err := c.fillRows(r, rows); err != nil {
		return nil, err
	}
	out := []recognizerFeedback{}
	for _, one := range all {
		row := rows[one.Tag]
		if row.FQN == "" || row.Deleted || !seesTag.Sees(one.Tag) {
			continue
		}
		f := one.Feedback
		f.Tag = row.FQN
		if !seesSamples.Sees(one.about) {
			f.Samples = nil
		}
		out = append(out, f)
	}
	return out, nil
}

// listRecognizerFeedback answers what was said of labels with a tag.
func (c *call) listRecognizerFeedback(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	var out []recognizerFeedback
	err = c.read(t, sel, policy.ViewBasic, func(r store.Reader, row store.Row) error {
		out, err = c.feedback(r, store.RecordQuery{Kind: feedbackKind, Any: true}, func(f keptFeedback) bool { return f.Tag == row.ID })
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// pendingFeedback answers what nobody has decided about.
func (c *call) pendingFeedback(t *registry.Type) error {
	if err := c.seesAny(t.Name, policy.ViewBasic); err != nil {
		return err
	}
	var out []recognizerFeedback
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		out, err = c.feedback(r, store.RecordQuery{Kind: feedbackKind, Any: true}, func(f keptFeedback) bool { return f.Feedback.Status == pendingStatus })
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (c *call) getRecognizerFeedback(t *registry.Type) error {
	if err := c.seesAny(t.Name, policy.ViewBasic); err != nil {
		return err
	}
	id, err := c.id("id")
	if err != nil {
		return err
	}
	var out []recognizerFeedback
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rec, err := timeseries.Find(c.ctx(), r, feedbackKind, id.String())
		if err != nil {
			return err
		}
		if err := c.seesOwner(r, rec, policy.ViewBasic); err != nil {
			return err
		}
		out, err = c.feedback(r, store.RecordQuery{Kind: feedbackKind, Owner: rec.Owner}, func(f keptFeedback) bool { return f.Feedback.ID == id })
		return err
	})
	if err != nil {
		return err
	}
	if len(out) == 0 {
		return entity.NotFound(feedbackKind, id.String())
	}
	return c.json(http.StatusOK, out[0])
}
