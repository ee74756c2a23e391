package contract

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// textual are members whose values are texts although documents often hold numbers
// there, as in version: 1.0.
var textual = map[string]bool{
	"version": true, "id": true, "value": true, "valueExt": true, "name": true, "examples": true, "validValues": true, "tags": true, "apiVersion": true,
}

// ReadDocument reads a document that Normalize has been over and that fits its schema.
func ReadDocument(doc []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, entity.BadRequest("the contract cannot be read as a document of the Open Data Contract Standard")
	}
	return &d, nil
}

// Normalize brings what documents may write in several ways into one: numbers where
// texts belong, one text where a list of texts belongs, and members of a team in an
// object of the team.
func Normalize(doc []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return nil, entity.BadRequest("the document is not valid JSON")
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, entity.BadRequest("a contract is an object with apiVersion, kind, id, version and status")
	}
	if team, ok := root["team"].(map[string]any); ok {
		if members, ok := team["members"].([]any); ok {
			root["team"] = members
		}
	}
	roles, _ := root["roles"].([]any)
	for _, role := range roles {
		if role, ok := role.(map[string]any); ok {
			for _, name := range []string{"firstLevelApprovers", "secondLevelApprovers"} {
				if one, ok := role[name].(string); ok {
					role[name] = []any{one}
				}
			}
		}
	}
	texts(root, 0)
	return encode(root)
}

func texts(v any, depth int) {
	if depth > 2*maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if textual[name] {
				v[name] = inText(value)
			}
			texts(v[name], depth+1)
		}
	case []any:
		for _, item := range v {
			texts(item, depth+1)
		}
	}
}

func inText(v any) any {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		for i := range v {
			v[i] = inText(v[i])
		}
	}
	return v
}

// Import is what a document says of a contract, in members of an entity. What it says
// nothing about is not there. Owners are left to the caller, who knows people.
func Import(d *Document, about entity.Ref, object string) (map[string]jsontext.Value, error) {
	properties, err := d.object(object, about.Name)
	if err != nil {
		return nil, err
	}
	out := map[string]jsontext.Value{}
	set := func(name string, value any) {
		if err == nil {
			out[name], err = encode(value)
		}
	}
	set("name", or(d.Name, or(about.Name, "data")+"_contract"))
	set("entityStatus", or(fromStatus[d.Status], Draft))
	if text := d.Description.text(); text != "" {
		set("description", text)
	}
	if len(properties) > 0 {
		fields, bad := fieldsOf(properties, 0)
		if bad != nil {
			return nil, bad
		}
		set("schema", fields)
	}
	if len(d.Roles) > 0 {
		set("security", securityOf(d.Roles))
	}
	if len(d.SLA) > 0 {
		promised, bad := slaOf(d.SLA)
		if bad != nil {
			return nil, bad
		}
		set("sla", promised)
	}
	if rules := d.rules(); len(rules) > 0 {
		set("odcsQualityRules", rules)
	}
	return out, err
}

func (d *Description) text() string {
	if d == nil {
		return ""
	}
	text := d.Purpose
	for _, part := range []struct{ title, text string }{{"Limitations", d.Limitations}, {"Usage", d.Usage}} {
		if part.text == "" {
			continue
		}
		if text != "" {
			text += "\n\n**" + part.title + ":**\n"
		}
		text += part.text
	}
	return text
}

func fieldsOf(properties []Element, depth int) ([]field, error) {
	if depth > maxDepth {
		return nil, entity.BadRequest("the properties of the document nest deeper than %d", maxDepth)
	}
	out := make([]field, len(properties))
	for i, e := range properties {
		f := field{Name: e.Name, Description: e.Description, DataType: dataTypeOf(e)}
		switch {
		case e.PrimaryKey:
			f.Constraint = "PRIMARY_KEY"
		case e.Unique:
			f.Constraint = "UNIQUE"
		case e.Required:
			f.Constraint = "NOT_NULL"
		}
		if e.Options != nil {
			f.DataLength = e.Options.MaxLength
		}
		if len(e.Properties) > 0 {
			var err error
			if f.Children, err = fieldsOf(e.Properties, depth+1); err != nil {
				return nil, err
			}
		}
		out[i] = f
	}
	return out, nil
}

