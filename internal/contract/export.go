package contract

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// field is a column of a contract in full.
type field struct {
	Name        string                    `json:"name"`
	DataType    string                    `json:"dataType"`
	DataLength  int64                     `json:"dataLength,omitzero"`
	Description string                    `json:"description,omitzero"`
	Constraint  string                    `json:"constraint,omitzero"`
	Tags        []entity.TagLabel         `json:"tags,omitzero"`
	Children    []field                   `json:"children,omitzero"`
	Rest        map[string]jsontext.Value `json:",embed"`
}

// The parts of a contract that exports and imports read and write.
type (
	security struct {
		Classification string         `json:"dataClassification,omitzero"`
		Policies       []policy       `json:"policies,omitzero"`
		Rest           jsontext.Value `json:",embed"`
	}
	policy struct {
		Access     string         `json:"accessPolicy,omitzero"`
		Identities []string       `json:"identities,omitzero"`
		Rest       jsontext.Value `json:",embed"`
	}
	sla struct {
		Refresh      *span          `json:"refreshFrequency,omitzero"`
		Latency      *span          `json:"maxLatency,omitzero"`
		Retention    *span          `json:"retention,omitzero"`
		Availability string         `json:"availabilityTime,omitzero"`
		Timezone     string         `json:"timezone,omitzero"`
		Rest         jsontext.Value `json:",embed"`
	}
	// span is a time in a unit. The member for the number has another name in each.
	span struct {
		Interval *int64 `json:"interval,omitzero"`
		Value    *int64 `json:"value,omitzero"`
		Period   *int64 `json:"period,omitzero"`
		Unit     string `json:"unit"`
	}
)

func (s *span) number() int64 {
	for _, n := range []*int64{s.Interval, s.Value, s.Period} {
		if n != nil {
			return *n
		}
	}
	return 0
}

// classificationRole marks a role that stands for how confidential the data is: the
// standard has no other place for it.
const classificationRole = "classification-"

// Export writes a contract in the standard. about is what it is about.
func Export(c *entity.Entity, about entity.Ref) (*Document, error) {
	var parts struct {
		status    string
		schema    []field
		security  *security
		sla       *sla
		terms     jsontext.Value
		rules     []QualityRule
		createdAt int64
	}
	for name, to := range map[string]any{
		"entityStatus": &parts.status, "schema": &parts.schema, "security": &parts.security, "sla": &parts.sla,
		"termsOfUse": &parts.terms, "odcsQualityRules": &parts.rules, "createdAt": &parts.createdAt,
	} {
		if err := read(c.Rest[name], to); err != nil {
			return nil, err
		}
	}
	version, err := json.Marshal(c.Version)
	if err != nil {
		return nil, entity.Internal(err)
	}
	d := &Document{
		APIVersion: APIVersion, Kind: "DataContract", ID: c.ID.String(), Name: c.Name, Version: strings.Trim(string(version), `"`),
		Status: or(toStatus[parts.status], "draft"), DataProduct: about.FullyQualifiedName,
	}
	if c.Description != "" {
		d.Description = &Description{Purpose: c.Description}
	}
	if len(parts.schema) > 0 {
		d.Schema = []Element{{
			Name: or(about.Name, c.Name), PhysicalName: about.Name, LogicalType: "object", PhysicalType: about.Type,
			Description: about.Description, Properties: elements(parts.schema, 0),
		}}
	}
	for _, owner := range c.Owners {
		d.Team = append(d.Team, Member{Username: owner.Name, Name: or(owner.DisplayName, owner.Name), Role: ownerRole})
	}
	if parts.terms != nil {
		d.Tags = []string{"terms-of-use"}
	}
	d.Roles, d.SLA = rolesOf(parts.security), promises(parts.sla)
	if parts.createdAt > 0 {
		d.Created = time.UnixMilli(parts.createdAt).UTC().Format(time.RFC3339)
	}
	d.place(parts.rules)
	return d, nil
}

func elements(fields []field, depth int) []Element {
	if depth > maxDepth {
		return nil
	}
	out := make([]Element, len(fields))
	for i, f := range fields {
		out[i] = Element{
			Name: f.Name, PhysicalName: f.Name, Description: f.Description, PhysicalType: f.DataType, LogicalType: or(logicalTypes[f.DataType], "string"),
			PrimaryKey: f.Constraint == "PRIMARY_KEY", Unique: f.Constraint == "UNIQUE", Required: f.Constraint == "NOT_NULL",
		}
		if f.DataLength > 0 {
			out[i].Options = &TypeOptions{MaxLength: f.DataLength}
		}
		for _, tag := range f.Tags {
			out[i].Tags = append(out[i].Tags, tag.TagFQN)
		}
		out[i].Classification = classification(out[i].Tags)
		if len(f.Children) > 0 {
			out[i].Properties = elements(f.Children, depth+1)
		}
	}
	return out
}

// classification is the word of the standard for the first tag that says one.
func classification(tags []string) string {
	for _, tag := range tags {
		for _, word := range []string{"PII", "sensitive", "confidential", "restricted"} {
			if strings.Contains(strings.ToLower(tag), strings.ToLower(word)) {
				return word
			}
		}
	}
	return ""
}

func rolesOf(s *security) []Role {
	if s == nil {
		return nil
	}
	var roles []Role
	for _, p := range s.Policies {
		roles = append(roles, Role{Role: or(p.Access, "data-consumer"), Access: "read", Approvers: p.Identities})
	}
	if s.Classification != "" {
		roles = append(roles, Role{Role: classificationRole + s.Classification, Description: fmt.Sprintf("The data is classified as %s.", s.Classification)})
	}
	return roles
}

func promises(s *sla) []SLAProperty {
	if s == nil {
		return nil
	}
	var out []SLAProperty
	for _, p := range []struct {
		name string
		span *span
	}{{"freshness", s.Refresh}, {"latency", s.Latency}, {"retention", s.Retention}} {
		if p.span != nil {
			out = append(out, SLAProperty{Property: p.name, Value: strconv.FormatInt(p.span.number(), 10), Unit: p.span.Unit})
		}
	}
	if s.Availability != "" {
		out = append(out, SLAProperty{Property: "availabilityTime", Value: s.Availability, ValueExt: s.Timezone})
	}
	return out
}
