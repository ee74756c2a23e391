// Package engine serves every entity type with one set of rules. The order of a
// write is fixed:
//
//	decode -> validate against the schema -> resolve references -> build the
//	FQN -> Prepare -> policy -> Validate -> diff -> write entity, version,
//	relations and change event in ONE transaction -> after the commit, caches
//	forget and the indexer wakes
//
// Nothing changed means nothing written. Schemas are checked on writes only.
//
// The stored document holds references as {id,type} and tag labels without
// their display members; reading fills them in from a cache of references
// (hydration), so that a rename shows at once everywhere.
//
// The package may import entity, jsonschema, registry, store and policy;
// never net/http, search, auth or api.
package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Sealer keeps secrets of entities unreadable in the store.
type Sealer interface {
	// Seal returns the text form to store. place binds it to where it stands.
	Seal(plain, place string) (string, error)
	// Open returns the plain text of what Seal returned for the same place.
	Open(sealed, place string) (string, error)
}

// Options are what an Engine is made of. All but Clock and Log are required.
type Options struct {
	Store    store.Store
	Schemas  *jsonschema.Set
	Registry *registry.Registry
	Sealer   Sealer
	IsSealed func(text string) bool // tells whether a text came from Sealer
	Clock    func() time.Time
	Log      *slog.Logger
}

// Engine serves entities. It is safe for concurrent use.
type Engine struct {
	store    store.Store
	schemas  *jsonschema.Set
	registry *registry.Registry
	sealer   Sealer
	isSealed func(text string) bool
	clock    func() time.Time
	log      *slog.Logger

	shapes   map[string]*shape // by type name
	refs     *refCache
	rendered *renderCache
	subjects *subjectCache
	teams    *surroundingsCache
	sights   *sightCache
	finder   Finder
	farewell Farewell
	onRename []func(context.Context, store.Tx, []Renamed) error
	onReview []func(context.Context, store.Tx, Review) error

	trees     *subtrees
	stepsFrom int
}

// New makes an engine over an open store.
func New(opts Options) (*Engine, error) {
	e := &Engine{
		store: opts.Store, schemas: opts.Schemas, registry: opts.Registry, sealer: opts.Sealer, isSealed: opts.IsSealed,
		clock: opts.Clock, log: opts.Log,
		refs:     newRefCache(refCacheSize),
		rendered: newRenderCache(renderCacheBytes),
		subjects: newSubjectCache(subjectCacheSize),
		teams:    &surroundingsCache{},
		sights:   newSightCache(subjectCacheSize),

		trees: newSubtrees(), stepsFrom: stepsFrom,
	}
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	e.shapes = make(map[string]*shape)
	for _, t := range opts.Registry.All() {
		e.shapes[t.Name] = newShape(t, opts.Schemas)
	}
	opts.Store.OnCommit(func(c store.Commit) {
		e.refs.forget(c)
		e.rendered.forget(c)
		e.subjects.forget(c)
		e.teams.forget(c)
	})
	return e, nil
}

// Registry returns the types the engine serves.
func (e *Engine) Registry() *registry.Registry { return e.registry }

// Schemas returns the schemas that documents are checked against.
func (e *Engine) Schemas() *jsonschema.Set { return e.schemas }

// Store returns the store the engine writes to, for what is not an entity.
func (e *Engine) Store() store.Store { return e.store }

// now returns the time of a write in milliseconds since 1970.
func (e *Engine) now() int64 { return e.clock().UnixMilli() }

// shapeOf returns the shape of a type that the registry has.
func (e *Engine) shapeOf(t *registry.Type) *shape { return e.shapes[t.Name] }

// Selector names one entity by ID or, when ID is nil, by FQN.
type Selector struct {
	ID  entity.ID
	FQN string
}

// ByID selects by identifier.
func ByID(id entity.ID) Selector { return Selector{ID: id} }

// ByFQN selects by fully qualified name.
func ByFQN(fqn string) Selector { return Selector{FQN: fqn} }

// String returns what the selector was made of, for messages.
func (s Selector) String() string {
	if s.ID != entity.NilID {
		return s.ID.String()
	}
	return s.FQN
}

// find returns the row of a selector, of the given type.
func (e *Engine) find(ctx context.Context, r store.Reader, t *registry.Type, sel Selector) (store.Row, error) {
	if sel.ID != entity.NilID {
		row, err := r.Entity(ctx, sel.ID)
		if entity.KindOf(err) == entity.KindNotFound && err != nil || err == nil && row.Type != t.Name {
			return store.Row{}, entity.NotFound(t.Name, sel.ID.String())
		}
		return row, err
	}
	row, err := r.EntityByFQN(ctx, store.Key{Type: t.Name, FQN: e.shapeOf(t).canonical(sel.FQN)})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return store.Row{}, entity.NotFound(t.Name, sel.FQN)
	}
	return row, err
}

// findVisible is find for callers that ask with an include.
func (e *Engine) findVisible(ctx context.Context, r store.Reader, t *registry.Type, sel Selector, include store.Include) (store.Row, error) {
	row, err := e.find(ctx, r, t, sel)
	if err != nil {
		return store.Row{}, err
	}
	if include == store.NonDeleted && row.Deleted || include == store.Deleted && !row.Deleted {
		return store.Row{}, entity.NotFound(t.Name, sel.String())
	}
	return row, nil
}
