package engine

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// keptSecret is a secret of an earlier state: as it is sealed, and where it was, which
// it is sealed for.
type keptSecret struct{ path, sealed string }

// tag begins a string that stands for a secret while states are compared.
const tag = "\x00"

// keptSecrets returns the secrets of an earlier state by the places at which a mask
// stands for them in the next one. In lists these need not be the places where they
// were: a secret stays with its item when others are added, removed or moved.
func keptSecrets(find registry.SecretFinder, old, next map[string]jsontext.Value) (map[string]keptSecret, error) {
	kept := map[string]keptSecret{}
	listed := false
	note := func(path, value string) (string, error) {
		kept[path] = keptSecret{path, value}
		listed = listed || strings.Contains(path, "[")
		return value, nil
	}
	if err := find(old, note); err != nil || !listed {
		return kept, err
	}
	tagged, err := secretsAs(find, old, func(path, value string) string { return tag + path + tag + value })
	if err != nil {
		return nil, err
	}
	masked, err := secretsAs(find, next, func(string, string) string { return Mask })
	if err != nil {
		return nil, err
	}
	align(tagged, masked)
	moved := make(map[string]jsontext.Value, len(tagged))
	for name, value := range tagged {
		if moved[name], err = encode(value); err != nil {
			return nil, err
		}
	}
	clear(kept)
	err = find(moved, func(path, value string) (string, error) {
		if parts := strings.SplitN(value, tag, 3); len(parts) == 3 {
			kept[path] = keptSecret{parts[1], parts[2]}
		}
		return value, nil
	})
	return kept, err
}

// secretsAs returns a copy of a document, decoded, with other strings for its secrets.
func secretsAs(find registry.SecretFinder, doc map[string]jsontext.Value, as func(path, value string) string) (map[string]any, error) {
	copied := make(map[string]jsontext.Value, len(doc))
	for name, value := range doc {
		copied[name] = value.Clone()
	}
	if err := find(copied, func(path, value string) (string, error) { return as(path, value), nil }); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(copied))
	for name, raw := range copied {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, entity.Internal(err)
		}
		out[name] = value
	}
	return out, nil
}

// align returns the old value, which it changes, with the items of each list in the
// order in which the next value has them, nil for new ones.
func align(old, next any) any {
	switch was := old.(type) {
	case map[string]any:
		now, ok := next.(map[string]any)
		if !ok {
			return old
		}
		for name, value := range was {
			if member, ok := now[name]; ok {
				was[name] = align(value, member)
			}
		}
	case []any:
		if now, ok := next.([]any); ok {
			return alignList(was, now)
		}
	}
	return old
}

// alignList pairs items that are the same but for their secrets; of those that are
// left the ones with the same id, then the same name; then those at the same place. In
// a list of bare secrets one that is gone cannot be told: the others keep their places
// only if none is.
func alignList(was, now []any) []any {
	out := make([]any, len(now))
	taken := make([]bool, len(was))
	for _, keyOf := range []func(item any) string{withoutSecrets, identity("id"), identity("name")} {
		free := map[string][]int{}
		for i, item := range was {
			if key := keyOf(item); key != "" && !taken[i] {
				free[key] = append(free[key], i)
			}
		}
		for i, item := range now {
			candidates := free[keyOf(item)]
			if out[i] != nil || len(candidates) == 0 {
				continue
			}
			at := max(slices.Index(candidates, i), 0) // of equal ones that at the same place
			from := candidates[at]
			free[keyOf(item)] = slices.Delete(candidates, at, at+1)
			out[i], taken[from] = align(was[from], item), true
		}
	}
	for i := range min(len(now), len(was)) {
		if _, bare := was[i].(string); bare && len(now) != len(was) {
			continue
		}
		if out[i] == nil && !taken[i] {
			out[i] = align(was[i], now[i])
		}
	}
	return out
}

// withoutSecrets is the text of an item with a mask for each secret, "" for a string.
func withoutSecrets(item any) string {
	if _, ok := item.(string); ok {
		return ""
	}
	text, err := json.Marshal(hidden(item), json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(text)
}

// hidden copies a value with a mask for each string that is tagged.
func hidden(value any) any {
	switch value := value.(type) {
	case string:
		if strings.HasPrefix(value, tag) {
			return Mask
		}
	case map[string]any:
		out := make(map[string]any, len(value))
		for name, member := range value {
			out[name] = hidden(member)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = hidden(item)
		}
		return out
	}
	return value
}

// identity returns what reads a member that says which item of a list one is.
func identity(name string) func(item any) string {
	return func(item any) string {
		members, _ := item.(map[string]any)
		text, _ := members[name].(string)
		return text
	}
}
