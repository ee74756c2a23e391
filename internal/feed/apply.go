// Package feed holds the rules of what people say about entities: threads,
// tasks and suggestions, and what an accepted one changes.
//
// The package may import entity and registry.
package feed

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// Change is what an accepted suggestion or a resolved task does.
type Change struct {
	Description *string           // the new description
	Tags        []entity.TagLabel // with SetTags all tags, else those to add
	SetTags     bool
}

// part is a column, task or field inside an entity.
type part struct {
	Name        string                    `json:"name"`
	Description string                    `json:"description,omitzero"`
	Tags        []entity.TagLabel         `json:"tags,omitzero"`
	Children    []part                    `json:"children,omitzero"`
	Rest        map[string]jsontext.Value `json:",embed"`
}

// Apply makes the change where the link points: at the entity itself or at one
// of its parts. The error is a KindNotFound when there is no such part.
func Apply(t *registry.Type, ent *entity.Entity, link entity.Link, change Change) error {
	if link.Item == "" {
		ent.Description, ent.Tags = change.on(ent.Description, ent.Tags)
		return nil
	}
	for _, n := range t.Nested {
		if n.Path[0] != link.Field && n.Path[len(n.Path)-1] != link.Field {
			continue
		}
		raw, err := descend(ent.Rest[n.Path[0]], n.Path[1:], func(list jsontext.Value) (jsontext.Value, error) {
			return change.onParts(list, link.Item)
		})
		if err != nil {
			return err
		}
		ent.Rest[n.Path[0]] = raw
		return nil
	}
	return entity.BadRequest("%s has no parts called %s", t.Name, entity.Shorten(link.Field, 60))
}

func (c Change) on(description string, tags []entity.TagLabel) (string, []entity.TagLabel) {
	if c.Description != nil {
		description = *c.Description
	}
	if c.SetTags {
		return description, c.Tags
	}
	have := make(map[string]bool, len(tags))
	for _, label := range tags {
		have[label.TagFQN] = true
	}
	for _, label := range c.Tags {
		if !have[label.TagFQN] {
			have[label.TagFQN] = true
			tags = append(tags, label)
		}
	}
	return description, tags
}

// descend applies edit to the array at the path below a member.
func descend(raw jsontext.Value, path []string, edit func(jsontext.Value) (jsontext.Value, error)) (jsontext.Value, error) {
	if len(path) == 0 {
		return edit(raw)
	}
	members := map[string]jsontext.Value{}
	if raw.Kind() != '{' || json.Unmarshal(raw, &members) != nil {
		return nil, entity.NotFound("part", path[0])
	}
	inner, err := descend(members[path[0]], path[1:], edit)
	if err != nil {
		return nil, err
	}
	members[path[0]] = inner
	return encode(members)
}

func (c Change) onParts(list jsontext.Value, item string) (jsontext.Value, error) {
	parts, found, err := locate(list, item)
	if err != nil {
		return nil, err
	}
	found.Description, found.Tags = c.on(found.Description, found.Tags)
	return encode(parts)
}

// locate reads a list of parts and finds one of them by its name or its path.
func locate(list jsontext.Value, item string) (parts []part, found *part, err error) {
	if list.Kind() != '[' || json.Unmarshal(list, &parts) != nil {
		return nil, nil, entity.NotFound("part", item)
	}
	if found = find(parts, []string{item}); found != nil {
		return parts, found, nil
	}
	path, err := entity.SplitFQN(item)
	if err != nil {
		return nil, nil, err
	}
	for i := range path {
		path[i] = entity.UnquoteName(path[i])
	}
	if found = find(parts, path); found == nil {
		return nil, nil, entity.NotFound("part", item)
	}
	return parts, found, nil
}

// LabelsAt are the labels where the link points: of the entity itself or of one of its
// parts. The error is a KindNotFound when there is no such part.
func LabelsAt(t *registry.Type, ent *entity.Entity, link entity.Link) ([]entity.TagLabel, error) {
	if link.Item == "" {
		return ent.Tags, nil
	}
	for _, n := range t.Nested {
		if n.Path[0] != link.Field && n.Path[len(n.Path)-1] != link.Field {
			continue
		}
		var labels []entity.TagLabel
		_, err := descend(ent.Rest[n.Path[0]], n.Path[1:], func(list jsontext.Value) (jsontext.Value, error) {
			_, found, err := locate(list, link.Item)
			if err == nil {
				labels = found.Tags
			}
			return list, err
		})
		return labels, err
	}
	return nil, entity.BadRequest("%s has no parts called %s", t.Name, entity.Shorten(link.Field, 60))
}

func find(parts []part, path []string) *part {
	for i := range parts {
		if parts[i].Name != path[0] {
			continue
		}
		if len(path) == 1 {
			return &parts[i]
		}
		return find(parts[i].Children, path[1:])
	}
	return nil
}

func encode(v any) (jsontext.Value, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return raw, nil
}
