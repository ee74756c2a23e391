package engine

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// SensitiveTag marks entities and columns whose values only those see who may
// edit the entity.
const SensitiveTag = "PII.Sensitive"

// MaskedValue stands for a value that is hidden because of SensitiveTag.
const MaskedValue = "********"

// samplesField is the field that holds values taken from the source.
const samplesField = "sampleData"

// decideSamples checks whether the caller may see samples. Asked for by name
// without the right is an error; asked for with * they are left out.
func (v *View) decideSamples(t *registry.Type, allowed func(policy.Operation) error) error {
	if !slices.Contains(t.Records, samplesField) || !v.Fields.Has(samplesField) {
		return nil
	}
	if err := allowed(policy.ViewSampleData); err != nil {
		if !v.Fields.all {
			return err
		}
		v.withheld = append(slices.Clone(v.withheld), samplesField)
		return nil
	}
	v.personal = allowed(policy.EditAll) == nil
	return nil
}

// withholdSamples takes out of an entity what the caller may not see.
func (h *hydration) withholdSamples(ent *entity.Entity) error {
	for _, field := range h.v.withheld {
		delete(ent.Rest, field)
	}
	raw := ent.Rest[samplesField]
	if raw == nil || h.v.personal {
		return nil
	}
	s, err := SensitiveOf(h.t, ent)
	if err != nil {
		return err
	}
	ent.Rest[samplesField], err = s.MaskSamples(raw)
	return err
}

// Sensitive says which values of an entity are to be hidden.
type Sensitive struct {
	Whole bool            // everything
	Parts map[string]bool // names of the top-level columns or fields
}

// SensitiveOf reads the tags of an entity and of its parts. A column is
// sensitive when one inside it is.
func SensitiveOf(t *registry.Type, ent *entity.Entity) (Sensitive, error) {
	s := Sensitive{Whole: hasSensitive(ent.Tags), Parts: map[string]bool{}}
	for _, n := range t.Nested {
		if n.Path[0] == "dataModel" || !hasLabels(ent.Rest[n.Path[0]]) {
			continue
		}
		parts, err := nestedParts(ent, n)
		if err != nil {
			return s, err
		}
		for _, p := range parts {
			if p.sensitive(0) {
				s.Parts[p.Name] = true
			}
		}
	}
	return s, nil
}

// Hides tells whether values of the part are hidden.
func (s Sensitive) Hides(part string) bool { return s.Whole || s.Parts[part] }

func (p part) sensitive(depth int) bool {
	if hasSensitive(p.Tags) {
		return true
	}
	return depth < maxDepth && slices.ContainsFunc(p.Children, func(child part) bool { return child.sensitive(depth + 1) })
}

func hasSensitive(labels []entity.TagLabel) bool {
	return slices.ContainsFunc(labels, func(l entity.TagLabel) bool { return l.TagFQN == SensitiveTag })
}

// samples are rows under named columns, or messages.
type samples struct {
	Columns  []string           `json:"columns,omitzero"`
	Rows     [][]jsontext.Value `json:"rows,omitzero"`
	Messages []string           `json:"messages,omitzero"`
}

// MaskSamples hides values: those of sensitive columns, or all messages as soon
// as any part of them is sensitive.
func (s Sensitive) MaskSamples(raw jsontext.Value) (jsontext.Value, error) {
	if !s.Whole && len(s.Parts) == 0 {
		return raw, nil
	}
	var data samples
	if err := json.Unmarshal(raw, &data, readOptions); err != nil {
		return nil, entity.Internal(err)
	}
	for i := range data.Messages {
		data.Messages[i] = MaskedValue
	}
	masked := quoted(MaskedValue)
	for _, row := range data.Rows {
		for i := range row {
			if s.Whole || i < len(data.Columns) && s.Parts[data.Columns[i]] {
				row[i] = masked
			}
		}
	}
	return encode(data)
}
