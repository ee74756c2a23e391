package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Renamed is an entity whose fully qualified name changed: it was renamed, moved,
// or is below one that was.
type Renamed struct {
	ID       entity.ID
	Type     string
	Old, New string // FQNs
}

// OnRename registers a function that carries new names into what others keep
// under the old ones, in the transaction that renames. Register at start only.
func (e *Engine) OnRename(fn func(ctx context.Context, tx store.Tx, renamed []Renamed) error) {
	e.onRename = append(e.onRename, fn)
}

// restoreNames puts back the names a patch cannot change, and tells what of the
// place in the tree is the entity's own to change.
func (w *write) restoreNames(m, before map[string]jsontext.Value) {
	m["id"] = quoted(w.old.ID.String())
	m["fullyQualifiedName"] = quoted(w.old.FullyQualifiedName)
	if w.t.Supports.Rename {
		if text(m["name"]) == "" {
			m["name"] = quoted(w.old.Name)
		}
		return
	}
	m["name"] = quoted(w.old.Name)
	if w.t.FlatFQN || w.t.FQN != nil {
		return
	}
	for _, p := range w.t.Parents {
		if delete(m, p.Field); before[p.Field] != nil {
			m[p.Field] = before[p.Field]
		}
	}
}

// renamed tells whether the new state has another FQN than the old one.
func (w *write) renamed() bool { return w.in.ent.FullyQualifiedName != w.old.FullyQualifiedName }

// mayRename refuses what would break the tree of names, or what the server rests on.
func (w *write) mayRename(ctx context.Context) error {
	if w.old.Name != w.in.ent.Name && text(w.old.Rest["provider"]) == "system" {
		return entity.BadRequest("System entity [name=%s, type=%s] can not be renamed.", w.old.Name, w.t.Name)
	}
	if w.parentRow.ID == w.oldRow.Parent || w.parentRow.ID == entity.NilID {
		return nil
	}
	for above, depth := w.parentRow, 0; ; depth++ {
		if above.ID == w.old.ID || depth > maxDepth {
			return entity.BadRequest("%s cannot be moved to %s, which is the same or below it", w.old.FullyQualifiedName, w.parentRow.FQN)
		}
		if above.Parent == entity.NilID {
			return nil
		}
		var err error
		if above, err = w.tx.Entity(ctx, above.Parent); err != nil {
			return err
		}
	}
}

// carryName gives everything that is named after the entity its new name: what
// lies below, labels wherever they stick, conditions of policies that ask for a
// tag. These keep their versions: they say what they said before.
func (w *write) carryName(ctx context.Context) error {
	renamed := []Renamed{{ID: w.old.ID, Type: w.t.Name, Old: w.old.FullyQualifiedName, New: w.in.ent.FullyQualifiedName}}
	below, err := w.tx.Descendants(ctx, w.old.ID)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(below, batchSize) {
		more, err := w.renameRows(ctx, chunk)
		if err != nil {
			return err
		}
		renamed = append(renamed, more...)
	}
	if err := w.relabel(ctx, renamed); err != nil {
		return err
	}
	for _, fn := range w.e.onRename {
		if err := fn(ctx, w.tx, renamed); err != nil {
			return err
		}
	}
	return nil
}

