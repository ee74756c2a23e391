package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// bulkColumns is a request to change many columns: those with a name, or those listed.
type bulkColumns struct {
	Name    string           `json:"columnName"`
	Types   []string         `json:"entityTypes"`
	Service string           `json:"serviceName"`
	DB      string           `json:"databaseName"`
	Schema  string           `json:"schemaName"`
	Domain  string           `json:"domainId"`
	Updates []jsontext.Value `json:"columnUpdates"`
	DryRun  bool             `json:"dryRun"`
	columnUpdate
}

// columnTarget is one column, what is to change in it, and what came of that.
type columnTarget struct {
	found   *foundColumn // as it is now, where that was looked up
	typ     string
	owner   string // FQN
	fqn     string
	update  *columnUpdate
	request jsontext.Value
	err     error
}

func (c *call) bulkRequest() (req bulkColumns, held int, err error) {
	body, err := c.validated("api/data/bulkColumnUpdateRequest.json")
	if err != nil {
		return req, 0, err
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return req, 0, entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	switch {
	case req.Name == "" && len(req.Updates) == 0:
		err = entity.BadRequest("columnName says which columns to change, or columnUpdates lists them: one of them is needed")
	case req.Name == "" && len(req.Updates) > maxColumnTargets:
		err = entity.BadRequest("columnUpdates has %d items; at most %d are taken at once", len(req.Updates), maxColumnTargets)
	}
	return req, len(body), err
}

// targets finds the columns that a request is about.
func (c *call) targets(req *bulkColumns) ([]*columnTarget, error) {
	if req.Name != "" {
		scope := columnScope{service: req.Service, database: req.DB, schema: req.Schema}
		if err := scope.restrict(req.Types, req.Domain); err != nil {
			return nil, err
		}
		found, err := c.findColumns(scope, []string{req.Name})
		if err != nil {
			return nil, err
		}
		out := make([]*columnTarget, len(found))
		for i := range found {
			out[i], err = found[i].target(&req.columnUpdate)
			if err != nil {
				return nil, err
			}
		}
		slices.SortFunc(out, func(a, b *columnTarget) int { return strings.Compare(a.fqn, b.fqn) })
		return out, nil
	}
	out := make([]*columnTarget, len(req.Updates))
	for i, raw := range req.Updates {
		var item struct {
			FQN  string `json:"columnFQN"`
			Type string `json:"entityType"`
			columnUpdate
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, entity.BadRequest("columnUpdates[%d] cannot be read", i)
		}
		t := &columnTarget{typ: item.Type, fqn: entity.CanonicalFQN(item.FQN), update: &item.columnUpdate, request: raw}
		t.owner, t.err = ownerName(item.Type, item.FQN)
		out[i] = t
	}
	return out, nil
}

// target is a change of a column that was found.
func (f *foundColumn) target(update *columnUpdate) (*columnTarget, error) {
	raw, err := encoded(struct {
		FQN         string             `json:"columnFQN"`
		Type        string             `json:"entityType"`
		DisplayName *string            `json:"displayName,omitzero"`
		Description *string            `json:"description,omitzero"`
		Tags        *[]entity.TagLabel `json:"tags,omitzero"`
	}{f.col.FQN, f.owner.Type, update.DisplayName, update.Description, update.Tags})
	return &columnTarget{found: f, typ: f.owner.Type, owner: f.owner.FQN, fqn: f.col.FQN, update: update, request: raw}, err
}

// columnsTogether is how many tables or data models share a transaction.
const columnsTogether = 50

// changeColumns writes the targets, those of one table at once; a bad one fails alone.
// A dry run does all of it on a snapshot and keeps nothing.
func (c *call) changeColumns(targets []*columnTarget, dryRun bool, tell job.Progress) error {
	type key struct{ typ, owner string }
	var order []key
	units := map[key][]*columnTarget{}
	for _, t := range targets {
		if t.err != nil {
			continue
		}
		k := key{t.typ, t.owner}
		if units[k] == nil {
			order = append(order, k)
		}
		units[k] = append(units[k], t)
	}
	done := 0
	write := func(keys []key) func(*engine.Batch) error {
		return func(b *engine.Batch) error {
			for _, k := range keys {
				if err := c.changeUnit(b, units[k]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if dryRun {
		return c.engine.Rehearse(c.ctx(), c.by, write(order))
	}
	for chunk := range slices.Chunk(order, columnsTogether) {
		if err := c.engine.Together(c.ctx(), c.by, write(chunk)); err != nil {
			return err
		}
		for _, k := range chunk {
			done += len(units[k])
		}
		tell(done, len(targets))
	}
	return nil
}

// changeUnit writes the targets in one table or data model. It may run again for the
// same ones.
func (c *call) changeUnit(b *engine.Batch, unit []*columnTarget) error {
	if err := c.ctx().Err(); err != nil {
		return err
	}
	err := c.saveColumns(b, unit)
	for _, t := range unit {
		t.err = err
		if err != nil && len(unit) > 1 {
			t.err = c.saveColumns(b, []*columnTarget{t})
		}
		if t.err != nil && (entity.AsError(t.err) == nil || entity.KindOf(t.err) == entity.KindInternal || entity.KindOf(t.err) == entity.KindUnavailable) {
			return t.err
		}
	}
	return nil
}

func (c *call) saveColumns(b *engine.Batch, unit []*columnTarget) error {
	t, err := c.entityType(unit[0].typ)
	if err != nil {
		return err
	}
	_, err = b.Save(c.ctx(), t, unit[0].owner, func(ent *entity.Entity, created bool) error {
		if created {
			return entity.NotFound(t.Name, unit[0].owner)
		}
		columns, err := columnsOf(ent)
		if err != nil {
			return err
		}
		for _, target := range unit {
			col := findColumn(columns, target.fqn)
			if col == nil {
				return entity.NotFound("column", target.fqn)
			}
			target.update.apply(col)
		}
		if ent.Rest["columns"], err = json.Marshal(columns); err != nil {
			return entity.Internal(err)
		}
		return nil
	})
	return err
}

// updateColumnsLater starts a job that changes many columns.
func (c *call) updateColumnsLater() error {
	req, held, err := c.bulkRequest()
	if err != nil {
		return err
	}
	if req.Name != "" { // so that what is wrong with it is said at once
		if err := new(columnScope).restrict(req.Types, req.Domain); err != nil {
			return err
		}
	}
	return c.begin("columnUpdate", http.StatusOK, jobAnswer{Message: "The update of columns has been started."}, held, func(ctx context.Context, tell job.Progress) (job.Result, error) {
		c := c.later(ctx)
		targets, err := c.targets(&req)
		if err != nil {
			return job.Result{}, err
		}
		if err := c.changeColumns(targets, req.DryRun, tell); err != nil {
			return job.Result{}, err
		}
		items := make([]engine.BulkItem, len(targets))
		for i, t := range targets {
			items[i] = engine.BulkItem{Request: t.request, Status: http.StatusOK}
			if t.err != nil {
				items[i].Status, items[i].Message = statusOf(t.err), engine.PublicMessage(t.err)
			}
		}
		result := engine.SummarizeBulk(items)
		result.DryRun = req.DryRun
		return jsonResult(result)
	})
}

// maxPreviews is how many columns a preview shows; it counts all of them.
const maxPreviews = 1000

// columnValues are what a bulk update may change of a column.
type columnValues struct {
	DisplayName string            `json:"displayName,omitzero"`
	Description string            `json:"description,omitzero"`
	Tags        []entity.TagLabel `json:"tags,omitzero"`
}

// columnPreview shows one column before and after.
type columnPreview struct {
	columnOccurrence `json:",inline"`
	Current          columnValues `json:"currentValues"`
	New              columnValues `json:"newValues"`
	Changes          bool         `json:"hasChanges"`
}

// previewColumns answers what a bulk update would change, without a change.
func (c *call) previewColumns() error {
	req, _, err := c.bulkRequest()
	if err != nil {
		return err
	}
	targets, err := c.targets(&req)
	if err != nil {
		return err
	}
	if req.Name == "" {
		if targets, err = c.lookUp(targets); err != nil {
			return err
		}
	}
	out := struct {
		Total    int             `json:"totalColumns"`
		Previews []columnPreview `json:"columnPreviews"`
	}{len(targets), []columnPreview{}}
	for _, t := range targets[:min(len(targets), maxPreviews)] {
		p := columnPreview{columnOccurrence: t.found.place(), Current: t.found.col.values()}
		next := *t.found.col
		t.update.apply(&next)
		p.New = next.values()
		p.Changes = p.Current.DisplayName != p.New.DisplayName || p.Current.Description != p.New.Description || !slices.Equal(p.Current.labels(), p.New.labels())
		out.Previews = append(out.Previews, p)
	}
	return c.json(http.StatusOK, out)
}

func (c *column) values() columnValues {
	return columnValues{DisplayName: c.DisplayName, Description: c.Description, Tags: c.Tags}
}

func (v columnValues) labels() []string {
	var out []string
	for _, tag := range v.Tags {
		out = append(out, tag.Source+tag.TagFQN)
	}
	slices.Sort(out)
	return out
}

// lookUp finds the columns of targets and leaves out those that are not there, or not
// for the caller to see.
func (c *call) lookUp(targets []*columnTarget) ([]*columnTarget, error) {
	owners := map[string]bool{}
	for _, t := range targets {
		if t.err == nil {
			owners[t.owner] = true
		}
	}
	names := make([]string, 0, len(owners))
	for name := range owners {
		names = append(names, name)
	}
	found := map[[2]string]foundColumn{}
	for chunk := range slices.Chunk(names, columnOwnerPage) {
		req := c.ownersRequest(columnScope{types: columnTypes()}, search.Terms{Field: "fullyQualifiedName.keyword", Values: chunk})
		_, err := c.columnOwners(req, maxColumnOwners, func(owner *columnOwner) error {
			return deepColumns(owner.FQN, owner.Columns, func(col *column) error {
				found[[2]string{owner.Type, col.FQN}] = foundColumn{owner, col}
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(targets, func(t *columnTarget) bool {
		f, ok := found[[2]string{t.typ, t.fqn}]
		t.found = &f
		return !ok
	}), nil
}
