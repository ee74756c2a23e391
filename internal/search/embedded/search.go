package embedded

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Search answers a request.
func (e *Engine) Search(ctx context.Context, req search.Request) (search.Result, error) {
	if err := search.CheckRequest(req); err != nil {
		return search.Result{}, err
	}
	s, err := e.snapshot(ctx)
	if err != nil {
		return search.Result{}, err
	}
	defer s.release()
	within, err := s.base(req)
	if err != nil {
		return search.Result{}, err
	}
	if within, err = s.resolve(req.Visible, within); err != nil {
		return search.Result{}, err
	}
	if within, err = s.resolve(req.Filter, within); err != nil {
		return search.Result{}, err
	}
	matched, err := s.resolve(req.Query, within)
	if err != nil {
		return search.Result{}, err
	}
	result := search.Result{}
	if len(req.Aggregations) > 0 {
		if result.Aggregations, err = s.aggregate(req.Aggregations, matched); err != nil {
			return search.Result{}, err
		}
	}
	if matched, err = s.resolve(req.PostFilter, matched); err != nil {
		return search.Result{}, err
	}
	result.Total = int(matched.GetCardinality())
	if req.Size == 0 || matched.IsEmpty() {
		return result, nil
	}
	page, err := s.page(req, matched)
	if err != nil {
		return search.Result{}, err
	}
	result.MaxScore = page.maxScore
	s.unlock()
	result.Hits, err = s.hits(req, page.rows)
	return result, err
}

// base returns the live documents of the indexes asked for.
func (s *snapshot) base(req search.Request) (*roaring.Bitmap, error) {
	within := s.state.live
	if len(req.Indexes) > 0 {
		all := roaring.New()
		for _, index := range req.Indexes {
			set, err := s.set(fieldIndex, search.StringKey(index))
			if err != nil {
				return nil, err
			}
			all.Or(set)
		}
		within = roaring.And(within, all)
	}
	if req.Deleted == nil {
		return within, nil
	}
	deleted, err := s.set(fieldDeleted, presence)
	if err != nil {
		return nil, err
	}
	if *req.Deleted {
		return roaring.And(within, deleted), nil
	}
	return roaring.AndNot(within, deleted), nil
}

func (s *snapshot) hits(req search.Request, rows []row) ([]search.Hit, error) {
	hits := make([]search.Hit, 0, len(rows))
	var marker *search.Highlighter
	if req.Highlight {
		marker = search.NewHighlighter(req.Query)
	}
	for _, r := range rows {
		index, source, found, err := s.load(r.doc)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		hit := search.Hit{ID: r.id, Index: index, Score: r.score, Sort: r.sortValues(req.Sort)}
		if marker != nil {
			hit.Highlight = marker.Mark(source)
		}
		if !req.NoSource {
			hit.Source = source
		}
		hits = append(hits, hit)
	}
	return hits, nil
}
