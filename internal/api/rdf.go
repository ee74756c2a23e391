package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/rdf"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// rdfRoutes show the catalog as RDF. What wants a store of triples answers what
// OpenMetadata answers without one, which is its default.
func (a *API) rdfRoutes() []Route {
	const base = "/api/v1/rdf"
	routes := []Route{
		{Method: http.MethodGet, Path: base + "/status", Access: Authenticated, Handle: rdfStatus},
		{Method: http.MethodGet, Path: base + "/entity/{entityType}/{id}", Access: Authenticated, Handle: rdfEntity},
		{Method: http.MethodGet, Path: base + "/graph/explore", Access: Authenticated, Handle: rdfExplore},
		{Method: http.MethodGet, Path: base + "/inference/lineage/{entityId}", Access: Authenticated, Handle: lineageHandler{lineage.New(a.engine)}.inferred},
	}
	add := func(method, path, message string, read func(*call) error) {
		routes = append(routes, Route{Method: method, Path: base + path, Access: Authenticated, MaxBody: 1 << 20, Lacks: true, Handle: noTriples(message, read)})
	}
	const repository, support = "RDF repository is not enabled", "RDF support is not enabled"
	for _, path := range []string{"/sparql", "/search/semantic", "/search/similar/{entityType}/{id}", "/search/recommendations/{userId}"} {
		add(http.MethodGet, path, repository, nil)
	}
	add(http.MethodPost, "/sparql", repository, readSPARQL)
	add(http.MethodPost, "/sparql/update", repository, readSPARQL)
	add(http.MethodPost, "/sql/query", support, readSQL)
	add(http.MethodPost, "/sql/translate", support, readSQL)
	return routes
}

// noTriples refuses what only a store of triples can answer, after what is wrong with a
// body, which read looks at.
func noTriples(message string, read func(*call) error) func(*call) error {
	return func(c *call) error {
		if read != nil {
			if err := read(c); err != nil {
				return err
			}
		}
		return &entity.Error{
			Kind: entity.KindUnavailable, Message: message,
			Hint: "This server keeps no store of triples. GET /v1/rdf/entity/{entityType}/{id} gives an entity as RDF, and /v1/search/query finds entities.",
		}
	}
}

func readSPARQL(c *call) error {
	_, err := c.validated("api/rdf/sparqlQuery.json")
	return err
}

// readSQL reads a query, which is a text as JSON has it.
func readSQL(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var query string
	if json.Unmarshal(body, &query) != nil || query == "" {
		return entity.BadRequest("the body must be the SQL query, as a JSON text")
	}
	return nil
}

// rdfStatus tells whether there is a store of triples.
func rdfStatus(c *call) error { return c.json(http.StatusOK, map[string]bool{"enabled": false}) }

// rdfEntity answers an entity in one of the forms of RDF.
func rdfEntity(c *call) error {
	name, err := c.param("entityType")
	if err != nil {
		return err
	}
	t, err := c.entityType(name)
	if err != nil {
		return err
	}
	id, err := c.id("id")
	if err != nil {
		return err
	}
	media, err := rdf.FormatOf(c.query.Get("format"))
	if err != nil {
		return err
	}
	view := engine.View{Base: c.base()}
	if view.Fields, err = c.engine.ParseFields(t, strings.Join(c.rdfFields(t), ",")); err != nil {
		return err
	}
	doc, _, err := c.engine.GetJSON(c.ctx(), c.by, t, engine.ByID(id), view)
	if err != nil {
		return err
	}
	labels, err := rdf.Labels(doc)
	if err != nil {
		return err
	}
	refs, err := c.engine.NamedRefs(c.ctx(), labels)
	if err != nil {
		return err
	}
	graph, err := rdf.Describe(t.Name, id, doc, refs)
	if err != nil {
		return err
	}
	out, err := graph.Write(media)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", media)
	return c.send(http.StatusOK, out)
}

// rdfFields are the fields of a type that say how its entities are related, and their
// parts; measures and samples are no statements about them.
func (c *call) rdfFields(t *registry.Type) []string {
	candidates := []string{"owners", "tags", "domains", "dataProducts", "reviewers", "experts", "followers", "extension"}
	for _, rel := range t.Relations {
		if !rel.Inverse {
			candidates = append(candidates, rel.Field)
		}
	}
	for _, nested := range t.Nested {
		candidates = append(candidates, nested.Path[0])
	}
	var fields []string
	for _, name := range candidates {
		if _, err := c.engine.ParseFields(t, name); err == nil {
			fields = append(fields, name)
		}
	}
	return fields
}

