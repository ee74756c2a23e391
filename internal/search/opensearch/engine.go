package opensearch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/golang-lru/v2/expirable"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Options say where the cluster is and how it is used.
type Options struct {
	Addresses []string // https://host:9200
	Username  string
	Password  string
	APIKey    string
	CACert    []byte        // PEM; empty: those of the system
	Index     string        // the alias; "catalpa" when empty
	Shards    int           // of a new index; 0 is 1
	BulkBytes int           // of one request that writes; 0 is 4 MiB
	Timeout   time.Duration // of one request; 0 is 30 s
	// ConnectTimeout is how long a connection may take to come about; 0 is 5 s.
	ConnectTimeout time.Duration
}

const (
	positionID   = "position" // id of the document with the position
	markID       = "mark"     // and of that with the mark of a rebuild
	cachedLabels = 50_000
	labelsLast   = time.Minute
)

// Engine implements search.Index.
type Engine struct {
	client *client
	opts   Options
	labels *expirable.LRU[string, string]

	mu      sync.Mutex
	ready   bool            // the alias was there when last looked for
	fields  map[string]bool // of values, labels, numbers and steps that the mapping has
	paths   map[string]bool // that are sorted and counted by
	index   string          // that the alias stood for then
	written uint64          // the position, as far as this process knows
	known   bool            // it has been read or written

	writing sync.Mutex // one batch at a time: the order of batches is that of the log
}

var (
	_ search.Index       = (*Engine)(nil)
	_ search.Replaceable = (*Engine)(nil)
	_ search.Resumable   = (*Engine)(nil)
)

