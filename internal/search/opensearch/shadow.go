package opensearch

import (
	"context"
	"errors"
	"net/http"

	"github.com/hashicorp/golang-lru/v2/expirable"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// shadowSuffix ends the alias of an index in the making.
const shadowSuffix = "-shadow"

// shadow is an index in the making: an engine under another alias.
type shadow struct {
	*Engine
	of       *Engine
	replaced bool
}

// Shadow returns an empty index that nobody searches yet.
func (e *Engine) Shadow(ctx context.Context) (search.Shadow, error) {
	opts := e.opts
	opts.Index += shadowSuffix
	s := &shadow{of: e, Engine: &Engine{client: e.client, opts: opts, labels: expirable.NewLRU[string, string](cachedLabels, nil, labelsLast)}}
	return s, s.Reset(ctx)
}

// Replace lets the alias of the other engine stand for this index, and removes what it stood for.
func (s *shadow) Replace(ctx context.Context) error {
	s.of.writing.Lock()
	defer s.of.writing.Unlock()
	old, err := s.of.members(ctx)
	if err != nil {
		return err
	}
	own, err := s.members(ctx)
	if err != nil {
		return err
	}
	if len(own) != 1 {
		return errors.New("the index in the making has gone; somebody else makes another")
	}
	actions := []any{
		object{"add": object{"index": own[0].name, "alias": s.of.opts.Index}},
		object{"remove": object{"index": own[0].name, "alias": s.opts.Index}},
	}
	for _, index := range old {
		actions = append(actions, object{"remove_index": object{"index": index.name}})
	}
	if err := s.client.call(ctx, http.MethodPost, "/_aliases", nil, object{"actions": actions}, nil); err != nil {
		return err
	}
	s.replaced = true
	s.of.vanished()
	s.of.labels.Purge()
	return nil
}

// Close removes the index, unless it has replaced the other. The connections are those of the other.
func (s *shadow) Close() error {
	if s.replaced {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	return s.Remove(ctx)
}
