package api

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// newNames finds the new name of a renamed entity by its old one.
type newNames map[store.Key]string

// link returns the link under the new name, and whether it has one.
func (n newNames) link(text string) (string, bool) {
	link, err := entity.ParseLink(text)
	if err != nil {
		return text, false
	}
	name, ok := n[store.Key{Type: link.Type, FQN: entity.CanonicalFQN(link.FQN)}]
	if !ok {
		return text, false
	}
	link.FQN = name
	return link.String(), true
}

// renameInFeed carries new names into threads and suggestions, which point at
// entities, and propose tags, by name.
func renameInFeed(ctx context.Context, tx store.Tx, renamed []engine.Renamed) error {
	names := make(newNames, len(renamed))
	for _, r := range renamed {
		names[store.Key{Type: r.Type, FQN: r.Old}] = r.New
	}
	// All old names begin with the first: a text without it holds none of them.
	quoted, err := jsontext.AppendQuote(nil, renamed[0].Old)
	if err != nil {
		return entity.Internal(err)
	}
	part := quoted[1 : len(quoted)-1]
	if err := rewriteRecords(ctx, tx, threadKind, part, names.thread); err != nil {
		return err
	}
	return rewriteRecords(ctx, tx, suggestionKind, part, names.suggestion)
}

// rewriteRecords replaces the records of a kind in which the part occurs.
func rewriteRecords(ctx context.Context, tx store.Tx, kind string, part []byte, rewrite func(doc []byte) (any, error)) error {
	const page = 500
	query := store.RecordQuery{Kind: kind, Any: true, Limit: page}
	for {
		records, err := tx.Records(ctx, query)
		if err != nil {
			return err
		}
		for _, rec := range records {
			query.After = rec.Key
			if !bytes.Contains(rec.Doc, part) {
				continue
			}
			next, err := rewrite(rec.Doc)
			if err != nil {
				return err
			}
			if rec.Doc, err = encoded(next); err != nil {
				return err
			}
			if err := tx.PutRecord(ctx, rec); err != nil {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
	}
}

func (n newNames) thread(doc []byte) (any, error) {
	thread, err := readThread(store.Record{Doc: doc})
	if err != nil {
		return nil, err
	}
	var renamed bool
	if thread.About, renamed = n.link(thread.About); renamed {
		if name, ok := n[store.Key{Type: thread.Entity.Type, FQN: thread.Entity.FullyQualifiedName}]; ok {
			parts, err := entity.SplitFQN(name)
			if err != nil {
				return nil, err
			}
			thread.Entity.FullyQualifiedName, thread.Entity.Name = name, parts[len(parts)-1]
		}
	}
	return thread, nil
}

func (n newNames) suggestion(doc []byte) (any, error) {
	var s feed.Suggestion
	if err := json.Unmarshal(doc, &s); err != nil {
		return nil, entity.Internal(err)
	}
	s.Link, _ = n.link(s.Link)
	for i := range s.Tags {
		if name, ok := n[store.Key{Type: s.Tags[i].EntityType(), FQN: entity.CanonicalFQN(s.Tags[i].TagFQN)}]; ok {
			s.Tags[i].TagFQN = name
		}
	}
	return s, nil
}