// Open returns an engine for a cluster, which need not answer yet: the index is made when it first does.
func Open(opts Options) (*Engine, error) {
	if opts.Index == "" {
		opts.Index = "catalpa"
	}
	if opts.Shards <= 0 {
		opts.Shards = 1
	}
	if opts.BulkBytes <= 0 {
		opts.BulkBytes = 4 << 20
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.ConnectTimeout <= 0 {
		opts.ConnectTimeout = 5 * time.Second
	}
	if len(opts.Addresses) == 0 {
		return nil, errors.New("no address of a search server is given")
	}
	c, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	return &Engine{client: c, opts: opts, labels: expirable.NewLRU[string, string](cachedLabels, nil, labelsLast)}, nil
}

// Close ends the connections. The index stays.
func (e *Engine) Close() error { return e.client.close() }

// at is a path below the index.
func (e *Engine) at(parts ...string) string {
	return "/" + url.PathEscape(e.opts.Index) + strings.Join(parts, "")
}

// prepare makes sure that the index is there and that this version can read it.
func (e *Engine) prepare(ctx context.Context) error {
	if err := e.client.rests(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ready {
		return nil
	}
	if err := e.client.rests(); err != nil { // who held the lock has found out
		return err
	}
	old, err := e.members(ctx)
	if err != nil {
		return err
	}
	e.fields, e.paths = map[string]bool{}, map[string]bool{}
	switch {
	case len(old) == 1 && old[0].current:
		e.index = old[0].name
		e.learn(old[0].fields)
	case len(old) == 0:
		if e.index, err = e.first(ctx); err != nil {
			return err
		}
	default:
		if e.index, err = e.replace(ctx, old); err != nil {
			return err
		}
	}
	e.ready = true
	return nil
}

// vanished notes that the index has to be looked for again.
func (e *Engine) vanished() {
	e.mu.Lock()
	e.ready, e.written, e.known = false, 0, false
	e.mu.Unlock()
}

// physical is an index that the alias stands for.
type physical struct {
	name    string
	current bool // this version of the program writes such indexes
	fields  []string
}

// members are the indexes that the alias stands for.
func (e *Engine) members(ctx context.Context) ([]physical, error) {
	var found map[string]struct {
		Aliases  map[string]struct{} `json:"aliases"`
		Mappings struct {
			Meta struct {
				Format int `json:"format"`
			} `json:"_meta"`
			Properties map[string]struct {
				Properties map[string]struct{} `json:"properties"`
			} `json:"properties"`
		} `json:"mappings"`
	}
	err := e.client.call(ctx, http.MethodGet, e.at(), nil, nil, &found)
	if entity.KindOf(err) == entity.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []physical
	for name, index := range found {
		if _, ok := index.Aliases[e.opts.Index]; !ok {
			return nil, &entity.Error{Kind: entity.KindUnavailable, Message: "The search server has an index named " +
				e.opts.Index + " that is not this server's; an administrator has to choose another elasticsearch.clusterAlias."}
		}
		one := physical{name: name, current: index.Mappings.Meta.Format == format}
		for _, group := range columns() {
			for path := range index.Mappings.Properties[group].Properties {
				one.fields = append(one.fields, group+"."+path)
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// first makes the first index, and tells its name, which is the same for whoever is first: of two servers that start
// together, both use the one that is there.
func (e *Engine) first(ctx context.Context) (string, error) {
	name := e.opts.Index + "-1"
	if err := e.create(ctx, name, true); err != nil {
		return "", err
	}
	if now, err := e.members(ctx); err != nil || len(now) == 1 {
		return name, err
	}
	return e.replace(ctx, nil) // somebody took the alias away from it
}

// create makes an empty index. Somebody else may have been faster.
func (e *Engine) create(ctx context.Context, name string, aliased bool) error {
	body := mapping(e.opts.Shards)
	if aliased {
		body["aliases"] = object{e.opts.Index: object{}}
	}
	err := e.client.call(ctx, http.MethodPut, "/"+url.PathEscape(name), nil, body, nil)
	if err != nil && strings.Contains(err.Error(), "resource_already_exists") {
		return nil
	}
	return err
}

// replace puts an empty index in the place of others, and tells its name.
func (e *Engine) replace(ctx context.Context, old []physical) (string, error) {
	name := strings.TrimSuffix(e.opts.Index, shadowSuffix) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := e.create(ctx, name, false); err != nil {
		return "", err
	}
	return name, e.swap(ctx, name, old)
}

// swap lets the alias stand for another index, and removes what it stood for, in one step.
func (e *Engine) swap(ctx context.Context, name string, old []physical) error {
	actions := []any{object{"add": object{"index": name, "alias": e.opts.Index}}}
	for _, index := range old {
		actions = append(actions, object{"remove_index": object{"index": index.name}})
	}
	return e.client.call(ctx, http.MethodPost, "/_aliases", nil, object{"actions": actions}, nil)
}

// Position returns the outbox position of the last batch.
func (e *Engine) Position(ctx context.Context) (uint64, error) {
	if err := e.prepare(ctx); err != nil {
		return 0, err
	}
	at, err := e.note(ctx, positionID)
	if err != nil {
		return 0, err
	}
	e.mu.Lock()
	e.index, e.written, e.known = at.Index, at.Source.Position, true
	e.mu.Unlock()
	return at.Source.Position, nil
}

// note is a document that says something of the index.
type note struct {
	Index  string `json:"_index"`
	Found  bool   `json:"found"`
	Seq    int64  `json:"_seq_no"`
	Term   int64  `json:"_primary_term"`
	Source struct {
		Position uint64 `json:"position"`
		Mark     string `json:"mark"`
	} `json:"_source"`
}

func (e *Engine) note(ctx context.Context, id string) (note, error) {
	var at note
	status, answer, err := e.client.send(ctx, http.MethodGet, e.at("/_doc/", id), nil, "", nil)
	if err != nil {
		return at, err
	}
	if status != http.StatusNotFound && status >= 300 {
		return at, refusal(status, answer)
	}
	if err := json.Unmarshal(answer, &at); err != nil || at.Index == "" { // not even the index is there
		return at, refusal(status, answer)
	}
	return at, nil
}

// Reset empties the index: another takes its place.
func (e *Engine) Reset(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	e.vanished()
	old, err := e.members(ctx)
	if err != nil {
		return err
	}
	name, err := e.replace(ctx, old)
	if err != nil {
		return err
	}
	e.labels.Purge()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready, e.index, e.fields, e.paths = true, name, map[string]bool{}, map[string]bool{}
	return nil
}

// Remove removes the index.
func (e *Engine) Remove(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	own, err := e.members(ctx)
	for _, index := range own {
		err = errors.Join(err, e.client.call(ctx, http.MethodDelete, "/"+url.PathEscape(index.name), nil, nil, nil))
	}
	e.vanished()
	return err
}

// Count returns the number of documents.
func (e *Engine) Count(ctx context.Context) (int, error) {
	if err := e.prepare(ctx); err != nil {
		return 0, err
	}
	var found struct {
		Count int `json:"count"`
	}
	err := e.client.call(ctx, http.MethodPost, e.at("/_count"), nil, object{"query": isDocument()}, &found)
	return found.Count, err
}

// Size returns how many bytes the index takes, its copies left out.
func (e *Engine) Size(ctx context.Context) (int64, error) {
	if err := e.prepare(ctx); err != nil {
		return 0, err
	}
	var found struct {
		All struct {
			Primaries struct {
				Store struct {
					Size int64 `json:"size_in_bytes"`
				} `json:"store"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	err := e.client.call(ctx, http.MethodGet, e.at("/_stats/store"), nil, nil, &found)
	return found.All.Primaries.Store.Size, err
}
