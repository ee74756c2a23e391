package engine

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// differ compares two states of an entity and collects the field changes.
type differ struct {
	s      *shape
	full   func(entity.Ref) entity.Ref // fills names into a bare reference
	hide   func(jsontext.Value) jsontext.Value
	change entity.ChangeDescription
	major  bool
}

// unversioned are members whose change alone makes no version.
var unversioned = map[string]bool{"id": true, "fullyQualifiedName": true}

// diff returns what changed from old to next; the change is Empty when nothing
// did. major tells that something was taken away. hide takes secrets out of the
// values that are described.
func diff(s *shape, old, next *entity.Entity, full func(entity.Ref) entity.Ref, hide func(jsontext.Value) jsontext.Value) (*entity.ChangeDescription, bool, error) {
	d := &differ{s: s, full: full, hide: hide}
	if old.IsDeleted() != next.IsDeleted() {
		d.value("deleted", boolJSON(old.IsDeleted()), boolJSON(next.IsDeleted()))
	}
	d.text("displayName", old.DisplayName, next.DisplayName)
	d.text("description", old.Description, next.Description)
	if old.Name != next.Name {
		d.text("name", old.Name, next.Name)
	}
	d.refs("owners", old.Owners, next.Owners)
	d.refs("domains", old.Domains, next.Domains)
	d.refs("dataProducts", old.DataProducts, next.DataProducts)
	d.refs("reviewers", old.Reviewers, next.Reviewers)
	d.refs("experts", old.Experts, next.Experts)
	d.tags("tags", old.Tags, next.Tags)
	if err := d.extension(old.Extension, next.Extension); err != nil {
		return nil, false, err
	}
	if err := d.rest(old, next); err != nil {
		return nil, false, err
	}
	if s.t.Hooks.Major != nil && !d.change.Empty() && s.t.Hooks.Major(old, next) {
		d.major = true
	}
	d.change.PreviousVersion = old.Version
	d.change.FieldsAdded = orEmpty(d.change.FieldsAdded)
	d.change.FieldsUpdated = orEmpty(d.change.FieldsUpdated)
	d.change.FieldsDeleted = orEmpty(d.change.FieldsDeleted)
	return &d.change, d.major, nil
}

func orEmpty(changes []entity.FieldChange) []entity.FieldChange {
	if changes == nil {
		return []entity.FieldChange{}
	}
	return changes
}

func boolJSON(b bool) jsontext.Value {
	if b {
		return jsontext.Value("true")
	}
	return jsontext.Value("false")
}

// shown returns a value as change descriptions hold it: lists and objects as JSON
// text in a string, everything else as it is.
func shown(raw jsontext.Value) jsontext.Value {
	if kind := raw.Kind(); kind != '[' && kind != '{' {
		return raw
	}
	return quoted(string(raw))
}

func (d *differ) added(name string, value jsontext.Value) {
	d.change.FieldsAdded = append(d.change.FieldsAdded, entity.FieldChange{Name: name, NewValue: shown(d.hide(value))})
}

func (d *differ) deleted(name string, value jsontext.Value) {
	d.change.FieldsDeleted = append(d.change.FieldsDeleted, entity.FieldChange{Name: name, OldValue: shown(d.hide(value))})
}

func (d *differ) updated(name string, from, to jsontext.Value) {
	d.change.FieldsUpdated = append(d.change.FieldsUpdated, entity.FieldChange{Name: name, OldValue: shown(d.hide(from)), NewValue: shown(d.hide(to))})
}

func (d *differ) text(name, from, to string) {
	switch {
	case from == to:
	case from == "":
		d.added(name, quoted(to))
	case to == "":
		d.deleted(name, quoted(from))
	default:
		d.updated(name, quoted(from), quoted(to))
	}
}

func (d *differ) value(name string, from, to jsontext.Value) {
	switch {
	case sameJSON(from, to):
	case from == nil:
		d.added(name, to)
	case to == nil:
		d.deleted(name, from)
	default:
		d.updated(name, from, to)
	}
}

// sameJSON compares two values, whatever their spacing and member order.
func sameJSON(a, b jsontext.Value) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if a == nil || b == nil || a.Kind() != b.Kind() {
		return false
	}
	return bytes.Equal(canonicalJSON(a), canonicalJSON(b))
}

func canonicalJSON(v jsontext.Value) jsontext.Value {
	c := v.Clone()
	if err := c.Canonicalize(); err != nil {
		return v
	}
	return c
}

func (d *differ) refs(name string, from, to []entity.Ref) {
	added := d.minus(to, from)
	deleted := d.minus(from, to)
	if len(added) > 0 {
		d.added(name, mustEncode(added))
	}
	if len(deleted) > 0 {
		d.deleted(name, mustEncode(deleted))
	}
}

// minus returns the references of a that b has not, with their names.
func (d *differ) minus(a, b []entity.Ref) []entity.Ref {
	var out []entity.Ref
	for _, ref := range a {
		if !slices.ContainsFunc(b, func(other entity.Ref) bool { return other.ID == ref.ID }) {
			out = append(out, d.full(ref))
		}
	}
	return out
}

func (d *differ) tags(name string, from, to []entity.TagLabel) {
	if added := labelsMinus(to, from); len(added) > 0 {
		d.added(name, mustEncode(added))
	}
	if deleted := labelsMinus(from, to); len(deleted) > 0 {
		d.deleted(name, mustEncode(deleted))
	}
}

