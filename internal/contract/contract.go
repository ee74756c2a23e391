// Package contract holds the rules about data contracts: whether an entity keeps to
// one, what it inherits from the contract of its data product, and how a contract is
// written in the Open Data Contract Standard.
//
// The package may import entity and jsonlogic.
package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonlogic"
)

// The outcomes of a validation.
const (
	Success        = "Success"
	Failed         = "Failed"
	PartialSuccess = "PartialSuccess"
)

// The states of a contract that matter here.
const (
	Approved = "Approved"
	Draft    = "Draft"
)

// Column is what the rules see of a column or field.
type Column struct {
	Name     string   `json:"name"`
	DataType string   `json:"dataType,omitzero"`
	Children []Column `json:"children,omitzero"`
}

// Rule is a rule about the metadata of an entity.
type Rule struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Rule        string   `json:"rule"`
	Enabled     bool     `json:"enabled"`
	EntityType  string   `json:"entityType,omitzero"`
	Ignored     []string `json:"ignoredEntities,omitzero"`
}

// concerns tells whether the rule is about entities of a type.
func (r Rule) concerns(typ string) bool {
	return r.Enabled && (r.EntityType == "" || r.EntityType == typ) && !slices.Contains(r.Ignored, typ)
}

// Terms are what a contract demands.
type Terms struct {
	Schema    []Column     `json:"schema,omitzero"`
	Semantics []Rule       `json:"semantics,omitzero"`
	Tests     []entity.Ref `json:"qualityExpectations,omitzero"`
	SLA       *Promises    `json:"sla,omitzero"`
}

// TermsOf reads what a contract demands.
func TermsOf(contract *entity.Entity) (Terms, error) {
	var terms Terms
	for name, to := range map[string]any{"schema": &terms.Schema, "semantics": &terms.Semantics, "qualityExpectations": &terms.Tests, "sla": &terms.SLA} {
		if raw := contract.Rest[name]; raw != nil {
			if err := json.Unmarshal(raw, to); err != nil {
				return terms, entity.Internal(err)
			}
		}
	}
	return terms, nil
}

// Facts are what a contract is compared with.
type Facts struct {
	Type    string
	Columns []Column
	// Entity is the whole entity as rules see it: maps, lists and plain values.
	Entity any
	// Results are the outcomes of the last runs of tests, by the id of the test;
	// tests that never ran are not there.
	Results map[entity.ID]string
	// Service is what is known of the promises about service.
	Service Observed
}

// Result is what a validation found. The members are those of the wire.
type Result struct {
	ID        entity.ID        `json:"id"`
	Contract  string           `json:"dataContractFQN"`
	Timestamp int64            `json:"timestamp"`
	Status    string           `json:"contractExecutionStatus"`
	Text      string           `json:"result,omitzero"`
	Schema    *SchemaResult    `json:"schemaValidation,omitzero"`
	Semantics *SemanticsResult `json:"semanticsValidation,omitzero"`
	Quality   *QualityResult   `json:"qualityValidation,omitzero"`
	SLA       *SLAResult       `json:"slaValidation,omitzero"`
	Took      int64            `json:"executionTime"` // milliseconds
}

// Latest is what a contract shows of its last result.
type Latest struct {
	Timestamp int64     `json:"timestamp"`
	Status    string    `json:"status"`
	Message   string    `json:"message,omitzero"`
	ID        entity.ID `json:"resultId"`
}

