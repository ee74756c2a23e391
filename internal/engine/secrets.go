package engine

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// Mask stands for a secret in every answer but those to bots. Sent back in a
// write it means: unchanged.
const Mask = "*********"

// seal replaces the secrets of a new state by their sealed form. A masked one
// keeps what the old state has.
func (e *Engine) seal(t *registry.Type, old, next *entity.Entity) error {
	if t.Hooks.Secrets == nil {
		return nil
	}
	kept := map[string]string{}
	if old != nil {
		err := t.Hooks.Secrets(old.Rest, func(path, value string) (string, error) {
			kept[path] = value
			return value, nil
		})
		if err != nil {
			return err
		}
	}
	return t.Hooks.Secrets(next.Rest, func(path, value string) (string, error) {
		before, had := kept[path]
		switch {
		case value == "":
			return value, nil
		case value == Mask:
			if !had {
				return "", entity.BadRequest("%s is masked, and there is no earlier value to keep: send the value itself", path)
			}
			return before, nil
		case e.isSealed(value):
			if had && before == value {
				return value, nil
			}
			return "", entity.BadRequest("%s holds text in the form of a sealed secret", path)
		}
		if had { // the same secret again is no change
			if plain, err := e.sealer.Open(before, secretContext(t, next, path)); err == nil && plain == value {
				return before, nil
			}
		}
		return e.sealer.Seal(value, secretContext(t, next, path))
	})
}

// unseal opens or masks the secrets of an entity that is shown.
func (e *Engine) unseal(t *registry.Type, ent *entity.Entity, reveal bool) error {
	if t.Hooks.Secrets == nil {
		return nil
	}
	return t.Hooks.Secrets(ent.Rest, func(path, value string) (string, error) {
		if value == "" {
			return value, nil
		}
		if !reveal {
			return Mask, nil
		}
		plain, err := e.sealer.Open(value, secretContext(t, ent, path))
		if err != nil {
			return "", entity.Internal(err)
		}
		return plain, nil
	})
}

// secretContext binds a sealed secret to its entity and member, so that it opens
// nowhere else.
func secretContext(t *registry.Type, ent *entity.Entity, path string) string {
	return t.Name + "/" + ent.ID.String() + "/" + path
}

// hiderOf returns what takes the secrets out of values that change descriptions
// quote: sealed text is no secret, but nobody has a use for it either.
func (e *Engine) hiderOf(t *registry.Type) func(jsontext.Value) jsontext.Value {
	if t.Hooks.Secrets == nil {
		return func(raw jsontext.Value) jsontext.Value { return raw }
	}
	return func(raw jsontext.Value) jsontext.Value {
		var v any
		if raw == nil || json.Unmarshal(raw, &v, readOptions) != nil {
			return raw
		}
		hidden, found := e.hideSealed(v)
		if !found {
			return raw
		}
		return mustEncode(hidden)
	}
}

// hideSealed masks every sealed text at any depth and tells whether it found one.
func (e *Engine) hideSealed(v any) (any, bool) {
	found := false
	switch v := v.(type) {
	case string:
		if e.isSealed(v) {
			return Mask, true
		}
	case map[string]any:
		for name, member := range v {
			hidden, sealed := e.hideSealed(member)
			v[name], found = hidden, found || sealed
		}
	case []any:
		for i, item := range v {
			hidden, sealed := e.hideSealed(item)
			v[i], found = hidden, found || sealed
		}
	}
	return v, found
}
