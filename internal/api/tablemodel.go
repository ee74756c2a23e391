package api

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/profile"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// edited changes a document by a function and answers with the entity.
func (c *call) edited(t *registry.Type, op policy.Operation, edit func(ent *entity.Entity) error) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	result, err := c.engine.Edit(c.ctx(), c.by, t, sel, []policy.Operation{op}, engine.View{Base: c.base()}, func(_ store.Tx, ent *entity.Entity) error {
		if ent.Rest == nil {
			ent.Rest = map[string]jsontext.Value{}
		}
		return edit(ent)
	})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

func (c *call) putDataModel(t *registry.Type) error {
	model, err := c.validated("entity/data/table.json#/$defs/dataModel")
	if err != nil {
		return err
	}
	return c.edited(t, policy.EditAll, func(ent *entity.Entity) error { return profile.ApplyModel(ent, model) })
}

func (c *call) putCustomMetric(t *registry.Type) error {
	doc, err := c.validated("api/tests/createCustomMetric.json")
	if err != nil {
		return err
	}
	var metric profile.Metric
	if err := json.Unmarshal(doc, &metric); err != nil {
		return entity.BadRequest("the custom metric cannot be read")
	}
	metric.UpdatedAt, metric.UpdatedBy = millis(), c.by.Name
	return c.edited(t, policy.EditDataProfile, func(ent *entity.Entity) error { return profile.PutMetric(ent, metric) })
}

func (c *call) deleteCustomMetric(t *registry.Type) error {
	name, err := c.param("customMetricName")
	if err != nil {
		return err
	}
	column, err := c.param("columnName")
	if err != nil {
		return err
	}
	return c.edited(t, policy.EditDataProfile, func(ent *entity.Entity) error { return profile.RemoveMetric(ent, column, name) })
}

// observabilityField is where a table shows the pipelines that fill it.
const observabilityField = "pipelineObservability"

// maxObserved bounds the pipelines of one table.
const maxObserved = 100

// observed is what is known of a pipeline that fills a table.
type observed struct {
	Pipeline entity.Ref                `json:"pipeline"`
	Rest     map[string]jsontext.Value `json:",embed"`
}

func (c *call) getObservability(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	list := []observed{}
	err = c.read(t, sel, policy.ViewAll, func(r store.Reader, row store.Row) error {
		list, err = c.observedOf(r, row)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, list)
}

func (c *call) observedOf(r store.Reader, row store.Row) ([]observed, error) {
	list := []observed{}
	rec, err := r.Record(c.ctx(), engine.RecordKind("table", observabilityField), row.ID.String(), "")
	if missing(err) {
		return list, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Doc, &list)
	}
	return list, err
}

// putObservability replaces what is known of all pipelines of a table.
func (c *call) putObservability(t *registry.Type) error {
	items, err := c.validatedList("type/pipelineObservability.json", maxObserved)
	if err != nil {
		return err
	}
	return c.observe(t, func([]observed) ([]observed, error) {
		list := make([]observed, len(items))
		for i, item := range items {
			if err := json.Unmarshal(item, &list[i]); err != nil {
				return nil, entity.BadRequest("pipeline %d cannot be read", i)
			}
		}
		return list, nil
	})
}

// putOneObservability replaces what is known of one pipeline.
func (c *call) putOneObservability(t *registry.Type) error {
	name, err := c.param("pipelineFqn")
	if err != nil {
		return err
	}
	doc, err := c.validated("type/pipelineObservability.json")
	if err != nil {
		return err
	}
	var one observed
	if err := json.Unmarshal(doc, &one); err != nil {
		return entity.BadRequest("the pipeline cannot be read")
	}
	if one.Pipeline.ID == entity.NilID {
		one.Pipeline.FullyQualifiedName = name
	}
	return c.observe(t, func(list []observed) ([]observed, error) {
		list = slices.DeleteFunc(list, func(o observed) bool { return o.names(name) })
		return append(list, one), nil
	})
}

func (o observed) names(fqn string) bool {
	return entity.CanonicalFQN(o.Pipeline.FullyQualifiedName) == entity.CanonicalFQN(fqn)
}

func (c *call) deleteObservability(t *registry.Type) error {
	name, err := c.param("pipelineFqn")
	if err != nil {
		return err
	}
	return c.observe(t, func(list []observed) ([]observed, error) {
		if name == "" {
			return nil, nil
		}
		left := slices.DeleteFunc(slices.Clone(list), func(o observed) bool { return o.names(name) })
		if len(left) == len(list) {
			return nil, entity.NotFound("pipelineObservability", name)
		}
		return left, nil
	})
}

// observe changes the list and answers with the table.
func (c *call) observe(t *registry.Type, change func([]observed) ([]observed, error)) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	pipeline, err := c.entityType("pipeline")
	if err != nil {
		return err
	}
	err = c.beside(t, sel, observabilityField, policy.EditAll, func(tx store.Tx, row store.Row) error {
		list, err := c.observedOf(tx, row)
		if err != nil {
			return err
		}
		if list, err = change(list); err != nil {
			return err
		}
		if len(list) > maxObserved {
			return entity.BadRequest("a table has at most %d pipelines", maxObserved)
		}
		for i := range list {
			of := engine.ByFQN(list[i].Pipeline.FullyQualifiedName)
			if list[i].Pipeline.ID != entity.NilID {
				of = engine.ByID(list[i].Pipeline.ID)
			}
			found, err := c.engine.Row(c.ctx(), tx, pipeline, of)
			if err != nil {
				return err
			}
			list[i].Pipeline = entity.Ref{ID: found.ID, Type: found.Type, Name: found.Name, FullyQualifiedName: found.FQN}
		}
		kind := engine.RecordKind("table", observabilityField)
		if len(list) == 0 {
			_, err := tx.DeleteRecord(c.ctx(), kind, row.ID.String(), "")
			return err
		}
		doc, err := encoded(list)
		if err != nil {
			return err
		}
		return tx.PutRecord(c.ctx(), store.Record{Kind: kind, Owner: row.ID.String(), At: millis(), Doc: doc})
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, observabilityField)
}
