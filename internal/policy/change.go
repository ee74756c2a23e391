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
	before, err := labelsOf(f.OldValue)
	if err != nil {
		return setOf(EditAll)
	}
	after, err := labelsOf(f.NewValue)
	if err != nil {
		return setOf(EditAll)
	}
	need := operationsForLabels(before, after) | operationsForLabels(after, before)
	if need == 0 {
		// The change does not say which labels were touched: it may be any.
		return SetOf(EditTags, EditGlossaryTerms, EditTier)
	}
	return need
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

// label is what tells one tag label from another.
type label struct {
	TagFQN    string `json:"tagFQN"`
	Source    string `json:"source"`
	LabelType string `json:"labelType"`
	State     string `json:"state"`
}

// labelsOf reads the value of a changed field of tags: a list of tag labels, or
// the text of one inside a string.
func labelsOf(value jsontext.Value) (map[label]bool, error) {
	if len(value) > 0 && value.Kind() == '"' {
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return nil, err
		}
		value = text
	}
	if len(value) == 0 {
		return nil, nil
	}
	var list []label
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, err
	}
	labels := make(map[label]bool, len(list))
	for _, l := range list {
		labels[l] = true
	}
	return labels, nil
}

// operationsForLabels is what the labels need that are not among the others.
func operationsForLabels(labels, others map[label]bool) OperationSet {
	var need OperationSet
	for l := range labels {
		if !others[l] {
			need |= setOf(OperationForLabel(l.TagFQN, l.Source))
		}
	}
	return need
}

// OperationsForLabels is what attaching or removing all of the labels needs: EditTags
// if there are none.
func OperationsForLabels(labels []entity.TagLabel) []Operation {
	var need OperationSet
	for i := range labels {
		need |= setOf(OperationForLabel(labels[i].TagFQN, labels[i].Source))
	}
	if need == 0 {
		need = setOf(EditTags)
	}
	return need.List()
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