// rdfExplore answers what lies around an entity.
func rdfExplore(c *call) error {
	if c.query.Get("entityId") == "" || c.query.Get("entityType") == "" {
		return entity.BadRequest("[query params entityId and entityType must not be null]")
	}
	id, err := entity.ParseID(c.query.Get("entityId"))
	if err != nil {
		return err
	}
	t, err := c.entityType(c.query.Get("entityType"))
	if err != nil {
		return err
	}
	depth, err := c.number("depth", 2, 1, rdf.MaxDepth)
	if err != nil {
		return err
	}
	out, err := rdf.Explore(c.ctx(), c.engine, c.by, t, id, depth)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// bindings is the answer of a query in the form of SPARQL 1.1.
type bindings struct {
	Head struct {
		Vars []string `json:"vars"`
	} `json:"head"`
	Results struct {
		Bindings []map[string]binding `json:"bindings"`
	} `json:"results"`
}

// binding is the value of a variable.
type binding struct {
	Type     string `json:"type"` // uri or literal
	Value    string `json:"value"`
	Datatype string `json:"datatype,omitzero"`
}

// inferred answers all that lies up- or downstream of an entity, however many steps
// away, as the result of a query.
func (h lineageHandler) inferred(c *call) error {
	id, err := c.id("entityId")
	if err != nil {
		return err
	}
	typ := c.query.Get("entityType")
	if typ == "" {
		return entity.BadRequest("[query param entityType must not be null]")
	}
	up, down := lineage.MaxDepth, lineage.MaxDepth
	direction := strings.ToLower(c.query.Get("direction"))
	switch direction {
	case "", "both":
	case "upstream":
		down = 0
	case "downstream":
		up = 0
	default:
		return entity.BadRequest("the direction is upstream, downstream or both, not %q", entity.Shorten(direction, 40))
	}
	graph, err := h.service.Graph(c.ctx(), c.by, lineage.End{Type: typ, Selector: engine.ByID(id)}, up, down, "")
	if err != nil {
		return err
	}
	var out bindings
	out.Head.Vars = []string{"entity", "name", "type", "distance", "relationship"}
	out.Results.Bindings = []map[string]binding{}
	upward := func(e lineage.Edge) (entity.ID, entity.ID) { return e.ToEntity, e.FromEntity }
	downward := func(e lineage.Edge) (entity.ID, entity.ID) { return e.FromEntity, e.ToEntity }
	out.bind(graph, "upstream", distances(graph.Entity.ID, graph.UpstreamEdges, upward))
	out.bind(graph, "downstream", distances(graph.Entity.ID, graph.DownstreamEdges, downward))
	return c.json(http.StatusOK, out)
}

// bind adds the nodes that lie in one direction.
func (b *bindings) bind(graph lineage.Graph, relationship string, distance map[entity.ID]int) {
	for _, node := range graph.Nodes {
		if distance[node.ID] == 0 {
			continue
		}
		b.Results.Bindings = append(b.Results.Bindings, map[string]binding{
			"entity":       {Type: "uri", Value: rdf.IRI(node)},
			"name":         {Type: "literal", Value: node.Name},
			"type":         {Type: "uri", Value: rdf.ClassIRI(node.Type)},
			"distance":     {Type: "literal", Value: strconv.Itoa(distance[node.ID]), Datatype: "http://www.w3.org/2001/XMLSchema#integer"},
			"relationship": {Type: "literal", Value: relationship},
		})
	}
}

// distances counts the steps from the root; edges are walked as step says.
func distances(root entity.ID, edges []lineage.Edge, step func(lineage.Edge) (from, to entity.ID)) map[entity.ID]int {
	next := map[entity.ID][]entity.ID{}
	for _, e := range edges {
		from, to := step(e)
		next[from] = append(next[from], to)
	}
	out := map[entity.ID]int{}
	frontier := []entity.ID{root}
	for level := 1; len(frontier) > 0; level++ {
		var further []entity.ID
		for _, from := range frontier {
			for _, to := range next[from] {
				if to != root && out[to] == 0 {
					out[to] = level
					further = append(further, to)
				}
			}
		}
		frontier = further
	}
	return out
}
