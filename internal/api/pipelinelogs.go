package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// Limits of the logs that runs ship. Of a longer log the end stays, which tells
// how the run went.
const (
	maxLogBody = 4 << 20  // one batch, as sent
	maxLogPart = 8 << 20  // one batch, unpacked
	maxLogRun  = 10 << 20 // one run
	maxLogRuns = 10       // of one pipeline
	maxLogPage = 10_000   // lines of one answer
	maxLogs    = 20_000   // runs with a log, of all pipelines
)

// Kinds of the records of a log, owned by the pipeline: what is known of a run,
// by its id, and under a kind per run the batches in the order they came.
const (
	logKind     = "pipelineLog"
	logPartBase = "pipelineLogPart:"
)

// logRun is what is known of the log of one run.
type logRun struct {
	Parts   int   `json:"parts"` // ever received
	First   int   `json:"first"` // number of the oldest one kept
	Bytes   int   `json:"bytes"` // of those kept
	Closed  bool  `json:"closed"`
	Updated int64 `json:"updated"`
}

// logBatch is what the client ships.
type logBatch struct {
	Logs       string `json:"logs"`
	Timestamp  int64  `json:"timestamp"`
	Connector  string `json:"connectorId"`
	Compressed bool   `json:"compressed"`
	LineCount  int    `json:"lineCount"`
}

// text returns the lines of a batch.
func (b logBatch) text() (string, error) {
	if !b.Compressed {
		return b.Logs, nil
	}
	raw, err := base64.StdEncoding.DecodeString(b.Logs)
	if err != nil {
		return "", entity.BadRequest("compressed logs must be gzip in base64")
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", entity.BadRequest("compressed logs must be gzip in base64")
	}
	out, err := io.ReadAll(io.LimitReader(unpacked, maxLogPart+1))
	if err != nil {
		return "", entity.BadRequest("compressed logs must be gzip in base64")
	}
	if len(out) > maxLogPart {
		return "", entity.Errorf(entity.KindTooLarge, "the logs are larger than %d bytes when unpacked", maxLogPart)
	}
	return string(out), nil
}

// runParam is the run that the path names.
func (c *call) runParam() (string, error) {
	id, err := c.param("runId")
	if err == nil && len(id) > entity.MaxName {
		err = entity.BadRequest("the run id is longer than %d characters", entity.MaxName)
	}
	return id, err
}

func (c *call) readLogRun(r store.Reader, pipeline entity.ID, id string) (logRun, bool, error) {
	var l logRun
	rec, err := r.Record(c.ctx(), logKind, pipeline.String(), id)
	if missing(err) {
		return l, false, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Doc, &l)
	}
	return l, true, err
}

// logOwner is whom the logs of a pipeline belong to. It follows from the name: a
// client ships the first lines of a run before it has made the pipeline.
func logOwner(fqn string) entity.ID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("catalpa/pipelineLog/"+fqn))
}

// writableLog returns the owner of the log that the path names, if the caller may
// write it. While there is no such pipeline, the right on all of them decides.
func (c *call) writableLog(t *registry.Type) (owner entity.ID, err error) {
	sel, err := c.selector()
	if err != nil {
		return owner, err
	}
	fqn := entity.CanonicalFQN(sel.FQN)
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, sel, policy.EditIngestionPipelineStatus)
		if err == nil {
			fqn = row.FQN
		}
		return err
	})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		err = c.authorize(t.Name, policy.EditIngestionPipelineStatus)
	}
	return logOwner(fqn), err
}

// onLog changes the log of the run that the path names.
func (c *call) onLog(t *registry.Type, change func(tx store.Tx, owner entity.ID, id string, l *logRun) error) error {
	owner, err := c.writableLog(t)
	if err != nil {
		return err
	}
	id, err := c.runParam()
	if err != nil {
		return err
	}
	return c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		l, known, err := c.readLogRun(tx, owner, id)
		if err != nil {
			return err
		}
		if !known {
			if err := c.roomForLog(tx); err != nil {
				return err
			}
		}
		if err := change(tx, owner, id, &l); err != nil {
			return err
		}
		l.Updated = millis()
		doc, err := encoded(l)
		if err != nil {
			return err
		}
		if err := tx.PutRecord(c.ctx(), store.Record{Kind: logKind, Owner: owner.String(), Key: id, At: l.Updated, Doc: doc}); err != nil {
			return err
		}
		if known {
			return nil
		}
		return c.dropOldLogs(tx, owner)
	})
}

