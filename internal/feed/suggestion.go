package feed

import (
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds and states of suggestions.
const (
	SuggestDescription = "SuggestDescription"
	SuggestTags        = "SuggestTagLabel"
	Open               = "Open"
	Accepted           = "Accepted"
	Rejected           = "Rejected"
	Closed             = "Closed" // of a task
)

// Suggestion proposes a description or tags for what its link points at.
type Suggestion struct {
	ID          entity.ID         `json:"id"`
	Type        string            `json:"type"`
	Status      string            `json:"status"`
	Link        string            `json:"entityLink"`
	Description string            `json:"description,omitzero"`
	Tags        []entity.TagLabel `json:"tagLabels,omitzero"`
	CreatedAt   int64             `json:"createdAt"`
	CreatedBy   entity.Ref        `json:"createdBy"`
	UpdatedAt   int64             `json:"updatedAt"`
	UpdatedBy   string            `json:"updatedBy"`
	ActingBot   string            `json:"impersonatedBy,omitzero"` // of the last change
	Href        string            `json:"href,omitzero"`
}

// Settle checks that the suggestion proposes something, and which kind it is.
func (s *Suggestion) Settle() error {
	if s.Type == "" {
		s.Type = SuggestDescription
		if s.Description == "" {
			s.Type = SuggestTags
		}
	}
	if s.Type == SuggestDescription && s.Description == "" {
		return entity.BadRequest("Suggestion's description cannot be empty.")
	}
	if s.Type == SuggestTags && len(s.Tags) == 0 {
		return entity.BadRequest("Suggestion's tag labels cannot be empty.")
	}
	_, err := entity.ParseLink(s.Link)
	return err
}

// Change is what accepting the suggestion does.
func (s *Suggestion) Change() Change {
	if s.Type == SuggestDescription {
		return Change{Description: &s.Description}
	}
	return Change{Tags: s.Tags}
}