// LatestOf reads what a contract shows of a result. It is a KindBadRequest when the
// document is no result.
func LatestOf(doc []byte) (Latest, error) {
	var view struct {
		ID        entity.ID                 `json:"id"`
		Timestamp int64                     `json:"timestamp"`
		Status    string                    `json:"contractExecutionStatus"`
		Text      string                    `json:"result"`
		Rest      map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(doc, &view); err != nil {
		return Latest{}, entity.BadRequest("the result cannot be read")
	}
	return Latest{Timestamp: view.Timestamp, Status: view.Status, Message: view.Text, ID: view.ID}, nil
}

// Validate compares an entity with what its contract demands. The caller gives the
// result its id, name and times.
func Validate(terms Terms, facts Facts) Result {
	var r Result
	if len(terms.Schema) > 0 {
		schema := CheckSchema(terms.Schema, facts.Columns)
		r.Schema = &schema
	}
	if len(terms.Semantics) > 0 {
		semantics := checkSemantics(terms.Semantics, facts)
		r.Semantics = &semantics
	}
	unknown := 0
	if len(terms.Tests) > 0 {
		var quality QualityResult
		quality, unknown = checkQuality(terms.Tests, facts.Results)
		r.Quality = &quality
	}
	r.SLA = checkSLA(terms.SLA, facts.Service)
	r.conclude(unknown)
	return r
}

// conclude sets status and text from the parts of a result. unknown is how many tests
// have no outcome yet.
func (r *Result) conclude(unknown int) {
	var words []string
	say := func(failed, total int, what string) {
		if failed > 0 {
			words = append(words, fmt.Sprintf("%d of %d %s failed", failed, total, what))
		}
	}
	if r.Schema != nil {
		say(r.Schema.Failed, r.Schema.Total, "fields")
	}
	if r.Semantics != nil {
		say(r.Semantics.Failed, r.Semantics.Total, "semantics rules")
	}
	if r.Quality != nil {
		say(r.Quality.Failed, r.Quality.Total, "tests")
	}
	words = append(words, r.SLA.broken()...)
	r.Status = Success
	if len(words) > 0 {
		r.Status = Failed
	}
	if unknown > 0 {
		words = append(words, fmt.Sprintf("%d of %d tests have no result yet", unknown, r.Quality.Total))
		if r.Status == Success {
			r.Status = PartialSuccess
		}
	}
	r.Text = strings.Join(words, "; ")
}

// SemanticsResult tells how many rules an entity keeps.
type SemanticsResult struct {
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
	Total  int          `json:"total"`
	Rules  []FailedRule `json:"failedRules,omitzero"`
}

// FailedRule says why a rule is not kept.
type FailedRule struct {
	Name   string `json:"ruleName"`
	Reason string `json:"reason"`
}

// The work that rules may take: one alone, and all of a contract.
const (
	workOfRule = 300_000
	workOfAll  = 3_000_000
)

func checkSemantics(rules []Rule, facts Facts) SemanticsResult {
	var r SemanticsResult
	left := workOfAll
	for _, rule := range rules {
		if !rule.concerns(facts.Type) {
			continue
		}
		r.Total++
		budget := jsonlogic.NewBudget(min(left, workOfRule))
		reason := keeps(rule, facts.Entity, budget)
		left -= min(left, workOfRule) - budget.Left()
		if reason == "" {
			r.Passed++
			continue
		}
		r.Failed++
		r.Rules = append(r.Rules, FailedRule{Name: rule.Name, Reason: reason})
	}
	return r
}

// keeps evaluates a rule and says why it is not kept, "" when it is.
func keeps(rule Rule, facts any, budget *jsonlogic.Budget) string {
	parsed, err := jsonlogic.Parse(rule.Rule)
	if err != nil {
		return "The rule cannot be evaluated: " + err.Error()
	}
	value, err := parsed.Apply(facts, budget)
	switch kept, isBool := value.(bool); {
	case err != nil:
		return "The rule cannot be evaluated: " + err.Error()
	case kept:
		return ""
	case !isBool:
		return "The rule gives neither true nor false; put it into {\"!!\": [...]} if any value will do"
	case rule.Description != "":
		return rule.Description
	}
	return "The entity does not satisfy the rule"
}

// QualityResult counts the outcomes of tests.
type QualityResult struct {
	Passed int     `json:"passed"`
	Failed int     `json:"failed"`
	Total  int     `json:"total"`
	Score  float64 `json:"qualityScore"`
}

// checkQuality also counts the tests whose outcome is not known.
func checkQuality(tests []entity.Ref, results map[entity.ID]string) (r QualityResult, unknown int) {
	r.Total = len(tests)
	for _, test := range tests {
		switch results[test.ID] {
		case "Success":
			r.Passed++
		case "Failed", "Aborted":
			r.Failed++
		default:
			unknown++
		}
	}
	r.Score = 100 * float64(r.Passed) / float64(r.Total)
	return r, unknown
}
