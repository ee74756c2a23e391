package engine

import (
	"context"
	"maps"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
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
	kept := map[string]keptSecret{}
	if old != nil {
		var err error
		if kept, err = keptSecrets(t.Hooks.Secrets, old.Rest, next.Rest); err != nil {
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
			return e.resealed(before, secretContext(t, old, before.path), secretContext(t, next, path))
		case e.isSealed(value):
			if had && before.sealed == value && before.path == path {
				return value, nil
			}
			return "", entity.BadRequest("%s holds text in the form of a sealed secret", path)
		}
		if had { // the same secret again is no change
			if plain, err := e.sealer.Open(before.sealed, secretContext(t, old, before.path)); err == nil && plain == value && before.path == path {
				return before.sealed, nil
			}
		}
		return e.sealer.Seal(value, secretContext(t, next, path))
	})
}

// resealed seals a secret that is kept for where it is now.
func (e *Engine) resealed(kept keptSecret, was, is string) (string, error) {
	if was == is {
		return kept.sealed, nil
	}
	plain := kept.sealed
	if e.isSealed(plain) {
		var err error
		if plain, err = e.sealer.Open(plain, was); err != nil {
			return "", entity.Internal(err)
		}
	}
	return e.sealer.Seal(plain, is)
}

// sealFor seals the secrets of a new state that a caller asks for. A masked secret
// stands for one that the caller need not know: it must not become a way to have
// that secret sent elsewhere, so that who has no access to secrets changes nothing
// beside one without giving it anew.
func (w *write) sealFor(ctx context.Context, old *entity.Entity) error {
	masked := map[string]bool{}
	if old != nil && w.t.Hooks.Secrets != nil && w.method != methodInternal && w.by.TokenType != "SYSTEM" && !w.by.IsBot {
		err := w.t.Hooks.Secrets(w.in.ent.Rest, func(path, value string) (string, error) {
			if value == Mask {
				masked[topMember(path)] = true
			}
			return value, nil
		})
		if err != nil {
			return err
		}
	}
	if err := w.e.seal(w.t, old, w.in.ent); err != nil || len(masked) == 0 {
		return err
	}
	moved, err := movedAround(w.t, old, w.in.ent, masked)
	if err != nil || moved == "" {
		return err
	}
	s, err := w.e.subjectIn(ctx, w.tx, w.by.UserID)
	if err != nil || s.Admin {
		return err
	}
	return entity.BadRequest("%s has masked secrets: to change it, send the secrets too, or ask an administrator", moved)
}

// movedAround returns a member whose parts other than secrets differ, "" if none.
func movedAround(t *registry.Type, old, next *entity.Entity, members map[string]bool) (string, error) {
	states := [2]map[string]jsontext.Value{maps.Clone(old.Rest), maps.Clone(next.Rest)}
	for _, rest := range states {
		err := t.Hooks.Secrets(rest, func(string, string) (string, error) { return Mask, nil })
		if err != nil {
			return "", err
		}
	}
	for name := range members {
		if !sameJSON(states[0][name], states[1][name]) {
			return name, nil
		}
	}
	return "", nil
}

// topMember returns the member of the document that a path of a secret begins with.
func topMember(path string) string {
	if at := strings.IndexAny(path, ".["); at >= 0 {
		return path[:at]
	}
	return path
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
		if !e.isSealed(value) { // written when it was not yet known as a secret
			return value, nil
		}
		plain, err := e.sealer.Open(value, secretContext(t, ent, path))
		if err != nil {
			return "", entity.Internal(err)
		}
		return plain, nil
	})
}

// Opened reads a stored entity with its secrets, for what the server itself does with
// them. It must not go into an answer.
func (e *Engine) Opened(t *registry.Type, row store.Row) (*entity.Entity, error) {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	return ent, e.unseal(t, ent, true)
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
		if host, rest := entity.SplitAddress(v); rest != "" && e.isSealed(rest) {
			return host + Mask, true
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
