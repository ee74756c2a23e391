package entity

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// ID identifies an entity for its whole life, across renames and restores.
type ID = uuid.UUID

// NilID is the zero ID; no entity has it.
var NilID = uuid.Nil

// NewID makes a random identifier that sorts by its time of creation (UUIDv7),
// so that inserts stay at the end of the store's indexes.
func NewID() ID {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.New()
	}
	return id
}

// ParseID reads a UUID in its canonical or undashed form. The error is a
// KindBadRequest whose message names the text.
func ParseID(text string) (ID, error) {
	if len(text) != 36 && len(text) != 32 {
		return NilID, BadRequest("%q is not a UUID", Shorten(text, 60))
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return NilID, BadRequest("%q is not a UUID", Shorten(text, 60))
	}
	return id, nil
}

// Entity is the envelope every type shares. Members that only one type or a
// few have stay raw in Rest, so that newer or rarer members survive a round
// trip untouched.
//
// The same struct is stored, kept in versions and sent to clients; the stored
// form holds references as {id,type} and tag labels without their display
// members, which are filled in when an entity is read (see engine).
type Entity struct {
	ID                 ID                 `json:"id"`
	Name               string             `json:"name"`
	DisplayName        string             `json:"displayName,omitzero"`
	FullyQualifiedName string             `json:"fullyQualifiedName,omitzero"`
	Description        string             `json:"description,omitzero"`
	Version            Version            `json:"version,omitzero"`
	UpdatedAt          int64              `json:"updatedAt,omitzero"` // milliseconds since 1970
	UpdatedBy          string             `json:"updatedBy,omitzero"`
	ImpersonatedBy     string             `json:"impersonatedBy,omitzero"`
	Href               string             `json:"href,omitzero"`
	Owners             []Ref              `json:"owners,omitzero"`
	Domains            []Ref              `json:"domains,omitzero"`
	DataProducts       []Ref              `json:"dataProducts,omitzero"`
	Reviewers          []Ref              `json:"reviewers,omitzero"`
	Experts            []Ref              `json:"experts,omitzero"`
	Tags               []TagLabel         `json:"tags,omitzero"`
	Followers          []Ref              `json:"followers,omitzero"`
	Votes              *Votes             `json:"votes,omitzero"`
	Extension          jsontext.Value     `json:"extension,omitzero"`
	ChangeDescription  *ChangeDescription `json:"changeDescription,omitzero"`
	Deleted            *bool              `json:"deleted,omitzero"`

	// Rest holds the members of the type that the envelope does not name,
	// each as raw JSON.
	Rest map[string]jsontext.Value `json:",embed"`
}

// IsDeleted tells whether the entity is soft-deleted.
func (e *Entity) IsDeleted() bool { return e.Deleted != nil && *e.Deleted }

// Ref returns the full reference to the entity under the given type name.
func (e *Entity) Ref(typ string) Ref {
	deleted := e.IsDeleted()
	return Ref{
		ID: e.ID, Type: typ, Name: e.Name, FullyQualifiedName: e.FullyQualifiedName,
		DisplayName: e.DisplayName, Description: e.Description, Deleted: &deleted,
	}
}

// Ref points from one entity to another.
type Ref struct {
	ID                 ID     `json:"id"`
	Type               string `json:"type"`
	Name               string `json:"name,omitzero"`
	FullyQualifiedName string `json:"fullyQualifiedName,omitzero"`
	Description        string `json:"description,omitzero"`
	DisplayName        string `json:"displayName,omitzero"`
	Deleted            *bool  `json:"deleted,omitzero"`
	Inherited          bool   `json:"inherited,omitzero"` // comes from the parent, not set here
	Href               string `json:"href,omitzero"`
}

// Bare returns the stored form of the reference: identity only.
func (r Ref) Bare() Ref { return Ref{ID: r.ID, Type: r.Type} }

// TagLabel attaches a classification tag or a glossary term to an entity or to
// a part of one.
type TagLabel struct {
	TagFQN      string         `json:"tagFQN"`
	Name        string         `json:"name,omitzero"`
	DisplayName string         `json:"displayName,omitzero"`
	Description string         `json:"description,omitzero"`
	Style       jsontext.Value `json:"style,omitzero"`
	Source      string         `json:"source"`    // Classification or Glossary
	LabelType   string         `json:"labelType"` // Manual, Propagated, Automated, Derived, Generated
	State       string         `json:"state"`     // Suggested or Confirmed
	Href        string         `json:"href,omitzero"`
	Reason      string         `json:"reason,omitzero"`
	AppliedAt   jsontext.Value `json:"appliedAt,omitzero"`
	AppliedBy   string         `json:"appliedBy,omitzero"`
	Metadata    jsontext.Value `json:"metadata,omitzero"`
}

// EntityType returns the type of the entity that the label attaches.
func (t TagLabel) EntityType() string {
	if t.Source == "Glossary" {
		return "glossaryTerm"
	}
	return "tag"
}

// Bare returns the stored form of the label: what the person who set it said,
// without what is looked up from the tag.
func (t TagLabel) Bare() TagLabel {
	t.Name, t.DisplayName, t.Description, t.Style, t.Href = "", "", "", nil, ""
	return t
}

// Votes counts the opinions users have given on an entity.
type Votes struct {
	UpVotes    int   `json:"upVotes"`
	DownVotes  int   `json:"downVotes"`
	UpVoters   []Ref `json:"upVoters,omitzero"`
	DownVoters []Ref `json:"downVoters,omitzero"`
}

// Shorten cuts text to at most n bytes on a rune boundary and marks the cut,
// for messages that quote what a caller sent.
func Shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n] + "…"
}