func labelsMinus(a, b []entity.TagLabel) []entity.TagLabel {
	var out []entity.TagLabel
	for _, label := range a {
		if !slices.ContainsFunc(b, func(other entity.TagLabel) bool { return other.TagFQN == label.TagFQN && other.Source == label.Source }) {
			out = append(out, label)
		}
	}
	return out
}

// mustEncode encodes values of our own types, which cannot fail.
func mustEncode(v any) jsontext.Value {
	out, err := encode(v)
	if err != nil {
		return jsontext.Value("null")
	}
	return out
}

// extension lists custom properties one by one, each as {name: value}.
func (d *differ) extension(from, to jsontext.Value) error {
	if sameJSON(from, to) {
		return nil
	}
	old, err := members(from)
	if err != nil {
		return err
	}
	next, err := members(to)
	if err != nil {
		return err
	}
	var added, deleted []map[string]jsontext.Value
	for _, name := range sortedNames(old, next) {
		before, after := old[name], next[name]
		one := func(v jsontext.Value) map[string]jsontext.Value { return map[string]jsontext.Value{name: v} }
		switch {
		case sameJSON(before, after):
		case before == nil:
			added = append(added, one(after))
		case after == nil:
			deleted = append(deleted, one(before))
		default:
			d.updated("extension."+entity.QuoteName(name), before, after)
		}
	}
	if len(added) > 0 {
		d.added("extension", mustEncode(added))
	}
	if len(deleted) > 0 {
		d.deleted("extension", mustEncode(deleted))
	}
	return nil
}

// members decodes a JSON object; nil and non-objects have none.
func members(raw jsontext.Value) (map[string]jsontext.Value, error) {
	if raw == nil || raw.Kind() != '{' {
		return nil, nil
	}
	var out map[string]jsontext.Value
	if err := json.Unmarshal(raw, &out, readOptions); err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

func sortedNames[V any](maps ...map[string]V) []string {
	var names []string
	for _, m := range maps {
		for name := range m {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// rest compares the members of the type.
func (d *differ) rest(old, next *entity.Entity) error {
	nested := make(map[string]bool, len(d.s.t.Nested))
	for _, n := range d.s.t.Nested {
		nested[n.Path[0]] = true
		if err := d.nested(old, next, n.Path); err != nil {
			return err
		}
	}
	for _, name := range sortedNames(old.Rest, next.Rest) {
		from, to := old.Rest[name], next.Rest[name]
		if unversioned[name] || d.s.computed[name] || bytes.Equal(from, to) {
			continue
		}
		switch {
		case nested[name]:
			if err := d.aroundNested(name, from, to); err != nil {
				return err
			}
		case d.s.relations[name] != nil:
			if err := d.relation(name, from, to); err != nil {
				return err
			}
		case from.Kind() == '[' && to.Kind() == '[':
			if err := d.list(name, from, to); err != nil {
				return err
			}
		default:
			d.value(name, from, to)
		}
	}
	return nil
}

func (d *differ) relation(name string, from, to jsontext.Value) error {
	old, err := refsOf(from)
	if err != nil {
		return entity.Internal(err)
	}
	next, err := refsOf(to)
	if err != nil {
		return entity.Internal(err)
	}
	d.refs(name, old, next)
	return nil
}

// list compares two arrays by their items; a mere change of order is an update.
func (d *differ) list(name string, from, to jsontext.Value) error {
	if sameJSON(from, to) {
		return nil
	}
	var old, next []jsontext.Value
	if err := json.Unmarshal(from, &old, readOptions); err != nil {
		return entity.Internal(err)
	}
	if err := json.Unmarshal(to, &next, readOptions); err != nil {
		return entity.Internal(err)
	}
	added, deleted := itemsMinus(next, old), itemsMinus(old, next)
	if len(added) == 0 && len(deleted) == 0 {
		d.updated(name, from, to)
		return nil
	}
	if len(added) > 0 {
		d.added(name, mustEncode(added))
	}
	if len(deleted) > 0 {
		d.deleted(name, mustEncode(deleted))
	}
	return nil
}

func itemsMinus(a, b []jsontext.Value) []jsontext.Value {
	have := make(map[string]bool, len(b))
	for _, item := range b {
		have[string(canonicalJSON(item))] = true
	}
	var out []jsontext.Value
	for _, item := range a {
		if !have[string(canonicalJSON(item))] {
			out = append(out, item)
		}
	}
	return out
}

// aroundNested compares what surrounds a nested array: the other members of
// messageSchema beside schemaFields.
func (d *differ) aroundNested(name string, from, to jsontext.Value) error {
	if from.Kind() == '[' || to.Kind() == '[' {
		return nil // the array itself; compared part by part
	}
	old, err := members(from)
	if err != nil {
		return err
	}
	next, err := members(to)
	if err != nil {
		return err
	}
	for _, member := range sortedNames(old, next) {
		if !d.isNestedMember(name, member) {
			d.value(name+"."+member, old[member], next[member])
		}
	}
	return nil
}

func (d *differ) isNestedMember(name, member string) bool {
	for _, n := range d.s.t.Nested {
		if len(n.Path) > 1 && n.Path[0] == name && n.Path[1] == member {
			return true
		}
	}
	return false
}
