package jsonschema

import "github.com/go-json-experiment/json/jsontext"

// kinds is a set of JSON kinds.
type kinds uint8

const (
	kindNull kinds = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindString
	kindArray
	kindObject
)

// kindOf returns the kind with the name, 0 if there is none.
func kindOf(name string) kinds {
	switch name {
	case "null":
		return kindNull
	case "boolean":
		return kindBoolean
	case "integer":
		return kindInteger
	case "number":
		return kindNumber
	case "string":
		return kindString
	case "array":
		return kindArray
	case "object":
		return kindObject
	}
	return 0
}

// node is a compiled schema. It never changes once it is published.
type node struct {
	name  string // path of the schema when it has one of its own
	kinds kinds  // 0 means any
	text  *textRule
	num   *numberRule
	list  *listRule
	obj   *objectRule
	anyOf []slot
}

// slot is a place a value may stand in: null is a matter of the place, so that
// nodes can be shared by places that allow it and places that do not.
type slot struct {
	node *node
	null bool
}

type textRule struct {
	min, max int // in characters; max < 0 means no limit
	pattern  string
	match    func([]byte) bool // nil without a pattern
	format   string
	check    func([]byte) bool // nil for formats that are not checked
	enum     map[string]struct{}
	values   []string // of the enum, in order
}

type numberRule struct {
	min, max, step *float64
}

type listRule struct {
	items    slot // node nil: anything
	min, max int  // max < 0 means no limit
}

type objectRule struct {
	members  map[string]*member
	order    []*member
	required uint64 // bits of the members that must be there
	closed   bool
	extra    *slot // of members without a rule; nil: anything
}

type member struct {
	name     string
	slot     slot
	bit      uint64 // 0 for optional members
	required bool   // as written, default or not
	def      jsontext.Value
}

// anything tells whether the slot accepts every value, null included.
func (s slot) anything() bool {
	return s.node == nil || (s.node.kinds == 0 && s.node.anyOf == nil)
}

// secret tells whether the strings must not be shown, or not as a whole.
func (t *textRule) secret() bool { return t.format == password || t.format == secretURI }
