package api

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/apps"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The applications that are part of Catalpa.
const (
	indexingApp  = "SearchIndexingApplication"
	retentionApp = "DataRetentionApplication"
)

// appJobs are what these applications do.
func (a *API) appJobs() map[string]apps.Job {
	return map[string]apps.Job{
		indexingApp:  {Check: a.checkIndexing, Run: a.reindexAll},
		retentionApp: {Check: checkRetention, Run: a.purge},
	}
}

// indexing are the settings of the indexing application that say something here: what
// OpenMetadata's says besides is about its search cluster.
type indexing struct {
	Entities []string `json:"entities"`
	Recreate bool     `json:"recreateIndex"`
}

func (a *API) readIndexing(config jsontext.Value) (indexing, error) {
	var s indexing
	if config != nil {
		if err := json.Unmarshal(config, &s); err != nil {
			return s, entity.BadRequest("entities must be a list of entity types, recreateIndex true or false")
		}
	}
	for _, typ := range s.Entities {
		if _, ok := a.engine.Registry().ByName(typ); !ok && typ != "all" {
			return s, entity.BadRequest("entities names %q, which is no entity type", entity.Shorten(typ, 60))
		}
	}
	if s.Recreate && len(s.Entities) > 0 && !slices.Contains(s.Entities, "all") {
		return s, entity.BadRequest("only the whole index can be recreated: leave recreateIndex out, or name all entities")
	}
	return s, nil
}

func (a *API) checkIndexing(config jsontext.Value) error {
	_, err := a.readIndexing(config)
	return err
}

// reindexPage is how many documents are made at a time.
const reindexPage = 500

// reindexAll makes the documents of the search index anew: page by page beside those
// that are there, or after it was emptied.
func (a *API) reindexAll(ctx context.Context, run *apps.Run) error {
	s, err := a.readIndexing(run.Config)
	if err != nil {
		return err
	}
	if s.Recreate {
		ctx = run.Unstoppable() // an index half filled would help nobody
		run.Logf("emptying the index and filling it again")
		return a.indexer.Rebuild(ctx, func(done, total int) { run.Progress(done, 0, total) })
	}
	var types []string
	total := 0
	for _, t := range a.engine.Registry().All() {
		if len(s.Entities) > 0 && !slices.Contains(s.Entities, "all") && !slices.Contains(s.Entities, t.Name) {
			continue
		}
		types = append(types, t.Name)
		err := a.engine.Store().View(ctx, func(r store.Reader) error {
			n, err := r.Count(ctx, store.ListQuery{Type: t.Name, Include: store.All})
			total += n
			return err
		})
		if err != nil {
			return err
		}
	}
	run.Logf("making %d documents anew", total)
	done := 0
	for _, typ := range types {
		before := done
		for after := ""; ; {
			ids, last, err := a.idsAfter(ctx, typ, after)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			if err := a.indexer.Reindex(ctx, ids); err != nil {
				return err
			}
			done, after = done+len(ids), last
			run.Progress(done, 0, max(total, done))
		}
		if done > before {
			run.Logf("%s: %d", typ, done-before)
		}
	}
	if failed := len(a.indexer.Failures()); failed > 0 {
		run.Progress(done, min(failed, done), max(total, done))
		run.Logf("%d could not be indexed; /v1/search/reindex/failures lists them", failed)
	}
	return nil
}

// idsAfter returns a page of one type's ids and the name it ends with.
func (a *API) idsAfter(ctx context.Context, typ, after string) (ids []entity.ID, last string, err error) {
	err = a.engine.Store().View(ctx, func(r store.Reader) error {
		rows, err := r.List(ctx, store.ListQuery{Type: typ, Include: store.All, After: after, Limit: reindexPage})
		ids = nil
		for _, row := range rows {
			ids, last = append(ids, row.ID), row.FQN
		}
		return err
	})
	return ids, last, err
}

// retention are the settings of the retention application, in days; 0 keeps all.
type retention struct {
	Events   int `json:"changeEventRetentionPeriod"`
	Threads  int `json:"activityThreadsRetentionPeriod"`
	Results  int `json:"testCaseResultsRetentionPeriod"`
	Profiles int `json:"profileDataRetentionPeriod"`
	Audit    int `json:"auditLogRetentionPeriod"`
}

// maxDays is the longest period that means something.
const maxDays = 36_500

