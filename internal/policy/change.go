package policy

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// OperationsForChange derives the operations a write needs from what it really
// changes: pass the difference this write makes, not one merged with earlier
// versions. Nothing changed needs nothing; a field without an operation of its
// own needs EditAll.
func OperationsForChange(change *entity.ChangeDescription) []Operation {
	if change.Empty() {
		return nil
	}
	var need OperationSet
	for _, fields := range [][]entity.FieldChange{change.FieldsAdded, change.FieldsUpdated, change.FieldsDeleted} {
		for i := range fields {
			need |= operationsForField(&fields[i])
		}
	}
	return need.List()
}

// OperationsForFields is OperationsForChange for when only the names of the
// changed fields are known. Without the labels a change of tags needs the right
// to each kind of label.
func OperationsForFields(names ...string) []Operation {
	var need OperationSet
	for _, name := range names {
		need |= operationsForField(&entity.FieldChange{Name: name})
	}
	return need.List()
}

func operationsForField(f *entity.FieldChange) OperationSet {
	op := operationForName(f.Name)
	if op != EditTags {
		return setOf(op)
	}
	return operationsForLabels(f.OldValue) | operationsForLabels(f.NewValue) | labelsUnknown(f)
}

// labelsUnknown asks for the right to every kind of label when the change does
// not say which were touched.
func labelsUnknown(f *entity.FieldChange) OperationSet {
	if len(f.OldValue) == 0 && len(f.NewValue) == 0 {
		return SetOf(EditTags, EditGlossaryTerms, EditTier)
	}
	return 0
}

// operationForName maps a field name as change descriptions spell it:
// description, extension.cost, columns.id.tags, columns."a.b".c.description.
func operationForName(name string) Operation {
	parts, err := entity.SplitFQN(name)
	if err != nil {
		return EditAll
	}
	if parts[0] == "extension" {
		return EditCustomFields
	}
	last := parts[len(parts)-1]
	switch {
	case len(parts) == 1:
		return operationForTop(last)
	case len(parts) >= 3:
		return operationForPart(last)
	}
	return EditAll // columns.tags may be a column named tags
}

// operationForPart maps a member of a named part, such as a column or a task.
func operationForPart(member string) Operation {
	switch member {
	case "description":
		return EditDescription
	case "displayName":
		return EditDisplayName
	case "tags":
		return EditTags
	}
	return EditAll
}

func operationForTop(field string) Operation {
	switch field {
	case "certification":
		return EditCertification
	case "defaultRoles", "roles":
		return EditRole
	case "owners":
		return EditOwners
	case "policies":
		return EditPolicy
	case "reviewers":
		return EditReviewers
	case "teams":
		return EditTeams
	case "users":
		return EditUsers
	}
	return operationForPart(field)
}

// operationsForLabels reads the labels a change took away or brought: a list of
// tag labels, or the text of one inside a string. What cannot be read needs
// EditAll.
func operationsForLabels(value jsontext.Value) OperationSet {
	if len(value) > 0 && value.Kind() == '"' {
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return setOf(EditAll)
		}
		value = text
	}
	if len(value) == 0 || value.Kind() == 'n' {
		return 0
	}
	var labels []struct {
		TagFQN string `json:"tagFQN"`
		Source string `json:"source"`
	}
	if err := json.Unmarshal(value, &labels); err != nil {
		return setOf(EditAll)
	}
	var need OperationSet
	for _, label := range labels {
		need |= setOf(OperationForLabel(label.TagFQN, label.Source))
	}
	return need
}

// OperationForLabel is what attaching or removing one label needs.
func OperationForLabel(tagFQN, source string) Operation {
	switch {
	case strings.EqualFold(source, "Glossary"):
		return EditGlossaryTerms
	case entity.Under(tagFQN, "Tier"):
		return EditTier
	}
	return EditTags
}
