// Package lineage keeps which entity's data comes from which other's, and walks
// that graph. An edge is a relation of the store from the upstream entity to the
// downstream one; its details are the relation's document.
//
// Every change of an edge is announced on both ends in the same transaction, so
// that the index and the change feed learn of it. The package may import entity,
// registry, policy, store and engine; never net/http.
package lineage

import (
	"bytes"
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Relation is the kind of relation that an edge is kept as.
const Relation = "upstream"

// requestSchema describes the body of Put.
const requestSchema = "api/lineage/addLineage.json"

// Service keeps and walks lineage. It is safe for concurrent use.
type Service struct {
	engine *engine.Engine
	clock  func() time.Time
}

// New makes a service over an engine.
func New(e *engine.Engine) *Service { return &Service{engine: e, clock: time.Now} }

// End names one end of an edge.
type End struct {
	Type     string
	Selector engine.Selector
}

// Details say how the data flows along an edge.
type Details struct {
	SQLQuery       string          `json:"sqlQuery,omitzero"`
	ColumnsLineage []ColumnLineage `json:"columnsLineage,omitzero"`
	Pipeline       *entity.Ref     `json:"pipeline,omitzero"`
	Description    string          `json:"description,omitzero"`
	Source         string          `json:"source,omitzero"`
	CreatedAt      int64           `json:"createdAt,omitzero"`
	CreatedBy      string          `json:"createdBy,omitzero"`
	UpdatedAt      int64           `json:"updatedAt,omitzero"`
	UpdatedBy      string          `json:"updatedBy,omitzero"`
	AssetEdges     int64           `json:"assetEdges,omitzero"`
}

// ColumnLineage says from which columns one column is made.
type ColumnLineage struct {
	FromColumns []string `json:"fromColumns,omitzero"`
	ToColumn    string   `json:"toColumn,omitzero"`
	Function    string   `json:"function,omitzero"`
}

// manual is the source of an edge whose request names none.
const manual = "Manual"

// request is the body of Put.
type request struct {
	Edge struct {
		From        refText  `json:"fromEntity"`
		To          refText  `json:"toEntity"`
		Description string   `json:"description"`
		Details     *Details `json:"lineageDetails"`
	} `json:"edge"`
}

// refText is a reference as clients send it.
type refText struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	FQN  string `json:"fullyQualifiedName"`
}

// end returns the end that a reference names by id or, without one, by name.
func (r refText) end() (End, error) {
	if r.ID == "" {
		return End{Type: r.Type, Selector: engine.ByFQN(r.FQN)}, nil
	}
	id, err := entity.ParseID(r.ID)
	return End{Type: r.Type, Selector: engine.ByID(id)}, err
}

// Put adds an edge, or replaces the details of one that is there; a request
// without details leaves them alone. Both entities must exist, and the columns
// belong to them.
func (s *Service) Put(ctx context.Context, by entity.Principal, body []byte) error {
	body, err := s.engine.ValidateBody(requestSchema, body)
	if err != nil {
		return err
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		return entity.BadRequest("the edge cannot be read: a value has another type than expected")
	}
	from, err := req.Edge.From.end()
	if err != nil {
		return err
	}
	to, err := req.Edge.To.end()
	if err != nil {
		return err
	}
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		e, err := s.open(ctx, tx, by, from, to)
		if err != nil {
			return err
		}
		next := Details{}
		switch {
		case req.Edge.Details != nil:
			next = *req.Edge.Details
		case e.old != nil:
			return nil
		}
		if next.Description == "" {
			next.Description = req.Edge.Description
		}
		return e.write(ctx, by, next)
	})
}

// edge is one edge inside a transaction.
type edge struct {
	s          *Service
	tx         store.Tx
	from, to   store.Row
	fromT, toT *registry.Type
	relation   store.Relation
	old        *Details // nil when there is no such edge
	oldDoc     []byte
}