// dataTypeOf is the physical type where it is one of ours, such as VARCHAR or
// varchar(20), and else that of the logical one.
func dataTypeOf(e Element) string {
	name, _, _ := strings.Cut(strings.ToUpper(e.PhysicalType), "(")
	name = strings.TrimSpace(name)
	if _, ok := logicalTypes[name]; ok {
		return name
	}
	switch name {
	case "STRING", "VARCHAR", "CHAR":
		return name
	}
	return or(dataTypes[e.LogicalType], "STRING")
}

func securityOf(roles []Role) security {
	var s security
	for _, role := range roles {
		if name, ok := strings.CutPrefix(role.Role, classificationRole); ok {
			s.Classification = name
			continue
		}
		s.Policies = append(s.Policies, policy{Access: role.Role, Identities: role.Approvers})
	}
	return s
}

// units are the units of the standard in our words.
var units = map[string]string{
	"m": "minute", "min": "minute", "mins": "minute", "minutes": "minute", "h": "hour", "hrs": "hour", "hours": "hour", "d": "day", "days": "day",
	"w": "week", "wks": "week", "weeks": "week", "mos": "month", "months": "month", "y": "year", "yr": "year", "yrs": "year", "years": "year",
}

func slaOf(promised []SLAProperty) (sla, error) {
	var s sla
	for _, p := range promised {
		var err error
		switch strings.ToLower(p.Property) {
		case "freshness", "refreshfrequency":
			s.Refresh = &span{}
			s.Refresh.Interval, s.Refresh.Unit, err = p.span("day", "hour", "week", "month", "year")
		case "latency", "maxlatency":
			s.Latency = &span{}
			s.Latency.Value, s.Latency.Unit, err = p.span("day", "hour", "minute")
		case "retention":
			s.Retention = &span{}
			s.Retention.Period, s.Retention.Unit, err = p.span("day", "week", "month", "year")
		case "availabilitytime":
			s.Availability, s.Timezone = p.Value, p.ValueExt
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// span reads a time in one of the units; without a unit the first is meant.
func (p SLAProperty) span(allowed ...string) (*int64, string, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(p.Value), 10, 32)
	if err != nil {
		return nil, "", entity.BadRequest("the SLA property %s must have a whole number as its value, not %q", entity.Shorten(p.Property, 60), entity.Shorten(p.Value, 60))
	}
	unit := strings.ToLower(strings.TrimSpace(p.Unit))
	unit = or(or(units[unit], unit), allowed[0])
	for _, one := range allowed {
		if unit == one {
			return &n, unit, nil
		}
	}
	return nil, "", entity.BadRequest("the SLA property %s must have one of the units %s, not %q", entity.Shorten(p.Property, 60), strings.Join(allowed, ", "), entity.Shorten(p.Unit, 60))
}

// replaceable are the members that an import changes, or takes away when it replaces a
// contract.
var replaceable = []string{
	"description", "entityStatus", "schema", "security", "sla", "owners", "odcsQualityRules",
	"reviewers", "termsOfUse", "extension", "semantics",
}

// Changes is the JSON Patch that brings a contract in line with what was imported. What
// was not imported stays, or goes when the contract is to be replaced. The name, the
// state of validation and what it is about always stay.
func Changes(old *entity.Entity, members map[string]jsontext.Value, replace bool) ([]byte, error) {
	raw, err := encode(old)
	if err != nil {
		return nil, err
	}
	var have map[string]jsontext.Value
	if err := read(raw, &have); err != nil {
		return nil, err
	}
	type op struct {
		Op    string         `json:"op"`
		Path  string         `json:"path"`
		Value jsontext.Value `json:"value,omitzero"`
	}
	ops := []op{}
	for _, name := range replaceable {
		value := members[name]
		switch {
		case value == nil && replace && have[name] != nil:
			ops = append(ops, op{Op: "remove", Path: "/" + name})
		case value != nil:
			if name == "sla" && !replace {
				if value, err = joined(have[name], value); err != nil {
					return nil, err
				}
			}
			ops = append(ops, op{Op: "add", Path: "/" + name, Value: value})
		}
	}
	return encode(ops)
}

// joined are the members of two objects; those of the second count.
func joined(a, b jsontext.Value) (jsontext.Value, error) {
	all := member{}
	for _, raw := range []jsontext.Value{a, b} {
		var members member
		if err := read(raw, &members); err != nil {
			return nil, err
		}
		for name, value := range members {
			all[name] = value
		}
	}
	return encode(all)
}
