package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxReindexed is how many entities one call may have indexed again.
const maxReindexed = 1000

// searchAdminRoutes are about the index itself, and about what is not there.
func (a *API) searchAdminRoutes() []Route {
	const base = "/api/v1/search"
	return []Route{
		previewRoute(),
		{Method: http.MethodGet, Path: base + "/stats", Access: AdminOnly, Handle: (*call).searchStats},
		{Method: http.MethodDelete, Path: base + "/stats/orphan", Access: AdminOnly, Handle: (*call).dropOrphans},
		{Method: http.MethodGet, Path: base + "/check", Access: AdminOnly, Handle: func(c *call) error { return c.showCheck(http.StatusOK) }},
		{Method: http.MethodPost, Path: base + "/check", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).startCheck},
		{Method: http.MethodGet, Path: base + "/reindex/failures", Access: AdminOnly, Handle: (*call).reindexFailures},
		{Method: http.MethodPost, Path: base + "/reindexEntities", Access: AdminOnly, MaxBody: 1 << 20, Handle: (*call).reindexEntities},
		{Method: http.MethodPost, Path: base + "/vector/query", Access: Authenticated, MaxBody: smallBody, Handle: (*call).vectorQuery},
		{Method: http.MethodGet, Path: base + "/vector/fingerprint", Access: Authenticated, Handle: noVectors},
		{Method: http.MethodGet, Path: "/api/v1/system/search/nlq", Access: Authenticated, Handle: func(c *call) error {
			return c.json(http.StatusOK, false) // no language model reads what people ask
		}},
	}
}