// open finds both ends, checks that the caller may change their lineage, and
// reads the edge if there is one.
func (s *Service) open(ctx context.Context, tx store.Tx, by entity.Principal, from, to End) (*edge, error) {
	e := &edge{s: s, tx: tx}
	var err error
	if e.fromT, e.from, err = s.editable(ctx, tx, by, from); err != nil {
		return nil, err
	}
	if e.toT, e.to, err = s.editable(ctx, tx, by, to); err != nil {
		return nil, err
	}
	e.relation = store.Relation{From: e.from.ID, FromType: e.from.Type, To: e.to.ID, ToType: e.to.Type, Kind: Relation}
	found, err := readEdge(ctx, tx, e.from.ID, e.to.ID)
	if err != nil || found == nil {
		return e, err
	}
	e.old, e.oldDoc = new(Details), found.Doc
	return e, decode(found.Doc, e.old)
}

// editable returns an end whose lineage the caller may change.
func (s *Service) editable(ctx context.Context, r store.Reader, by entity.Principal, end End) (*registry.Type, store.Row, error) {
	t, ok := s.engine.Registry().ByName(end.Type)
	if !ok {
		return nil, store.Row{}, entity.BadRequest("there is no entity type %q", entity.Shorten(end.Type, 60))
	}
	row, err := s.engine.RowFor(ctx, r, by, t, end.Selector, policy.EditLineage)
	if err != nil {
		return nil, store.Row{}, err
	}
	if row.Deleted {
		return nil, store.Row{}, entity.NotFound(end.Type, end.Selector.String())
	}
	return t, row, nil
}

// readEdge returns the relation between two entities, nil when there is none.
// It asks at the downstream end, where fewer edges meet.
func readEdge(ctx context.Context, r store.Reader, from, to entity.ID) (*store.Relation, error) {
	relations, err := r.RelationsTo(ctx, []entity.ID{to}, Relation)
	if err != nil {
		return nil, err
	}
	for i := range relations {
		if relations[i].From == from {
			return &relations[i], nil
		}
	}
	return nil, nil
}

func decode(doc []byte, details *Details) error {
	if len(doc) == 0 {
		return nil
	}
	if err := json.Unmarshal(doc, details); err != nil {
		return entity.Internal(err)
	}
	return nil
}

// write checks new details and stores them, unless they say what was there.
func (e *edge) write(ctx context.Context, by entity.Principal, next Details) error {
	if next.Source == "" {
		next.Source = manual
	}
	if err := e.checkPipeline(ctx, &next); err != nil {
		return err
	}
	if err := e.checkColumns(ctx, &next); err != nil {
		return err
	}
	now := e.s.clock().UnixMilli()
	next.CreatedAt, next.CreatedBy, next.UpdatedAt, next.UpdatedBy = now, by.Name, now, by.Name
	if e.old != nil {
		next.CreatedAt, next.CreatedBy = e.old.CreatedAt, e.old.CreatedBy
		same, err := e.unchanged(next)
		if err != nil || same {
			return err
		}
	}
	doc, err := encode(next)
	if err != nil {
		return err
	}
	e.relation.Doc = doc
	if err := e.tx.Relate(ctx, e.relation); err != nil {
		return err
	}
	kind := added
	if e.old != nil {
		kind = updated
	}
	return e.announce(ctx, by, kind)
}

// unchanged tells whether next says what is stored, whoever said it and when.
func (e *edge) unchanged(next Details) (bool, error) {
	next.UpdatedAt, next.UpdatedBy = e.old.UpdatedAt, e.old.UpdatedBy
	a, err := encode(next)
	if err != nil {
		return false, err
	}
	return bytes.Equal(a, e.oldDoc), nil
}

func encode(v any) ([]byte, error) {
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

// Delete removes an edge. One that is not there is an error of
// entity.KindNotFound.
func (s *Service) Delete(ctx context.Context, by entity.Principal, from, to End) error {
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		e, err := s.open(ctx, tx, by, from, to)
		if err != nil {
			return err
		}
		if e.old == nil {
			return noEdge()
		}
		if err := tx.Unrelate(ctx, e.relation); err != nil {
			return err
		}
		return e.announce(ctx, by, removed)
	})
}

