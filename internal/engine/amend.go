package engine

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// ValidateBody checks the body of a special call against a schema, or a
// definition inside one, e.g. "entity/data/table.json#/$defs/tableData". Members
// that are null are dropped, texts are cleaned. The error is a KindBadRequest.
func (e *Engine) ValidateBody(schema string, body []byte) ([]byte, error) {
	clean, err := dropNulls(body)
	if err != nil {
		return nil, err
	}
	if err := e.schemas.Validate(schema, clean); err != nil {
		return nil, err
	}
	return e.cleanBody(schema, clean)
}

// Amend sets members of a document that the server itself keeps, such as the
// status of a test case, and announces the change without a new version. A nil
// value removes the member. It runs in the caller's transaction, which has
// checked what the caller may do.
func (e *Engine) Amend(ctx context.Context, tx store.Tx, by entity.Principal, row store.Row, members map[string]jsontext.Value) error {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	if ent.Rest == nil {
		ent.Rest = map[string]jsontext.Value{}
	}
	change := &entity.ChangeDescription{
		FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}, PreviousVersion: row.Version,
	}
	for name, value := range members {
		old := ent.Rest[name]
		switch {
		case value == nil && old == nil || value != nil && string(value) == string(old):
			continue
		case value == nil:
			delete(ent.Rest, name)
			change.FieldsDeleted = append(change.FieldsDeleted, entity.FieldChange{Name: name, OldValue: shown(old)})
			continue
		case old == nil:
			change.FieldsAdded = append(change.FieldsAdded, entity.FieldChange{Name: name, NewValue: shown(value)})
		default:
			change.FieldsUpdated = append(change.FieldsUpdated, entity.FieldChange{Name: name, OldValue: shown(old), NewValue: shown(value)})
		}
		ent.Rest[name] = value
	}
	if change.Empty() {
		return nil
	}
	if row.Doc, err = encode(ent); err != nil {
		return err
	}
	if err := tx.Replace(ctx, row); err != nil {
		return err
	}
	return e.Touch(ctx, tx, by, row, change)
}

// FieldsOf asks for the named fields.
func FieldsOf(names ...string) Fields {
	f := Fields{names: make(map[string]bool, len(names))}
	for _, name := range names {
		f.names[name] = true
		f.key += name + ","
	}
	return f
}

// Decode reads a stored document.
func Decode(row store.Row) (*entity.Entity, error) { return decodeDoc(row.Doc) }
