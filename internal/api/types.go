package api

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// typeRoutes show the members of entity types, and let people add their own.
func (a *API) typeRoutes() []Route {
	const base = "/api/v1/metadata/types"
	return []Route{
		{Method: http.MethodPut, Path: base + "/{id}", Access: Authenticated, Handle: (*call).putCustomProperty},
		{Method: http.MethodGet, Path: base + "/customProperties", Access: Authenticated, Handle: (*call).allCustomProperties},
		{Method: http.MethodGet, Path: base + "/name/{entityType}/customProperties", Access: Authenticated, Handle: (*call).customProperties},
		{Method: http.MethodGet, Path: base + "/fields/{entityType}", Access: Authenticated, Handle: (*call).typeFields},
	}
}

// putCustomProperty adds a property to a type, or replaces the one of its name.
func (c *call) putCustomProperty() error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := c.engine.Validate("type/customProperty.json", body); err != nil {
		return err
	}
	var given engine.CustomProperty
	if err := json.Unmarshal(body, &given); err != nil {
		return entity.BadRequest("the custom property cannot be read: %s", wordJSON(err))
	}
	t, err := c.entityType("type")
	if err != nil {
		return err
	}
	fields, err := c.engine.ParseFields(t, "customProperties")
	if err != nil {
		return err
	}
	edit := func(_ store.Tx, ent *entity.Entity) error {
		return editMember(ent, "customProperties", func(have []engine.CustomProperty) []engine.CustomProperty {
			at := slices.IndexFunc(have, func(p engine.CustomProperty) bool { return p.Name == given.Name })
			if at < 0 {
				return append(have, given)
			}
			have[at] = given
			return have
		})
	}
	result, err := c.engine.Edit(c.ctx(), c.by, t, sel, []policy.Operation{policy.EditAll}, engine.View{Fields: fields, Base: c.base()}, edit)
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// allCustomProperties answers the properties of all types that have any.
func (c *call) allCustomProperties() error {
	out := map[string][]engine.CustomProperty{}
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for _, t := range c.engine.Registry().All() {
			if !t.Supports.Extension {
				continue
			}
			list, err := c.engine.CustomProperties(c.ctx(), r, t.Name)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				out[t.Name] = list
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// describedType returns the name of the entity type that the path names.
func (c *call) describedType() (string, error) {
	name, err := c.param("entityType")
	if err != nil {
		return "", err
	}
	if _, ok := c.engine.Registry().ByName(name); !ok {
		return "", entity.NotFound("type", name)
	}
	return name, nil
}

func (c *call) propertiesOf(name string) ([]engine.CustomProperty, error) {
	list := []engine.CustomProperty{}
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		found, err := c.engine.CustomProperties(c.ctx(), r, name)
		list = append(list[:0], found...)
		return err
	})
	return list, err
}

func (c *call) customProperties() error {
	name, err := c.describedType()
	if err != nil {
		return err
	}
	list, err := c.propertiesOf(name)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, list)
}

// fieldAnswer names one member of an entity type.
type fieldAnswer struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitzero"`
	Type        string `json:"type"`
}

// typeFields answers the members of a type: those of its schema, then those
// that people have added, which are below extension.
func (c *call) typeFields() error {
	name, err := c.describedType()
	if err != nil {
		return err
	}
	t, err := c.entityType(name)
	if err != nil {
		return err
	}
	source, err := c.engine.SchemaSource(t.Schema)
	if err != nil {
		return err
	}
	var schema struct {
		Properties map[string]jsontext.Value `json:"properties"`
		Rest       jsontext.Value            `json:",embed"`
	}
	if err := json.Unmarshal(source, &schema); err != nil {
		return entity.Internal(err)
	}
	out := make([]fieldAnswer, 0, len(schema.Properties))
	for member, raw := range schema.Properties {
		out = append(out, fieldAnswer{Name: member, Type: schemaType(raw)})
	}
	slices.SortFunc(out, func(a, b fieldAnswer) int { return strings.Compare(a.Name, b.Name) })
	list, err := c.propertiesOf(name)
	if err != nil {
		return err
	}
	for _, p := range list {
		out = append(out, fieldAnswer{Name: "extension." + p.Name, DisplayName: p.DisplayName, Type: p.Type.Name})
	}
	return c.json(http.StatusOK, out)
}

// schemaType returns the name of the type of a schema's member.
func schemaType(raw jsontext.Value) string {
	var s struct {
		Ref   string           `json:"$ref"`
		Type  jsontext.Value   `json:"type"`
		AnyOf []jsontext.Value `json:"anyOf"`
		Rest  jsontext.Value   `json:",embed"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return "any"
	}
	if s.Ref != "" {
		_, inside, found := strings.Cut(s.Ref, "#/$defs/")
		if found && inside != "" {
			return inside
		}
		return strings.TrimSuffix(path.Base(s.Ref), ".json")
	}
	var one string
	if json.Unmarshal(s.Type, &one) == nil && one != "" {
		return one
	}
	var several []string
	if json.Unmarshal(s.Type, &several) == nil {
		for _, name := range several {
			if name != "null" {
				return name
			}
		}
	}
	for _, choice := range s.AnyOf {
		if name := schemaType(choice); name != "null" {
			return name
		}
	}
	return "any"
}
