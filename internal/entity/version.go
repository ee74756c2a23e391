package entity

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Version numbers an entity's states: 0.1 at first, +0.1 for a compatible
// change, +1.0 for one that takes something away. It is kept in tenths, so that
// 0.1+0.2 is 0.3.
type Version int64

// FirstVersion is the version of a newly created entity.
const FirstVersion Version = 1

// Next returns the version after v: a major step when something was taken away.
func (v Version) Next(major bool) Version {
	if major {
		return v + 10
	}
	return v + 1
}

// Float returns the version as clients write it, e.g. 1.3.
func (v Version) Float() float64 { return float64(v) / 10 }

// String returns the decimal form with exactly one digit after the point.
func (v Version) String() string { return strconv.FormatFloat(v.Float(), 'f', 1, 64) }

// ParseVersion reads a decimal such as 0.1. The error is a KindBadRequest.
func ParseVersion(text string) (Version, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < 0.1 || f > 1e9 {
		return 0, BadRequest("%q is not a version number such as 0.1", Shorten(text, 40))
	}
	return Version(math.Round(f * 10)), nil
}

// MarshalJSON writes the version as a JSON number.
func (v Version) MarshalJSON() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalJSON reads a JSON number, or a string that holds one.
func (v *Version) UnmarshalJSON(data []byte) error {
	text := string(data)
	if jsontext.Value(data).Kind() == '"' {
		unquoted, err := jsontext.AppendUnquote(nil, data)
		if err != nil {
			return err
		}
		text = string(unquoted)
	}
	parsed, err := ParseVersion(text)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// ChangeDescription says what one version changed against the one before.
type ChangeDescription struct {
	FieldsAdded     []FieldChange  `json:"fieldsAdded"`
	FieldsUpdated   []FieldChange  `json:"fieldsUpdated"`
	FieldsDeleted   []FieldChange  `json:"fieldsDeleted"`
	PreviousVersion Version        `json:"previousVersion,omitzero"`
	ChangeSummary   jsontext.Value `json:"changeSummary,omitzero"`
}

// Empty tells whether the description names no change.
func (c *ChangeDescription) Empty() bool {
	return c == nil || len(c.FieldsAdded)+len(c.FieldsUpdated)+len(c.FieldsDeleted) == 0
}

// FieldChange is one changed field. Values are JSON: lists and objects are JSON
// text inside a string, everything else is as it is, as clients expect.
type FieldChange struct {
	Name     string         `json:"name"`
	OldValue jsontext.Value `json:"oldValue,omitzero"`
	NewValue jsontext.Value `json:"newValue,omitzero"`
}

// Event types of the change feed.
const (
	EventCreated       = "entityCreated"
	EventUpdated       = "entityUpdated"
	EventFieldsChanged = "entityFieldsChanged"
	EventNoChange      = "entityNoChange"
	EventSoftDeleted   = "entitySoftDeleted"
	EventDeleted       = "entityDeleted"
	EventRestored      = "entityRestored"
)

// Event types of threads: conversations, tasks and announcements. They are events of
// the type TypeThread, with the thread as it was then as their document.
const (
	EventThreadCreated = "threadCreated"
	EventThreadUpdated = "threadUpdated"
	EventPostCreated   = "postCreated"
	EventPostUpdated   = "postUpdated"
	EventTaskResolved  = "taskResolved"
	EventTaskClosed    = "taskClosed"

	TypeThread = "THREAD"
)
