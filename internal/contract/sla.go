package contract

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// SLAResult tells which promises about service are kept, as far as anybody knows.
type SLAResult struct {
	Refreshed *bool  `json:"refreshFrequencyMet,omitzero"`
	InTime    *bool  `json:"latencyMet,omitzero"`
	Latency   *int64 `json:"actualLatency,omitzero"` // milliseconds
}

// Promises are the promises about service that can be looked at.
type Promises struct {
	Refresh *span  `json:"refreshFrequency"`
	Latency *span  `json:"maxLatency"`
	Column  string `json:"columnName"` // says how new a row is

	Rest jsontext.Value `json:",embed"`
}

// Observed is what is known of the service. Times are in milliseconds since 1970, 0
// for unknown.
type Observed struct {
	Now       int64
	Refreshed int64 // when the data changed last
	Newest    int64 // the time of the newest row
	Looked    int64 // when the newest row was looked for
}

// unitTime is how long a unit is; months and years are the longest there are.
func unitTime(unit string) time.Duration {
	const day = 24 * time.Hour
	switch unit {
	case "minute":
		return time.Minute
	case "hour":
		return time.Hour
	case "week":
		return 7 * day
	case "month":
		return 31 * day
	case "year":
		return 366 * day
	}
	return day
}

// longestSpan bounds spans, so that no number makes a time that cannot be counted.
const longestSpan = 100 * 366 * 24 * time.Hour

// milliseconds is how long a span is.
func (s *span) milliseconds() int64 {
	unit := unitTime(s.Unit).Milliseconds()
	return min(max(s.number(), 0), longestSpan.Milliseconds()/unit) * unit
}

// checkSLA compares promises with what is known; nil when nothing is.
func checkSLA(p *Promises, seen Observed) *SLAResult {
	if p == nil {
		return nil
	}
	var r SLAResult
	if p.Refresh != nil && seen.Refreshed > 0 {
		met := seen.Now-seen.Refreshed <= p.Refresh.milliseconds()
		r.Refreshed = &met
	}
	if p.Latency != nil && seen.Newest > 0 && seen.Looked > 0 {
		late := max(seen.Looked-seen.Newest, 0)
		met := late <= p.Latency.milliseconds()
		r.InTime, r.Latency = &met, &late
	}
	if r.Refreshed == nil && r.InTime == nil {
		return nil
	}
	return &r
}

// broken says which promises are not kept.
func (r *SLAResult) broken() []string {
	var words []string
	if r != nil && r.Refreshed != nil && !*r.Refreshed {
		words = append(words, "the data is not refreshed as often as promised")
	}
	if r != nil && r.InTime != nil && !*r.InTime {
		words = append(words, fmt.Sprintf("the data is later than promised: %s", time.Duration(*r.Latency)*time.Millisecond))
	}
	return words
}

// TimeOf reads a value of a profile as a time, in milliseconds since 1970; 0 when it is
// none. Sources write times as texts or as numbers of seconds or milliseconds.
func TimeOf(raw jsontext.Value) int64 {
	const seconds, milliseconds = 1e9, 1e12 // what is less is no time of these days
	var n float64
	if json.Unmarshal(raw, &n) == nil {
		switch {
		case n >= milliseconds && n < 1e15:
			return int64(n)
		case n >= seconds && n < milliseconds/10:
			return int64(n * 1000)
		}
		return 0
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return 0
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(form, strings.TrimSpace(text)); err == nil && t.UnixMilli() > 0 {
			return t.UnixMilli()
		}
	}
	return 0
}

// Renew brings a stored result in line with the outcomes that tests have now. What else
// it says stays. ok is false for a result that says nothing of tests, and has none to.
func Renew(doc []byte, tests []entity.Ref, outcomes map[entity.ID]string) (renewed jsontext.Value, ok bool, err error) {
	var members map[string]jsontext.Value
	var parts Result
	var view struct {
		Schema    *SchemaResult             `json:"schemaValidation"`
		Semantics *SemanticsResult          `json:"semanticsValidation"`
		SLA       *SLAResult                `json:"slaValidation"`
		Rest      map[string]jsontext.Value `json:",embed"`
	}
	if json.Unmarshal(doc, &members) != nil || json.Unmarshal(doc, &view) != nil {
		return nil, false, nil // reported by others, in a form of their own
	}
	if len(tests) == 0 {
		return nil, false, nil
	}
	parts.Schema, parts.Semantics, parts.SLA = view.Schema, view.Semantics, view.SLA
	quality, unknown := checkQuality(tests, outcomes)
	parts.Quality = &quality
	parts.conclude(unknown)
	for name, value := range map[string]any{"qualityValidation": quality, "contractExecutionStatus": parts.Status, "result": parts.Text} {
		if members[name], err = encode(value); err != nil {
			return nil, false, err
		}
	}
	if parts.Text == "" {
		delete(members, "result")
	}
	renewed, err = encode(members)
	return renewed, err == nil, err
}
