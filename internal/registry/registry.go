// Package registry lists the entity types Catalpa serves. A type is data: its
// names, its schemas, its place in the tree of names, what it refers to, and the
// few pure functions in which it differs from the others. Routes, validation,
// OpenAPI, search documents and conformance tests follow from an entry.
//
// The package may import entity and jsonschema.
package registry

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Type describes one entity type.
type Type struct {
	Name       string // as in references: "table"
	Plural     string // last segment of the collection: "tables"
	Collection string // path below /api: "/v1/tables"
	Schema     string // schema of the entity, e.g. "entity/data/table.json"
	Create     string // schema of create requests, e.g. "api/data/createTable.json"; "" when clients cannot create it

	// Parents are the reference fields that may hold the parent, in order of
	// preference: {parent, glossaryTerm}, {glossary, glossary}.
	Parents []ParentField
	// ParentOptional allows an entity without any of Parents (a root domain).
	ParentOptional bool
	// FQNInfix stands between the parent's FQN and the name, unquoted, e.g.
	// "model" for dashboardDataModel.
	FQNInfix string
	// FlatFQN: the FQN is the name alone although there is a parent (dataProduct).
	FlatFQN bool
	// LowerFQN folds the FQN to lower case (user).
	LowerFQN bool
	// FQN overrides the rule for types whose names come from elsewhere; parent
	// is nil at the root. It returns the unescaped full FQN.
	FQN func(e *entity.Entity, parent *entity.Entity) (string, error)
	// Ancestors are fields copied from the parent when an entity is read: a
	// table's database, service and serviceType.
	Ancestors []string

	// Relations are the reference fields besides the parent.
	Relations []Relation
	// Children are fields computed from below when asked for.
	Children []Child
	// Records are fields kept beside the document, as records of kind
	// "<type>.<field>" owned by the entity; filled when asked for: sampleData,
	// joins, usageSummary, pipelineStatus.
	Records []string
	// Computed are members that are never stored: the engine works them out when
	// they are asked for, or never shows them at all.
	Computed []string
	// Expand lists the fields that are filled only when ?fields= names them.
	Expand []string
	// Filters are the list parameters of the type besides the common ones.
	Filters []Filter
	// Nested are the paths to arrays of named, tagged parts: columns, tasks.
	Nested []Nested

	// RequestOnly are members of create requests that the entity does not have
	// but Prepare wants to see; Prepare removes them from Rest.
	RequestOnly map[string]bool

	Supports Supports
	Hooks    Hooks
}

// ParentField is a reference field that may hold the parent.
type ParentField struct {
	Field string
	Type  string
}

// Relation is a reference field of the type. On create requests it may hold
// FQNs, {id,type} references, or ids, singly or in a list; in documents always
// references.
type Relation struct {
	Field string
	Types []string // allowed target types; the first is the default
	Many  bool
	// Request is the field's name in create requests when it differs.
	Request string
	// Inverse: the relation is kept at the other end, and this side shows it on
	// request: team.users is the inverse of user.teams.
	Inverse bool
	// Of is the other end's field for an Inverse relation.
	Of string
	// Inherit: an entity without a value shows its parent's.
	Inherit bool
	// KeepOnPut: a PUT that leaves the field out does not remove it.
	KeepOnPut bool
}

// Child is a field that lists what lies directly below: database.databaseSchemas.
type Child struct {
	Field string
	Type  string
}

// FilterKind says how a list parameter restricts.
type FilterKind int

// The kinds of filter.
const (
	FilterUnder    FilterKind = iota // FQN of any ancestor: entities below it
	FilterParent                     // FQN or id of the direct parent
	FilterRelation                   // FQN or id of an entity that Field refers to
	FilterField                      // exact value of a top-level member, compared as text
)

// Filter is one list parameter.
type Filter struct {
	Param string
	Kind  FilterKind
	Field string   // for FilterRelation and FilterField
	Types []string // types of the entity named, for FilterParent and FilterRelation
}

// Nested is a path to an array of named parts that carry descriptions and tags:
// {"columns"}, {"messageSchema","schemaFields"}.
type Nested struct {
	Path     []string
	Children string // member of a part that holds parts of its own, e.g. "children"; "" when flat
	FQN      bool   // parts carry fullyQualifiedName, set by the engine
}

// Supports says which common features the type has. They follow from its schema.
type Supports struct {
	Owners, Tags, Domains, DataProducts, Followers, Votes, Reviewers, Experts bool
	Extension, Certification, LifeCycle, SoftDelete, UsageSummary             bool
	// Routes
	Bulk, CSV, Restore, Versions, Async, FollowersRoute, VoteRoute, PatchByName bool
	PutAllowed, PostAllowed                                                     bool
	// Rename: a PATCH may change the name, and the parent where there is one. All
	// that is named after the entity follows.
	Rename bool
}

// Hooks are the functions in which a type differs. Each may be nil. They are
// pure: what they need is passed in.
type Hooks struct {
	// Prepare completes a new state before it is compared with the old one:
	// column FQNs, display types. parent is nil at the root.
	Prepare func(e *entity.Entity, parent *entity.Entity) error
	// Validate refuses a state that the schema lets pass: repeated columns. old
	// is nil on create.
	Validate func(old, e *entity.Entity) error
	// MergePut carries over from the old state what a PUT does not take away.
	// It runs after the engine's common rules.
	MergePut func(old, e *entity.Entity, byBot bool) error
	// Major tells whether the change takes something away that readers may rely
	// on; the engine already counts removed parts of Nested.
	Major func(old, e *entity.Entity) bool
	// Secrets are the paths below Rest whose values are sealed in the store and
	// masked for everybody but bots; nil when the type has none.
	Secrets SecretFinder
}

// SecretFinder visits the secret strings of a document and replaces each by what
// visit returns. path is stable for the same member.
type SecretFinder func(rest map[string]jsontext.Value, visit func(path, value string) (string, error)) error