// renameRows renames those of the entities whose names begin with the old one.
func (w *write) renameRows(ctx context.Context, ids []entity.ID) ([]Renamed, error) {
	rows, err := w.tx.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []Renamed
	for _, row := range rows {
		rest, named := strings.CutPrefix(row.FQN, w.old.FullyQualifiedName+".")
		s := w.e.shapes[row.Type]
		if !named || s == nil {
			continue
		}
		r := Renamed{ID: row.ID, Type: row.Type, Old: row.FQN, New: w.in.ent.FullyQualifiedName + "." + rest}
		if err := checkFQN(r.New); err != nil {
			return nil, err
		}
		row.FQN = r.New
		err := w.rewrite(ctx, row, func(ent *entity.Entity) (bool, error) {
			ent.FullyQualifiedName = r.New
			w.moveAlong(row.Type, ent)
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// moveAlong puts an entity below the moved one into the same whole: the glossary
// of its terms, the classification of its tags.
func (w *write) moveAlong(typ string, ent *entity.Entity) {
	if typ != w.t.Name {
		return
	}
	for _, p := range w.t.Parents {
		if p.Type != typ && w.in.ent.Rest[p.Field] != nil {
			ent.Rest[p.Field] = w.in.ent.Rest[p.Field]
		}
	}
}

// relabel renames labels of the tags and terms among the renamed.
func (w *write) relabel(ctx context.Context, renamed []Renamed) error {
	names := map[store.Key]string{}
	var ids []entity.ID
	for _, r := range renamed {
		if r.Type == "tag" || r.Type == "glossaryTerm" {
			names[store.Key{Type: r.Type, FQN: r.Old}] = r.New
			ids = append(ids, r.ID)
		}
	}
	var labelled []entity.ID
	for chunk := range slices.Chunk(ids, batchSize) {
		relations, err := w.tx.RelationsFrom(ctx, chunk, "tags")
		if err != nil {
			return err
		}
		for _, rel := range relations {
			labelled = append(labelled, rel.To)
		}
	}
	slices.SortFunc(labelled, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	for chunk := range slices.Chunk(slices.Compact(labelled), batchSize) {
		if err := w.relabelRows(ctx, chunk, names); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	return w.rewordPolicies(ctx, names)
}

func (w *write) relabelRows(ctx context.Context, ids []entity.ID, names map[store.Key]string) error {
	rows, err := w.tx.Entities(ctx, ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s := w.e.shapes[row.Type]
		if s == nil {
			continue
		}
		err := w.rewrite(ctx, row, func(ent *entity.Entity) (bool, error) { return w.relabelEntity(s, ent, names) })
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite stores a row whose document change has changed; it says whether it has.
func (w *write) rewrite(ctx context.Context, row store.Row, change func(*entity.Entity) (bool, error)) error {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	if changed, err := change(ent); err != nil || !changed {
		return err
	}
	if row.Doc, err = encode(ent); err != nil {
		return err
	}
	return w.tx.Replace(ctx, row)
}

// relabelEntity renames the labels of the entity, of its parts and its
// certification.
func (w *write) relabelEntity(s *shape, ent *entity.Entity, names map[store.Key]string) (bool, error) {
	rename := func(labels []*entity.TagLabel) (changed bool) {
		for _, label := range labels {
			if name, ok := names[labelKey(w.e, label)]; ok {
				label.TagFQN, changed = name, true
			}
		}
		return changed
	}
	changed := rename(pointers(ent.Tags))
	lists, err := labelledParts(s, ent)
	if err != nil {
		return false, err
	}
	for _, list := range lists {
		if !rename(collectLabels(nil, list.parts, 0)) {
			continue
		}
		changed = true
		if err := setNestedParts(ent, list.at, list.parts); err != nil {
			return false, err
		}
	}
	label, err := certificationLabel(ent)
	if err != nil || label == nil || !rename([]*entity.TagLabel{label}) {
		return changed, err
	}
	return true, setCertificationLabel(ent, label)
}

// certificationLabel returns the label of an entity's certification, nil when it
// has none.
func certificationLabel(ent *entity.Entity) (*entity.TagLabel, error) {
	raw := ent.Rest["certification"]
	if raw == nil || raw.Kind() != '{' || !hasLabels(raw) {
		return nil, nil
	}
	var c struct {
		Label *entity.TagLabel `json:"tagLabel"`
	}
	if err := json.Unmarshal(raw, &c, readOptions); err != nil {
		return nil, entity.Internal(err)
	}
	return c.Label, nil
}

func setCertificationLabel(ent *entity.Entity, label *entity.TagLabel) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(ent.Rest["certification"], &members, readOptions); err != nil {
		return entity.Internal(err)
	}
	var err error
	if members["tagLabel"], err = encode(label); err != nil {
		return err
	}
	ent.Rest["certification"], err = encode(members)
	return err
}

// rewordPolicies renames tags in the conditions of policies, so that a rule keeps
// reaching what it was made for.
func (w *write) rewordPolicies(ctx context.Context, names map[store.Key]string) error {
	rename := func(name string) string {
		for _, typ := range []string{"tag", "glossaryTerm"} {
			if s := w.e.shapes[typ]; s != nil {
				if next, ok := names[store.Key{Type: typ, FQN: s.canonical(name)}]; ok {
					return next
				}
			}
		}
		return name
	}
	query := store.ListQuery{Type: "policy", Include: store.All, Limit: batchSize}
	for {
		rows, err := w.tx.List(ctx, query)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if err := w.rewordPolicy(ctx, row, rename); err != nil {
				return err
			}
		}
		query.After = rows[len(rows)-1].FQN
	}
}

func (w *write) rewordPolicy(ctx context.Context, row store.Row, rename func(string) string) error {
	return w.rewrite(ctx, row, func(doc *entity.Entity) (bool, error) {
		var rules []map[string]jsontext.Value
		if raw := doc.Rest["rules"]; raw == nil || json.Unmarshal(raw, &rules, readOptions) != nil {
			return false, nil
		}
		changed := false
		for _, rule := range rules {
			was := text(rule["condition"])
			is := policy.RenameTags(was, rename)
			if is == was {
				continue
			}
			if len(is) > policy.MaxConditionLength {
				return false, entity.BadRequest("with the new name, a condition of the policy %s gets longer than %d characters", row.FQN, policy.MaxConditionLength)
			}
			rule["condition"], changed = quoted(is), true
		}
		if !changed {
			return false, nil
		}
		var err error
		doc.Rest["rules"], err = encode(rules)
		return true, err
	})
}