// appendLog adds a batch to the log of a run. A batch without lines only
// announces the run.
func (c *call) appendLog(t *registry.Type) error {
	var batch logBatch
	if err := c.decode(&batch); err != nil {
		return err
	}
	lines, err := batch.text()
	if err != nil {
		return err
	}
	err = c.onLog(t, func(tx store.Tx, owner entity.ID, id string, l *logRun) error {
		if lines == "" {
			return nil
		}
		doc, err := encoded(lines)
		if err != nil {
			return entity.BadRequest("the logs are not valid UTF-8")
		}
		rec := store.Record{Kind: logPartBase + id, Owner: owner.String(), Key: timeseries.Key(int64(l.Parts)), At: millis(), Doc: doc}
		if err := tx.PutRecord(c.ctx(), rec); err != nil {
			return err
		}
		l.Parts++
		l.Bytes += len(doc)
		return c.shortenLog(tx, owner, id, l)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// shortenLog removes the oldest batches of a log that got too long.
func (c *call) shortenLog(tx store.Tx, pipeline entity.ID, id string, l *logRun) error {
	for l.Bytes > maxLogRun && l.First < l.Parts-1 {
		key := timeseries.Key(int64(l.First))
		rec, err := tx.Record(c.ctx(), logPartBase+id, pipeline.String(), key)
		if err != nil {
			return err
		}
		if _, err := tx.DeleteRecord(c.ctx(), rec.Kind, rec.Owner, key); err != nil {
			return err
		}
		l.First++
		l.Bytes -= len(rec.Doc)
	}
	return nil
}

// roomForLog bounds how many runs have logs, whatever their pipelines.
func (c *call) roomForLog(tx store.Tx) error {
	n, err := tx.CountRecords(c.ctx(), store.RecordQuery{Kind: logKind, Any: true})
	if err == nil && n >= maxLogs {
		err = entity.Errorf(entity.KindUnavailable, "the server keeps logs of %d runs and has no room for more", maxLogs)
	}
	return err
}

// dropOldLogs keeps the logs of the newest runs only.
func (c *call) dropOldLogs(tx store.Tx, pipeline entity.ID) error {
	owner := pipeline.String()
	old, err := tx.Records(c.ctx(), store.RecordQuery{Kind: logKind, Owner: owner, Order: store.NewestFirst, Offset: maxLogRuns})
	if err != nil {
		return err
	}
	for _, rec := range old {
		if _, err := tx.DeleteRecords(c.ctx(), store.RecordQuery{Kind: logPartBase + rec.Key, Owner: owner}); err != nil {
			return err
		}
		if _, err := tx.DeleteRecord(c.ctx(), logKind, owner, rec.Key); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) closeLog(t *registry.Type) error {
	err := c.onLog(t, func(_ store.Tx, _ entity.ID, _ string, l *logRun) error {
		l.Closed = true
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// listLogs answers the runs whose logs are there, newest first.
func (c *call) listLogs(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", maxLogRuns, 1, maxLogRuns)
	if err != nil {
		return err
	}
	runs := []string{}
	var name string
	err = c.read(t, sel, policy.ViewAll, func(r store.Reader, row store.Row) error {
		name = row.FQN
		found, err := r.Records(c.ctx(), store.RecordQuery{Kind: logKind, Owner: logOwner(row.FQN).String(), Order: store.NewestFirst, Limit: limit})
		for _, rec := range found {
			runs = append(runs, rec.Key)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{"pipelineFQN": name, "runs": runs})
}

// logText returns the log of a run; the newest run's when id is "".
func (c *call) logText(t *registry.Type, id string) (row store.Row, text string, err error) {
	sel, err := c.selector()
	if err != nil {
		return row, "", err
	}
	err = c.read(t, sel, policy.ViewAll, func(r store.Reader, found store.Row) error {
		row = found
		if id == "" {
			latest, err := timeseries.Series{Kind: logKind}.Latest(c.ctx(), r, logOwner(row.FQN))
			if missing(err) {
				return entity.NotFound("log", row.FQN)
			}
			if err != nil {
				return err
			}
			id = latest.Key
		}
		l, known, err := c.readLogRun(r, logOwner(row.FQN), id)
		if err != nil {
			return err
		}
		if !known {
			return entity.NotFound("log", id)
		}
		text, err = c.joinLog(r, logOwner(row.FQN), id, l)
		return err
	})
	return row, text, err
}

func (c *call) joinLog(r store.Reader, pipeline entity.ID, id string, l logRun) (string, error) {
	var b strings.Builder
	if l.First > 0 {
		fmt.Fprintf(&b, "(the first %d batches of this log were dropped: it is longer than %d bytes)\n", l.First, maxLogRun)
	}
	q := store.RecordQuery{Kind: logPartBase + id, Owner: pipeline.String(), Limit: 1000}
	for {
		parts, err := r.Records(c.ctx(), q)
		if err != nil {
			return "", err
		}
		for _, rec := range parts {
			var lines string
			if err := json.Unmarshal(rec.Doc, &lines); err != nil {
				return "", entity.Internal(err)
			}
			b.WriteString(lines)
			if !strings.HasSuffix(lines, "\n") {
				b.WriteByte('\n')
			}
			q.After = rec.Key
		}
		if len(parts) < q.Limit {
			return b.String(), nil
		}
	}
}

// logPage cuts the lines that after (or offset) and limit ask for; next is "" at
// the end.
func (c *call) logPage(text string, limit int) (lines, next string, total int, err error) {
	cursor := c.query.Get("after")
	if cursor == "" {
		cursor = c.query.Get("offset")
	}
	offset, err := timeseries.Offset(cursor)
	if err != nil {
		return "", "", 0, err
	}
	if limit, err = c.number("limit", limit, 1, maxLogPage); err != nil {
		return "", "", 0, err
	}
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	from := min(offset, len(all))
	to := min(from+limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return strings.Join(all[from:to], ""), next, len(all), nil
}

func (c *call) getLog(t *registry.Type) error {
	id, err := c.runParam()
	if err != nil {
		return err
	}
	_, text, err := c.logText(t, id)
	if err != nil {
		return err
	}
	lines, next, total, err := c.logPage(text, 1000)
	if err != nil {
		return err
	}
	out := map[string]any{"logs": lines, "total": total, "runId": id}
	if next != "" {
		out["after"] = next
	}
	return c.json(http.StatusOK, out)
}

// logTasks are the names under which log viewers look for the log, by the type
// of the pipeline.
var logTasks = map[string]string{
	"metadata": "ingestion_task", "application": "application_task", "profiler": "profiler_task", "autoClassification": "auto_classification_task",
	"lineage": "lineage_task", "dbt": "dbt_task", "usage": "usage_task", "TestSuite": "test_suite_task", "dataInsight": "data_insight_task",
	"elasticSearchReindex": "elasticsearch_reindex_task",
}

// lastLog answers a page of the log of the newest run.
func (c *call) lastLog(t *registry.Type) error {
	row, text, err := c.logText(t, "")
	if err != nil {
		return err
	}
	var pipeline struct {
		Type string `json:"pipelineType"`
	}
	if err := json.Unmarshal(row.Doc, &pipeline); err != nil {
		return entity.Internal(err)
	}
	task := logTasks[pipeline.Type]
	if task == "" {
		task = "ingestion_task"
	}
	lines, next, total, err := c.logPage(text, maxLogPage)
	if err != nil {
		return err
	}
	out := map[string]string{task: lines, "total": strconv.Itoa(total)}
	if next != "" {
		out["after"] = next
	}
	return c.json(http.StatusOK, out)
}

// downloadLog answers the whole log of the newest run as a file.
func (c *call) downloadLog(t *registry.Type) error {
	row, text, err := c.logText(t, "")
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "ingestion_logs_" + row.Name + ".txt"}))
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(c.w, text) // the client may have gone; nothing is left to answer
	return nil
}