// vectorQuery reads what was asked, so that a broken question is told apart from one
// that nothing here can answer.
func (c *call) vectorQuery() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var asked struct {
		Query string `json:"query"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	if strings.TrimSpace(asked.Query) == "" {
		return entity.BadRequest("query is missing")
	}
	return noVectors(c)
}

// noVectors says what is not there, and what to ask instead.
func noVectors(*call) error {
	return entity.Errorf(entity.KindNotImplemented,
		"this server has no vector search: it computes no embeddings. GET /api/v1/search/query finds by words, GET /api/v1/search/nlq/query by the words of a sentence.")
}

// indexStats is one index, as OpenMetadata's clients know it. All indexes lie in one
// file, so that none has a size of its own.
type indexStats struct {
	Name          string   `json:"name"`
	Documents     int      `json:"documents"`
	PrimaryShards int      `json:"primaryShards"`
	ReplicaShards int      `json:"replicaShards"`
	Health        string   `json:"health"`
	Aliases       []string `json:"aliases"`
}

// searchStatistics is what there is in the index.
type searchStatistics struct {
	ClusterHealth   string       `json:"clusterHealth"`
	TotalIndexes    int          `json:"totalIndexes"`
	TotalDocuments  int          `json:"totalDocuments"`
	TotalSize       int64        `json:"totalSizeInBytes"`
	TotalFormatted  string       `json:"totalSizeFormatted"`
	PrimaryShards   int          `json:"totalPrimaryShards"`
	ReplicaShards   int          `json:"totalReplicaShards"`
	Indexes         []indexStats `json:"indexes"`
	OrphanIndexes   []orphan     `json:"orphanIndexes"`
	Running         bool         `json:"isSearchIndexingRunning"`
	ExpectedIndexes int          `json:"expectedIndexCount"`
	MissingIndexes  []string     `json:"missingIndexes"`
}

type orphan struct {
	Name      string `json:"name"`
	documents int
}

// documentsByIndex counts the documents of each index there is.
func (c *call) documentsByIndex() (map[string]int, error) {
	result, err := c.index.Search(c.ctx(), search.Request{Aggregations: map[string]search.Aggregation{
		"indexes": {Kind: search.AggTerms, Field: "_index", Size: search.MaxBuckets},
	}})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, bucket := range result.Aggregations["indexes"].Buckets {
		counts[fmt.Sprint(bucket.Key)] = bucket.Count
	}
	return counts, nil
}

func (c *call) searchStats() error {
	counts, err := c.documentsByIndex()
	if err != nil {
		return err
	}
	size, err := c.index.Size(c.ctx())
	if err != nil {
		return err
	}
	aliases := c.catalog.Aliases()
	out := searchStatistics{
		ClusterHealth: "GREEN", TotalSize: size, TotalFormatted: inUnits(size), Running: c.indexer.Rebuilding().Running,
		OrphanIndexes: []orphan{}, MissingIndexes: []string{}, ExpectedIndexes: len(aliases),
	}
	if len(c.indexer.Failures()) > 0 || out.Running {
		out.ClusterHealth = "YELLOW"
	}
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		out.Indexes = append(out.Indexes, indexStats{
			Name: name, Documents: counts[name], PrimaryShards: 1, Health: out.ClusterHealth, Aliases: aliases[name],
		})
		out.TotalDocuments += counts[name]
	}
	for _, o := range orphansOf(counts, aliases) {
		out.OrphanIndexes = append(out.OrphanIndexes, o)
		out.TotalDocuments += o.documents
	}
	out.TotalIndexes = len(out.Indexes) + len(out.OrphanIndexes)
	out.PrimaryShards = out.TotalIndexes
	return c.json(http.StatusOK, out)
}

// orphansOf lists the indexes that hold documents of no type there is.
func orphansOf(counts map[string]int, known map[string][]string) []orphan {
	var orphans []orphan
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, ok := known[name]; !ok {
			orphans = append(orphans, orphan{Name: name, documents: counts[name]})
		}
	}
	return orphans
}

// inUnits writes a size for people.
func inUnits(bytes int64) string {
	size, unit := float64(bytes), 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %ciB", size, " KMGT"[unit])
}

// dropOrphans removes documents of types that are no more.
func (c *call) dropOrphans() error {
	if c.indexer.Rebuilding().Running {
		return entity.Conflict("the index is being rebuilt; what is left over goes with the old one")
	}
	counts, err := c.documentsByIndex()
	if err != nil {
		return err
	}
	deleted := []string{}
	for _, o := range orphansOf(counts, c.catalog.Aliases()) {
		if err := c.indexer.Drop(c.ctx(), o.Name); err != nil {
			return err
		}
		deleted = append(deleted, o.Name)
	}
	return c.json(http.StatusOK, map[string]any{"deletedIndexes": deleted, "deletedCount": len(deleted)})
}

// reindexFailure is an entity that could not be indexed, with OpenMetadata's names.
type reindexFailure struct {
	ID        entity.ID `json:"id"`
	Type      string    `json:"entityType"`
	EntityID  entity.ID `json:"entityId"`
	FQN       string    `json:"entityFqn"`
	Stage     string    `json:"failureStage"`
	Message   string    `json:"errorMessage"`
	Timestamp int64     `json:"timestamp"`
}

// reindexFailures lists what is not in the index as it is.
func (c *call) reindexFailures() error {
	offset, err := c.number("offset", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 50, 0, 1000)
	if err != nil {
		return err
	}
	typ := c.query.Get("entityType")
	if typ != "" {
		if _, known := c.engine.Registry().ByName(typ); !known {
			return entity.BadRequest("there is no type of entities named %q", entity.Shorten(typ, 100))
		}
	}
	failed := c.indexer.Failures()
	ids := make([]entity.ID, len(failed))
	for i, f := range failed {
		ids[i] = f.ID
	}
	byID, err := c.rowsByID(ids)
	if err != nil {
		return err
	}
	list := []reindexFailure{}
	for _, f := range failed {
		row := byID[f.ID]
		if typ != "" && row.Type != typ {
			continue
		}
		list = append(list, reindexFailure{
			ID: f.ID, EntityID: f.ID, Type: row.Type, FQN: row.FQN, Stage: "PROCESS", Message: f.Reason, Timestamp: f.At.UnixMilli(),
		})
	}
	first := min(offset, len(list))
	return c.json(http.StatusOK, map[string]any{
		"data": list[first:min(first+limit, len(list))], "total": len(list), "offset": offset, "limit": limit,
	})
}

// rowsByID reads entities by id, leaving out what is gone.
func (c *call) rowsByID(ids []entity.ID) (map[entity.ID]store.Row, error) {
	byID := map[entity.ID]store.Row{}
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for chunk := range slices.Chunk(ids, 500) {
			rows, err := r.Entities(c.ctx(), chunk)
			if err != nil {
				return err
			}
			for _, row := range rows {
				byID[row.ID] = row
			}
		}
		return nil
	})
	return byID, err
}

// reindexEntities has the documents of the entities made anew before it answers.
func (c *call) reindexEntities() error {
	if _, err := c.flag("recreate", false); err != nil { // a document is always made anew
		return err
	}
	if _, err := c.number("timeoutMinutes", 30, 1, 1440); err != nil {
		return err
	}
	items, err := c.items(maxReindexed)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return entity.BadRequest("the body names no entities: it is a list of references, each with id and type")
	}
	ids := make([]entity.ID, 0, len(items))
	for i, item := range items {
		var ref struct {
			ID   entity.ID `json:"id"`
			Type string    `json:"type"`
		}
		if item.Kind() != '{' || json.Unmarshal(item, &ref) != nil || ref.ID == entity.NilID {
			return entity.BadRequest("item %d of the body is no reference: it has to have an id, which is a UUID, and a type", i)
		}
		if ref.Type != "" {
			if _, known := c.engine.Registry().ByName(ref.Type); !known {
				return entity.BadRequest("item %d of the body: there is no type of entities named %q", i, entity.Shorten(ref.Type, 100))
			}
		}
		ids = append(ids, ref.ID)
	}
	begun := time.Now()
	if err := c.indexer.Reindex(c.ctx(), ids); err != nil {
		return err
	}
	there, err := c.rowsByID(ids)
	if err != nil {
		return err
	}
	failed := []string{}
	for _, f := range c.indexer.Failures() {
		if slices.Contains(ids, f.ID) {
			failed = append(failed, f.ID.String())
		}
	}
	return c.json(http.StatusOK, map[string]any{
		"requested": len(ids), "indexed": len(there) - len(failed), "removed": len(ids) - len(there), "failed": failed,
		"took": time.Since(begun).Milliseconds(),
	})
}

// indexCheck is a comparison of store and index.
type indexCheck struct {
	Running   bool     `json:"running"`
	Repair    bool     `json:"repair"`
	Began     int64    `json:"began,omitzero"`
	Ended     int64    `json:"ended,omitzero"`
	Done      int      `json:"done"`
	Total     int      `json:"total"`
	Missing   int      `json:"missing"`
	Different int      `json:"different"`
	Extra     int      `json:"extra"`
	Repaired  int      `json:"repaired"`
	Examples  []string `json:"examples"`
}

// startCheck has the index compared with the store, and mended with repair=true.
func (c *call) startCheck() error {
	if c.r.ContentLength != 0 { // all is in the address; what is no body at all is refused
		var nothing struct{}
		if err := c.decode(&nothing); err != nil {
			return err
		}
	}
	repair, err := c.flag("repair", false)
	if err != nil {
		return err
	}
	if err := c.indexer.StartCheck(repair); err != nil {
		return err
	}
	return c.showCheck(http.StatusAccepted)
}

func (c *call) showCheck(status int) error {
	check := c.indexer.Checked()
	out := indexCheck{
		Running: check.Running, Repair: check.Repair, Done: check.Done, Total: check.Total, Missing: check.Missing,
		Different: check.Different, Extra: check.Extra, Repaired: check.Repaired, Examples: []string{},
	}
	if !check.Began.IsZero() {
		out.Began = check.Began.UnixMilli()
	}
	if !check.Ended.IsZero() {
		out.Ended = check.Ended.UnixMilli()
	}
	for _, id := range check.Examples {
		out.Examples = append(out.Examples, id.String())
	}
	return c.json(status, out)
}
