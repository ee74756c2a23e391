package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// SensitiveTag marks entities and columns whose values only those see who may
// edit the entity.
const SensitiveTag = "PII.Sensitive"

// MaskedValue stands for a value that is hidden because of SensitiveTag.
const MaskedValue = "********"

// samplesField is the field that holds values taken from the source.
const samplesField = "sampleData"

// asksSamples tells whether the answer would show samples.
func (v *View) asksSamples(t *registry.Type) bool {
	return slices.Contains(t.Records, samplesField) && v.Fields.Has(samplesField)
}

// sampleRights are what the caller may do with the samples of the entities of an
// answer.
type sampleRights struct{ see, personal map[entity.ID]bool }

// readSampleRights decides for each entity by itself: a rule may depend on it. Asked
// for by name on one entity, samples that must not be seen are an error; otherwise
// they are left out.
func (h *hydration) readSampleRights(ctx context.Context, r store.Reader, _ []entity.ID) error {
	if h.v.viewer == nil || !h.v.asksSamples(h.t) {
		return nil
	}
	h.samples = &sampleRights{see: map[entity.ID]bool{}, personal: map[entity.ID]bool{}}
	for op, may := range map[policy.Operation]map[entity.ID]bool{policy.ViewSampleData: h.samples.see, policy.EditAll: h.samples.personal} {
		rows, err := h.e.seen(ctx, r, h.l, h.v.viewer.by, h.rows, op)
		if err != nil {
			return err
		}
		for _, row := range rows {
			may[row.ID] = true
		}
	}
	return nil
}

// withholdSamples takes out of an entity what the caller may not see.
func (h *hydration) withholdSamples(ent *entity.Entity) error {
	if h.samples == nil {
		return nil
	}
	if !h.samples.see[ent.ID] {
		delete(ent.Rest, samplesField)
	}
	raw := ent.Rest[samplesField]
	if raw == nil || h.samples.personal[ent.ID] {
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
