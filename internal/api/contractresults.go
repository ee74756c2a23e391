package api

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/contract"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// contractResults are the results of the validations of a contract, by their ids.
func contractResults() timeseries.Series {
	return timeseries.Series{Kind: "dataContractResult", Keep: 2000}
}

// keepContractResult stores a result and shows it at the contract if it is the newest.
func (c *call) keepContractResult(tx store.Tx, row store.Row, doc []byte) error {
	result, err := contract.LatestOf(doc)
	if err != nil {
		return err
	}
	if err := contractResults().Put(c.ctx(), tx, row.ID, result.Timestamp, result.ID.String(), doc); err != nil {
		return err
	}
	return c.showContractResult(tx, row)
}

// showContractResult brings a contract in line with its newest result.
func (c *call) showContractResult(tx store.Tx, row store.Row) error {
	members := map[string]jsontext.Value{"latestResult": nil}
	rec, err := contractResults().Latest(c.ctx(), tx, row.ID)
	if err != nil && !missing(err) {
		return err
	}
	if err == nil {
		latest, err := contract.LatestOf(rec.Doc)
		if err != nil {
			return err
		}
		if members["latestResult"], err = encoded(latest); err != nil {
			return err
		}
	}
	return c.engine.Amend(c.ctx(), tx, c.by, row, members)
}

// changeContractResults changes the results of the contract that the path names, in
// one transaction.
func (c *call) changeContractResults(t *registry.Type, op policy.Operation, change func(tx store.Tx, row store.Row) error) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	return c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, engine.ByID(id), op)
		if err != nil {
			return err
		}
		return change(tx, row)
	})
}

// putContractResult stores a result that was found elsewhere. One with the id of a
// result of this contract takes its place.
func (c *call) putContractResult(t *registry.Type) error {
	body, err := c.validated("entity/datacontract/dataContractResult.json")
	if err != nil {
		return err
	}
	var result map[string]jsontext.Value
	if err := json.Unmarshal(body, &result); err != nil {
		return entity.BadRequest("the result cannot be read: %s", wordJSON(err))
	}
	latest, err := contract.LatestOf(body)
	if err != nil {
		return err
	}
	if latest.Timestamp <= 0 {
		return entity.BadRequest("[timestamp must be a time in milliseconds since 1970]")
	}
	if latest.ID == entity.NilID {
		latest.ID = entity.NewID()
	}
	var doc jsontext.Value
	err = c.changeContractResults(t, policy.EditAll, func(tx store.Tx, row store.Row) error {
		for name, v := range map[string]any{"id": latest.ID, "dataContractFQN": row.FQN} {
			if result[name], err = encoded(v); err != nil {
				return err
			}
		}
		if doc, err = encoded(result); err != nil {
			return err
		}
		return c.keepContractResult(tx, row, doc)
	})
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, doc)
}

// ofContract reads results of the contract that the path names.
func (c *call) ofContract(t *registry.Type, read func(r store.Reader, id entity.ID) error) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	return c.read(t, engine.ByID(id), policy.ViewBasic, func(r store.Reader, row store.Row) error { return read(r, row.ID) })
}

func (c *call) listContractResults(t *registry.Type) error {
	q, err := c.span(10)
	if err != nil {
		return err
	}
	var found timeseries.Page
	err = c.ofContract(t, func(r store.Reader, id entity.ID) error {
		found, err = contractResults().Page(c.ctx(), r, id, q)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, points(found))
}

func (c *call) latestContractResult(t *registry.Type) error {
	var rec store.Record
	err := c.ofContract(t, func(r store.Reader, id entity.ID) (err error) {
		rec, err = contractResults().Latest(c.ctx(), r, id)
		return err
	})
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, rec.Doc)
}

func (c *call) getContractResult(t *registry.Type) error {
	result, err := c.id("resultId")
	if err != nil {
		return err
	}
	var rec store.Record
	err = c.ofContract(t, func(r store.Reader, id entity.ID) (err error) {
		rec, err = r.Record(c.ctx(), contractResults().Kind, id.String(), result.String())
		return err
	})
	if missing(err) {
		return entity.NotFound("dataContractResult", result.String())
	}
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, rec.Doc)
}

// deleteContractResult removes the results of one moment.
func (c *call) deleteContractResult(t *registry.Type) error {
	at, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	n, err := c.dropContractResults(t, at, at)
	if err != nil {
		return err
	}
	if n == 0 {
		return entity.NotFound("dataContractResult", "of this time")
	}
	return c.gone()
}

// deleteContractResults removes the results before a moment.
func (c *call) deleteContractResults(t *registry.Type) error {
	before, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	if _, err := c.dropContractResults(t, 0, before-1); err != nil {
		return err
	}
	return c.gone()
}

// dropContractResults removes the results of a span, both ends included. No result is
// from before 1.
func (c *call) dropContractResults(t *registry.Type, from, to int64) (n int, err error) {
	err = c.changeContractResults(t, policy.Delete, func(tx store.Tx, row store.Row) error {
		if to < 1 {
			return nil
		}
		n, err = tx.DeleteRecords(c.ctx(), store.RecordQuery{Kind: contractResults().Kind, Owner: row.ID.String(), From: from, To: to})
		if err != nil || n == 0 {
			return err
		}
		return c.showContractResult(tx, row)
	})
	return n, err
}