func readRetention(config jsontext.Value) (retention, error) {
	var s retention
	if config != nil {
		if err := json.Unmarshal(config, &s); err != nil {
			return s, entity.BadRequest("retention periods are whole numbers of days")
		}
	}
	for _, days := range []int{s.Events, s.Threads, s.Results, s.Profiles, s.Audit} {
		if days < 0 || days > maxDays {
			return s, entity.BadRequest("a retention period is from 0 to %d days; 0 keeps all", maxDays)
		}
	}
	return s, nil
}

func checkRetention(config jsontext.Value) error {
	_, err := readRetention(config)
	return err
}

// purge removes what is older than the settings say.
func (a *API) purge(ctx context.Context, run *apps.Run) error {
	s, err := readRetention(run.Config)
	if err != nil {
		return err
	}
	p := &purge{a: a, run: run}
	if s.Events > 0 {
		run.Logf("change events are kept: the search index and audit rest on them")
	}
	if s.Audit > 0 {
		run.Logf("the audit trail is kept: it is bounded by its length, and nobody can shorten it")
	}
	steps := []struct {
		days int
		what string
		do   func(ctx context.Context, until int64) error
	}{
		{s.Threads, "conversations", func(ctx context.Context, until int64) error { return p.records(ctx, threadKind, until, isConversation) }},
		{s.Results, "results of tests", func(ctx context.Context, until int64) error {
			return p.records(ctx, resultSeries().Kind, until, nil)
		}},
		{s.Profiles, "profiles", p.profiles},
	}
	for _, step := range steps {
		if step.days == 0 {
			run.Logf("%s are kept", step.what)
			continue
		}
		before := p.gone
		if err := step.do(ctx, a.clock().Add(-time.Duration(step.days)*24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		run.Logf("%s older than %d days: %d removed", step.what, step.days, p.gone-before)
	}
	return nil
}

// purge is the state of one run.
type purge struct {
	a    *API
	run  *apps.Run
	gone int
}

// isConversation tells threads that people lead from tasks and announcements.
func isConversation(doc []byte) bool {
	var thread struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(doc, &thread) == nil && (thread.Type == "" || thread.Type == "Conversation")
}

// purgePage is how many records one transaction removes.
const purgePage = 500

// records removes those of a kind that are as old as until, and that ok accepts.
func (p *purge) records(ctx context.Context, kind string, until int64, ok func([]byte) bool) error {
	for kept := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		read, removed := 0, 0
		err := p.a.engine.Store().Update(ctx, func(tx store.Tx) error {
			read, removed = 0, 0
			found, err := tx.Records(ctx, store.RecordQuery{Kind: kind, Any: true, To: until, Order: store.OldestFirst, Limit: purgePage, Offset: kept})
			if err != nil {
				return err
			}
			read = len(found)
			for _, rec := range found {
				if ok != nil && !ok(rec.Doc) {
					continue
				}
				if _, err := tx.DeleteRecord(ctx, kind, rec.Owner, rec.Key); err != nil {
					return err
				}
				removed++
			}
			return nil
		})
		if err != nil {
			return err
		}
		p.gone, kept = p.gone+removed, kept+read-removed
		p.run.Progress(p.gone, 0, p.gone)
		if read < purgePage {
			return nil
		}
	}
}

// profiles removes those of tables and of their columns.
func (p *purge) profiles(ctx context.Context, until int64) error {
	for _, series := range []string{tableSeries().Kind, systemSeries().Kind} {
		if err := p.records(ctx, series, until, nil); err != nil {
			return err
		}
	}
	for offset := 0; ; {
		var page []store.Record
		err := p.a.engine.Store().View(ctx, func(r store.Reader) error {
			var err error
			page, err = r.Records(ctx, store.RecordQuery{Kind: columnsLatest, Any: true, Order: store.OldestFirst, Offset: offset, Limit: purgePage})
			return err
		})
		if err != nil {
			return err
		}
		for _, rec := range page {
			if err := p.columns(ctx, rec, until); err != nil {
				return err
			}
		}
		if offset += len(page); len(page) < purgePage {
			return nil
		}
	}
}

// columns removes profiles of the columns of one table.
func (p *purge) columns(ctx context.Context, rec store.Record, until int64) error {
	var latest map[string]jsontext.Value
	if err := json.Unmarshal(rec.Doc, &latest); err != nil {
		return entity.Internal(err)
	}
	removed := 0
	err := p.a.engine.Store().Update(ctx, func(tx store.Tx) error {
		removed = 0
		for name := range latest {
			n, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: columnKindBase + name, Owner: rec.Owner, To: until})
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	p.gone += removed
	return err
}
