package opensearch

import (
	"context"
	"errors"
	"net/http"
	"net/url"

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

// beside is the engine of an index in the making, which is there or not.
func (e *Engine) beside() *Engine {
	opts := e.opts
	opts.Index += shadowSuffix
	return &Engine{client: e.client, opts: opts, labels: expirable.NewLRU[string, string](cachedLabels, nil, labelsLast)}
}

// Shadow returns an index that nobody searches yet: an empty one, or what an earlier process has left, with its mark.
func (e *Engine) Shadow(ctx context.Context) (search.Shadow, error) {
	s := &shadow{of: e, Engine: e.beside()}
	left, err := e.Unfinished(ctx)
	if err == nil && !left {
		err = s.Reset(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Unfinished implements search.Resumable.
func (e *Engine) Unfinished(ctx context.Context) (bool, error) {
	s := e.beside()
	own, err := s.members(ctx)
	if err != nil || len(own) != 1 || !own[0].current {
		return false, err
	}
	mark, err := s.Marked(ctx)
	return mark != "", err
}

// Mark implements search.Resumable.
func (e *Engine) Mark(ctx context.Context, mark string) error {
	if err := e.prepare(ctx); err != nil {
		return err
	}
	query := url.Values{"require_alias": {"true"}}
	return e.client.call(ctx, http.MethodPut, e.at("/_doc/", markID), query, object{fieldMark: mark}, nil)
}

// Marked implements search.Resumable.
func (e *Engine) Marked(ctx context.Context) (string, error) {
	if position, err := e.Position(ctx); err != nil || position > 0 {
		return "", err
	}
	at, err := e.note(ctx, markID)
	return at.Source.Mark, err
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
