package lineage

import (
	"context"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// datasetName is how OpenLineage names a dataset: a namespace, such as
// postgres://db.example.org:5432, and a name in it, such as shop.public.orders.
type datasetName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// asset is a dataset that the catalog knows.
type asset struct {
	dataset *Dataset
	ref     entity.Ref
	columns map[string]string // FQN of a column by its name in lower case
}

// maxServices bounds in how many services a dataset is looked for.
const maxServices = 1000

// find returns the one table or topic that the dataset means, among those that the
// caller may see.
func (o *observation) find(ctx context.Context, d *Dataset) (*asset, error) {
	if found := o.known[d.datasetName]; found != nil {
		if found.dataset.Facets.Columns.Fields == nil {
			found.dataset = d
		}
		return found, nil
	}
	names := append([]datasetName{d.datasetName}, d.Facets.Symlinks.Identifiers...)
	var rows []store.Row
	err := o.s.engine.Store().View(ctx, func(r store.Reader) error {
		var keys []store.Key
		for _, name := range names {
			more, err := o.candidates(ctx, r, name)
			if err != nil {
				return err
			}
			keys = append(keys, more...)
		}
		var err error
		rows, err = r.EntitiesByFQN(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	row, err := o.only(ctx, d, rows)
	if err != nil {
		return nil, err
	}
	t, _ := o.s.engine.Registry().ByName(row.Type)
	parts, err := o.s.engine.PartNames(t, row)
	if err != nil {
		return nil, err
	}
	found := &asset{dataset: d, ref: entity.Ref{ID: row.ID, Type: row.Type}, columns: make(map[string]string, len(parts))}
	for fqn := range parts {
		if column, ok := strings.CutPrefix(fqn, row.FQN+"."); ok {
			found.columns[strings.ToLower(column)] = fqn
		}
	}
	for _, name := range names {
		o.known[name] = found
	}
	return found, nil
}

// only returns the one row that lives and that the caller may see.
func (o *observation) only(ctx context.Context, d *Dataset, rows []store.Row) (store.Row, error) {
	ids := make([]entity.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	seen, err := o.s.engine.Visible(ctx, o.by, ids)
	if err != nil {
		return store.Row{}, err
	}
	var found []store.Row
	for _, row := range rows {
		if !row.Deleted && seen[row.ID] {
			found = append(found, row)
			seen[row.ID] = false // a row may have been asked for by two names
		}
	}
	name := entity.Shorten(d.Namespace, 100) + " " + entity.Shorten(d.Name, 200)
	switch len(found) {
	case 0:
		return store.Row{}, entity.BadRequest("the dataset %s is not in the catalog: ingest it first, and name its service in namespaceToServiceMapping of the setting openLineageSettings", name)
	case 1:
		return found[0], nil
	}
	return store.Row{}, entity.BadRequest("the dataset %s may be one of %d in the catalog: name its service in namespaceToServiceMapping of the setting openLineageSettings", name, len(found))
}

// candidates are the names that a dataset may have in the catalog: below the
// service that the settings name, or else below any. Where a server has schemas but
// no databases, the catalog has a database called default above them.
func (o *observation) candidates(ctx context.Context, r store.Reader, name datasetName) ([]store.Key, error) {
	parts, err := entity.SplitFQN(name.Name)
	if err != nil || len(parts) > 4 {
		parts = []string{name.Name}
	}
	path := parts
	if len(parts) == 2 {
		path = []string{"default", parts[0], parts[1]}
	}
	var keys []store.Key
	for typ, service := range map[string]string{"table": "databaseService", "topic": "messagingService"} {
		services := []string{o.settings.Services[name.Namespace]}
		if services[0] == "" {
			var err error
			if services, err = o.services(ctx, r, service); err != nil {
				return nil, err
			}
		}
		for _, s := range services {
			if typ == "topic" { // its name may have dots
				keys = append(keys, store.Key{Type: typ, FQN: entity.BuildFQN(s, name.Name)})
				continue
			}
			keys = append(keys, store.Key{Type: typ, FQN: entity.BuildFQN(append([]string{s}, path...)...)})
		}
	}
	if len(parts) == 4 {
		keys = append(keys, store.Key{Type: "table", FQN: entity.BuildFQN(parts...)}) // a name of the catalog itself
	}
	return keys, nil
}

// services lists the names of the services of a type.
func (o *observation) services(ctx context.Context, r store.Reader, typ string) ([]string, error) {
	rows, err := r.List(ctx, store.ListQuery{Type: typ, Limit: maxServices})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	return names, nil
}
