package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// validateTermTags tells at which assets of a glossary term tags could not be added
// besides what is there: those whose parent allows one of its children at a time.
func (c *call) validateTermTags(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated("api/validateGlossaryTagsRequest.json")
	if err != nil {
		return err
	}
	var request struct {
		Tags []entity.TagLabel         `json:"glossaryTags"`
		Rest map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the tags cannot be read: %s", wordJSON(err))
	}
	const most = 100
	if len(request.Tags) > most {
		return entity.BadRequest("at most %d tags can be looked at at once", most)
	}
	var items []engine.BulkItem
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		alone, err := c.exclusiveTags(r, request.Tags)
		if err != nil {
			return err
		}
		assets, err := c.assetsOf(r, row, "tags")
		if err != nil {
			return err
		}
		if len(assets) > maxAssets {
			return entity.BadRequest("the term has more than %d assets: too many to look at at once", maxAssets)
		}
		items, err = c.clashes(r, assets, alone)
		return err
	})
	if err != nil {
		return err
	}
	result := engine.SummarizeBulk(items)
	result.DryRun = true
	return c.json(http.StatusOK, result)
}

// exclusiveTags are those of the tags that stand alone below their parent, by the name
// of the parent. Two of one parent are an error, as is a tag that does not exist.
func (c *call) exclusiveTags(r store.Reader, labels []entity.TagLabel) (map[string]string, error) {
	var keys, parents []store.Key
	for _, label := range labels {
		above := parentOf(label.TagFQN)
		keys = append(keys, store.Key{Type: label.EntityType(), FQN: entity.CanonicalFQN(label.TagFQN)})
		for _, typ := range []string{"classification", "tag", "glossary", "glossaryTerm"} {
			parents = append(parents, store.Key{Type: typ, FQN: above})
		}
	}
	there, err := r.EntitiesByFQN(c.ctx(), keys)
	if err != nil {
		return nil, err
	}
	known := map[store.Key]bool{}
	for _, row := range there {
		known[store.Key{Type: row.Type, FQN: row.FQN}] = !row.Deleted
	}
	above, err := r.EntitiesByFQN(c.ctx(), parents)
	if err != nil {
		return nil, err
	}
	exclusive := map[string]bool{}
	for _, row := range above {
		ent, err := engine.Decode(row)
		if err != nil {
			return nil, err
		}
		exclusive[row.FQN] = exclusive[row.FQN] || string(ent.Rest["mutuallyExclusive"]) == "true"
	}
	alone := map[string]string{}
	for _, key := range keys {
		if !known[key] {
			return nil, entity.NotFound(key.Type, entity.Shorten(key.FQN, 200))
		}
		parent := parentOf(key.FQN)
		if !exclusive[parent] {
			continue
		}
		if other, ok := alone[parent]; ok && other != key.FQN {
			return nil, entity.BadRequest("Tag labels %s and %s are mutually exclusive and can't be assigned together", entity.Shorten(other, 200), entity.Shorten(key.FQN, 200))
		}
		alone[parent] = key.FQN
	}
	return alone, nil
}

// parentOf is the name without its last part.
func parentOf(fqn string) string {
	parts, err := entity.SplitFQN(entity.CanonicalFQN(fqn))
	if err != nil || len(parts) < 2 {
		return ""
	}
	return strings.Join(parts[:len(parts)-1], ".")
}

// clashes looks at the labels of assets and of all that is inside them.
func (c *call) clashes(r store.Reader, assets []entity.Ref, alone map[string]string) ([]engine.BulkItem, error) {
	rows := map[entity.ID]store.Row{}
	for _, asset := range assets {
		rows[asset.ID] = store.Row{}
	}
	if err := c.fillRows(r, rows); err != nil {
		return nil, err
	}
	items := make([]engine.BulkItem, 0, len(assets))
	for _, asset := range assets {
		raw, err := encoded(asset)
		if err != nil {
			return nil, err
		}
		item := engine.BulkItem{Request: raw, Status: http.StatusOK}
		err = search.WalkFields(rows[asset.ID].Doc, func(path string, v search.Value) {
			if path != "tags.tagFQN" && !strings.HasSuffix(path, ".tags.tagFQN") {
				return
			}
			if wanted, ok := alone[parentOf(v.Text)]; ok && wanted != entity.CanonicalFQN(v.Text) {
				item.Status, item.Message = http.StatusBadRequest, fmt.Sprintf("Tag labels %s and %s are mutually exclusive and can't be assigned together", wanted, v.Text)
			}
		})
		if err != nil {
			return nil, entity.Internal(err)
		}
		items = append(items, item)
	}
	return items, nil
}
