package profile

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Metric is a number that somebody defined by an SQL expression.
type Metric struct {
	ID          entity.ID                 `json:"id"`
	Name        string                    `json:"name"`
	ColumnName  string                    `json:"columnName,omitzero"`
	Description string                    `json:"description,omitzero"`
	Expression  string                    `json:"expression"`
	Owners      []entity.Ref              `json:"owners,omitzero"`
	UpdatedAt   int64                     `json:"updatedAt,omitzero"`
	UpdatedBy   string                    `json:"updatedBy,omitzero"`
	Rest        map[string]jsontext.Value `json:",embed"`
}

// maxMetrics bounds the metrics of one table or column.
const maxMetrics = 200

// PutMetric adds a metric to the table, or to the column it names, or replaces
// the one with its name there.
func PutMetric(table *entity.Entity, m Metric) error {
	return onMetrics(table, m.ColumnName, func(metrics []Metric) ([]Metric, error) {
		at := slices.IndexFunc(metrics, func(old Metric) bool { return old.Name == m.Name })
		if at >= 0 {
			m.ID = metrics[at].ID
			metrics[at] = m
			return metrics, nil
		}
		if len(metrics) >= maxMetrics {
			return nil, entity.BadRequest("there are %d custom metrics already; delete one first", maxMetrics)
		}
		m.ID = entity.NewID()
		return append(metrics, m), nil
	})
}

// RemoveMetric takes a metric away. The error is a KindNotFound when there is
// none with the name.
func RemoveMetric(table *entity.Entity, column, name string) error {
	return onMetrics(table, column, func(metrics []Metric) ([]Metric, error) {
		at := slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })
		if at < 0 {
			return nil, entity.NotFound("customMetric", name)
		}
		return slices.Delete(metrics, at, at+1), nil
	})
}

func onMetrics(table *entity.Entity, column string, edit func([]Metric) ([]Metric, error)) error {
	if column == "" {
		var metrics []Metric
		if raw := table.Rest["customMetrics"]; raw != nil {
			if err := json.Unmarshal(raw, &metrics); err != nil {
				return entity.Internal(err)
			}
		}
		metrics, err := edit(metrics)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(metrics, json.Deterministic(true))
		if err != nil {
			return entity.Internal(err)
		}
		table.Rest["customMetrics"] = raw
		return nil
	}
	columns, err := Columns(table)
	if err != nil {
		return err
	}
	at := Find(columns, []string{column})
	if at == nil {
		return entity.NotFound("column", column)
	}
	if at.CustomMetrics, err = edit(at.CustomMetrics); err != nil {
		return err
	}
	return SetColumns(table, columns)
}