func noEdge() error { return entity.Errorf(entity.KindNotFound, "Lineage edge not found") }

// DeleteSource removes all edges at an entity that come from one source, such
// as QueryLineage, so that a source can be read anew.
func (s *Service) DeleteSource(ctx context.Context, by entity.Principal, end End, source string) error {
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		_, row, err := s.editable(ctx, tx, by, end)
		if err != nil {
			return err
		}
		upstream, err := tx.RelationsTo(ctx, []entity.ID{row.ID}, Relation)
		if err != nil {
			return err
		}
		downstream, err := tx.RelationsFrom(ctx, []entity.ID{row.ID}, Relation)
		if err != nil {
			return err
		}
		gone, err := bySource(append(upstream, downstream...), source)
		if err != nil || len(gone) == 0 {
			return err
		}
		if err := tx.Unrelate(ctx, gone...); err != nil {
			return err
		}
		return s.announceAll(ctx, tx, by, gone)
	})
}

// bySource returns the relations whose details name the source, each once.
func bySource(relations []store.Relation, source string) ([]store.Relation, error) {
	var out []store.Relation
	seen := map[[2]entity.ID]bool{}
	for _, rel := range relations {
		var d Details
		if err := decode(rel.Doc, &d); err != nil {
			return nil, err
		}
		key := [2]entity.ID{rel.From, rel.To}
		if d.Source == source && !seen[key] {
			seen[key] = true
			out = append(out, rel)
		}
	}
	return out, nil
}

// Patch applies a JSON Patch to the details of an edge and returns the new ones.
// One that is not there is an error of entity.KindNotFound.
func (s *Service) Patch(ctx context.Context, by entity.Principal, from, to End, patch []byte) (Details, error) {
	err := s.engine.Store().Update(ctx, func(tx store.Tx) error {
		e, err := s.open(ctx, tx, by, from, to)
		if err != nil {
			return err
		}
		if e.old == nil {
			return noEdge()
		}
		next, err := s.patched(e, patch)
		if err != nil {
			return err
		}
		return e.write(ctx, by, next)
	})
	if err != nil {
		return Details{}, err
	}
	var out Details
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		a, err := s.row(ctx, r, from)
		if err != nil {
			return err
		}
		b, err := s.row(ctx, r, to)
		if err != nil {
			return err
		}
		out, err = s.details(ctx, r, s.engine.Viewer(by), a.ID, b.ID)
		return err
	})
	return out, err
}

// patched returns the details after a patch that may name lists which are not
// there yet.
func (s *Service) patched(e *edge, patch []byte) (Details, error) {
	var next Details
	doc, err := s.engine.ApplyPatch(withLists(e.oldDoc), patch)
	if err != nil {
		return next, err
	}
	edge, err := encode(map[string]any{"edge": map[string]any{
		"fromEntity": e.fromRef(), "toEntity": e.toRef(), "lineageDetails": jsontext.Value(doc),
	}})
	if err != nil {
		return next, err
	}
	if edge, err = s.engine.ValidateBody(requestSchema, edge); err != nil {
		return next, err
	}
	var req request
	if err := json.Unmarshal(edge, &req); err != nil || req.Edge.Details == nil {
		return next, entity.BadRequest("the JSON Patch leaves details behind that cannot be read")
	}
	return *req.Edge.Details, nil
}

// withLists adds an empty columnsLineage to details that have none.
func withLists(doc []byte) []byte {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(doc, &members); err != nil || members["columnsLineage"] != nil {
		return doc
	}
	if members == nil {
		members = map[string]jsontext.Value{}
	}
	members["columnsLineage"] = jsontext.Value("[]")
	out, err := encode(members)
	if err != nil {
		return doc
	}
	return out
}

func (e *edge) fromRef() entity.Ref { return entity.Ref{ID: e.from.ID, Type: e.from.Type} }

func (e *edge) toRef() entity.Ref { return entity.Ref{ID: e.to.ID, Type: e.to.Type} }
