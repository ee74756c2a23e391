package csvio

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// caseSheet is the sheet of test cases.
func caseSheet() *sheet {
	return &sheet{
		about: "The test cases of a table, of a suite, or all of them.",
		rows:  []string{"testCase"}, place: placeCase, begin: beginCase,
		fields: []field{
			nameField("The name of the test case.", "row_count_is_plausible"),
			displayNameField(), descriptionField(),
			{
				name: "testDefinition", required: true, about: "The name of the test definition.", examples: []string{"tableRowCountToBeBetween"},
				show: func(s *subject) string { return refOf(s.ent.Rest["testDefinition"]).FullyQualifiedName },
				set: func(in *change, text string) error {
					if refOf(in.ent.Rest["testDefinition"]).FullyQualifiedName == entity.CanonicalFQN(text) {
						return nil
					}
					return in.parentRef("testDefinition", text, "testDefinition")
				},
			},
			{
				name: "entityFQN", required: true, about: "Fully qualified name of the table or column under test.", examples: []string{"mysql.shop.public.orders.id"},
				show: func(s *subject) string { return textOf(s.ent.Rest["entityFQN"]) },
			},
			suiteField(), parametersField(),
			flagMember("computePassedFailedRowCount", "Whether rows that pass and fail are counted."),
			flagMember("useDynamicAssertion", "Whether the bounds are learned from the data."),
			textMember("inspectionQuery", "A query that shows the rows that failed.", ""),
			allTagsField(), termsField(),
		},
	}
}

// suiteField shows the suite of the table. A test case cannot be moved.
func suiteField() field {
	f := field{
		name: "testSuite", about: "The suite of the table under test; may be left empty.", examples: []string{"mysql.shop.public.orders.testSuite"},
		show: func(s *subject) string { return refOf(s.ent.Rest["testSuite"]).FullyQualifiedName },
	}
	f.set = func(in *change, text string) error {
		if text == "" || text == f.show(&in.subject) || in.created && text == in.table+".testSuite" {
			return nil
		}
		return entity.BadRequest("a test case belongs to the suite of its table, %s.testSuite; logical suites take test cases by a call of their own", in.table)
	}
	return f
}

func refOf(raw jsontext.Value) entity.Ref {
	var ref entity.Ref
	if raw.Kind() != '{' || json.Unmarshal(raw, &ref) != nil {
		return entity.Ref{}
	}
	return ref
}

// placeCase names a test case by what it tests.
func placeCase(in *change) error {
	target := entity.CanonicalFQN(in.cell("entityFQN"))
	parts, err := entity.SplitFQN(target)
	if err != nil {
		return err
	}
	if len(parts) < tableDepth {
		return entity.BadRequest("%s names neither a table nor a column", entity.Shorten(target, 300))
	}
	in.typ, in.fqn = "testCase", entity.JoinFQN(target, in.cell("name"))
	in.table = strings.Join(parts[:tableDepth], ".")
	if in.under.kind == "table" && in.table != in.under.fqn {
		return entity.BadRequest("%s does not lie below %s", entity.Shorten(target, 300), in.under.fqn)
	}
	if in.under.cases != nil && !in.under.cases[in.fqn] {
		return entity.BadRequest("%s is not in the suite %s, which takes test cases by a call of its own", entity.Shorten(in.fqn, 300), in.under.fqn)
	}
	return nil
}

func beginCase(in *change) error {
	in.ent.Name = in.cell("name")
	link := entity.Link{Type: "table", FQN: in.table}
	if target := entity.ParentFQN(in.fqn); target != in.table {
		link.Field = "columns"
		link.Item = columnPath(target, in.table)
		if parts, err := entity.SplitFQN(link.Item); err == nil && len(parts) == 1 {
			link.Item = entity.UnquoteName(link.Item)
		}
	}
	return in.setMember("entityLink", link.String())
}

// parameter is a value a test is run with. Values are text on the wire.
type parameter struct {
	Name  string         `json:"name"`
	Value jsontext.Value `json:"value,omitzero"`
}

func showParameters(ent *entity.Entity) string {
	var items []jsontext.Value
	if raw := ent.Rest["parameterValues"]; raw == nil || json.Unmarshal(raw, &items) != nil {
		return ""
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = string(item)
	}
	return strings.Join(out, ";")
}

// parametersField holds JSON objects separated by semicolons.
func parametersField() field {
	return field{
		name: "parameterValues", about: "The values the test is run with: JSON objects with name and value, separated by semicolons.",
		examples: []string{`{"name":"minValue","value":"1"};{"name":"maxValue","value":"100"}`},
		show:     func(s *subject) string { return showParameters(s.ent) },
		set: func(in *change, text string) error {
			if text == showParameters(in.ent) {
				return nil
			}
			params, err := readParameters(text)
			if err != nil {
				return err
			}
			if len(params) == 0 {
				delete(in.ent.Rest, "parameterValues")
				return nil
			}
			return in.setMember("parameterValues", params)
		},
	}
}

func readParameters(text string) ([]parameter, error) {
	var out []parameter
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, "; ") {
		dec := jsontext.NewDecoder(strings.NewReader(text))
		raw, err := dec.ReadValue()
		var p parameter
		if err != nil || raw.Kind() != '{' || json.Unmarshal(raw, &p) != nil || p.Name == "" {
			return nil, entity.BadRequest("%q is not a JSON object with a name and a value", entity.Shorten(text, 100))
		}
		if p.Value != nil && p.Value.Kind() != '"' {
			p.Value = quoteJSON(string(p.Value))
		} else {
			p.Value = p.Value.Clone()
		}
		out = append(out, p)
		text = text[dec.InputOffset():]
	}
	return out, nil
}
