package engine

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// References returns full references to the entities with the ids, of whatever
// types, soft-deleted ones among them; ids that are gone are left out. base is
// what hrefs begin with; "" leaves them out.
func (e *Engine) References(ctx context.Context, r store.Reader, ids []entity.ID, base string) (map[entity.ID]entity.Ref, error) {
	l := e.newLookup(r, 0, false)
	out := make(map[entity.ID]entity.Ref, len(ids))
	for chunk := range slices.Chunk(ids, batchSize) {
		if err := l.load(ctx, chunk); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		info := l.byID[id]
		if info == nil {
			continue
		}
		ref := info.ref
		if s := e.shapes[ref.Type]; s != nil && base != "" {
			ref.Href = base + s.t.Collection + "/" + id.String()
		}
		out[id] = ref
	}
	return out, nil
}

// PartNames returns the fully qualified names of the named parts of a stored
// entity: its columns, fields or tasks, at any depth.
func (e *Engine) PartNames(t *registry.Type, row store.Row) (map[string]bool, error) {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, n := range t.Nested {
		parts, err := nestedParts(ent, n)
		if err != nil {
			return nil, err
		}
		collectNames(names, parts, row.FQN, 0)
	}
	return names, nil
}

func collectNames(names map[string]bool, parts []part, prefix string, depth int) {
	if depth > maxDepth {
		return
	}
	for i := range parts {
		fqn := parts[i].FullyQualifiedName
		if fqn == "" {
			fqn = entity.JoinFQN(prefix, parts[i].Name)
		}
		names[fqn] = true
		collectNames(names, parts[i].Children, fqn, depth+1)
	}
}

// Validate checks a body against a schema, for calls that are not about one
// entity's document.
func (e *Engine) Validate(schema string, body []byte) error { return e.schemas.Validate(schema, body) }

// SchemaSource returns the JSON Schema of the name.
func (e *Engine) SchemaSource(schema string) ([]byte, error) { return e.schemas.Source(schema) }
