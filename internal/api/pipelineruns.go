package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// timedExecution is what the trends see of a run.
type timedExecution struct {
	Status    string `json:"executionStatus"`
	Timestamp int64  `json:"timestamp"`
	End       int64  `json:"endTime"`
	Tasks     []struct {
		Start int64 `json:"startTime"`
		End   int64 `json:"endTime"`
	} `json:"taskStatus"`
}

// took is how long a run was, in milliseconds: to its end, or from the first to the
// last moment of its tasks; 0 if nobody knows.
func (e timedExecution) took() int64 {
	if e.End > e.Timestamp {
		return e.End - e.Timestamp
	}
	var first, last int64
	for _, task := range e.Tasks {
		if task.Start > 0 && (first == 0 || task.Start < first) {
			first = task.Start
		}
		last = max(last, task.End)
	}
	if first == 0 || last < first {
		return 0
	}
	return last - first
}

// day is the runs of one day, in UTC.
type day struct {
	runs map[string]int // by status
	took []int64
	by   map[string]bool // pipelines whose runs have a length
}

// maxPeriod is the longest that a trend is about.
const maxPeriod = 366 * 24 * time.Hour

// days gathers the runs of a period by the days that they began on.
func (c *call) days() (days map[int64]*day, from, to int64, err error) {
	if from, to, err = c.period(); err != nil {
		return nil, 0, 0, err
	}
	if from == 0 || to == 0 {
		return nil, 0, 0, entity.BadRequest("query params startTs and endTs are required")
	}
	if time.Duration(to-from)*time.Millisecond > maxPeriod {
		return nil, 0, 0, entity.BadRequest("a trend is about a year at most")
	}
	pipelines, err := c.pipelines("")
	if err != nil {
		return nil, 0, 0, err
	}
	wanted := make(map[string]bool, len(pipelines))
	for _, p := range pipelines {
		wanted[p.ID.String()] = true
	}
	status := c.query.Get("status")
	days = map[int64]*day{}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		clear(days)
		q := store.RecordQuery{Kind: executions().Kind, Any: true, From: from, To: to}
		if len(pipelines) == 1 {
			q.Owner, q.Any = pipelines[0].ID.String(), false
		}
		return c.scanSeen(r, q, policy.ViewBasic, func(rec store.Record) bool {
			var e timedExecution
			if !wanted[rec.Owner] || json.Unmarshal(rec.Doc, &e) != nil || status != "" && e.Status != status {
				return true
			}
			at := time.UnixMilli(rec.At).UTC().Truncate(24 * time.Hour).UnixMilli()
			d := days[at]
			if d == nil {
				d = &day{runs: map[string]int{}, by: map[string]bool{}}
				days[at] = d
			}
			d.runs[e.Status]++
			if took := e.took(); took > 0 {
				d.took, d.by[rec.Owner] = append(d.took, took), true
			}
			return true
		})
	})
	return days, from, to, err
}

func dateOf(at int64) string { return time.UnixMilli(at).UTC().Format(time.DateOnly) }

// executions of one day.
type executionDay struct {
	Timestamp int64  `json:"timestamp"`
	Date      string `json:"date"`
	Good      int    `json:"successCount"`
	Failed    int    `json:"failedCount"`
	Pending   int    `json:"pendingCount"`
	Skipped   int    `json:"skippedCount"`
	Running   int    `json:"runningCount"`
	Total     int    `json:"totalCount"`
}

// trend answers a page of days, and more about all of them.
func trend[T any](c *call, days []T, from, to int64, more map[string]any) error {
	out, err := cutPage(c, days)
	if err != nil {
		return err
	}
	more["data"], more["paging"] = out.Data, out.Paging
	more["startDate"], more["endDate"], more["dataAvailable"] = dateOf(from), dateOf(to), len(days) > 0
	return c.json(http.StatusOK, more)
}

// executionTrend answers how many runs went how, by day.
func (c *call) executionTrend(*registry.Type) error {
	days, from, to, err := c.days()
	if err != nil {
		return err
	}
	out := []executionDay{}
	good, failed, total := 0, 0, 0
	for at, d := range days {
		e := executionDay{
			Timestamp: at, Date: dateOf(at), Good: d.runs["Successful"], Failed: d.runs["Failed"], Pending: d.runs["Pending"],
			Skipped: d.runs["Skipped"], Running: d.runs["Running"],
		}
		for _, n := range d.runs {
			e.Total += n
		}
		good, failed, total = good+e.Good, failed+e.Failed, total+e.Total
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b executionDay) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return trend(c, out, from, to, map[string]any{"totalSuccessful": good, "totalFailed": failed, "totalExecutions": total})
}

// runtimeDay is how long the runs of one day were, in milliseconds.
type runtimeDay struct {
	Timestamp int64   `json:"timestamp"`
	Date      string  `json:"date"`
	Longest   float64 `json:"maxRuntime"`
	Shortest  float64 `json:"minRuntime"`
	Average   float64 `json:"avgRuntime"`
	Pipelines int     `json:"totalPipelines"`
}

// runtimeTrend answers how long runs were, by day.
func (c *call) runtimeTrend(*registry.Type) error {
	days, from, to, err := c.days()
	if err != nil {
		return err
	}
	out := []runtimeDay{}
	for at, d := range days {
		if len(d.took) == 0 {
			continue
		}
		sum := int64(0)
		for _, took := range d.took {
			sum += took
		}
		out = append(out, runtimeDay{
			Timestamp: at, Date: dateOf(at), Longest: float64(slices.Max(d.took)), Shortest: float64(slices.Min(d.took)),
			Average: float64(sum) / float64(len(d.took)), Pipelines: len(d.by),
		})
	}
	slices.SortFunc(out, func(a, b runtimeDay) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return trend(c, out, from, to, map[string]any{})
}
