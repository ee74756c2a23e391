package rdf

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const ordersDoc = `{"id":"0190a000-0000-7000-8000-000000000001","name":"orders","description":"says \"hi\"\nand <b>\\\u0000","version":0.2,
"updatedAt":1700000000000,"deleted":false,"href":"http://h/api/v1/tables/x","sourceUrl":"javascript:alert(1)","rowCount":7,"ratio":0.5,"odd name":1,
"owners":[{"id":"0190a000-0000-7000-8000-000000000002","type":"user","name":"ann"}],
"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"},
{"tagFQN":"Gone.Tag","source":"Classification","labelType":"Manual","state":"Confirmed"}],
"columns":[{"name":"a b>","dataType":"STRUCT","tags":[{"tagFQN":"G.t","source":"Glossary","labelType":"Manual","state":"Confirmed"}],
"children":[{"name":"c","dataType":"INT"}]}],
"extension":{"z":1,"a":["x"]},"changeDescription":{"previousVersion":0.1}}`

func described(t *testing.T) *Graph {
	t.Helper()
	id := entity.ID{0x01, 0x90, 0xa0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}
	labels, err := Labels([]byte(ordersDoc))
	if err != nil {
		t.Fatal(err)
	}
	refs := map[store.Key]entity.Ref{}
	for i, key := range labels {
		if key.FQN != "Gone.Tag" {
			refs[key] = entity.Ref{Type: key.Type, ID: entity.ID{15: byte(16 + i)}}
		}
	}
	if len(labels) != 3 || len(refs) != 2 {
		t.Fatalf("the labels are %v, not three", labels)
	}
	g, err := Describe("table", id, []byte(ordersDoc), refs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func written(t *testing.T, g *Graph, media string) string {
	t.Helper()
	out, err := g.Write(media)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestNTriplesSayWhatTheDocumentSays(t *testing.T) {
	got := written(t, described(t), NTriples)
	const table = "<https://open-metadata.org/entity/table/0190a000-0000-7000-8000-000000000001>"
	const column = "<https://open-metadata.org/entity/table/0190a000-0000-7000-8000-000000000001#columns/a%20b%3E"
	for _, line := range []string{
		table + " <" + typePredicate + "> <https://open-metadata.org/ontology/Table> .",
		table + " <" + typePredicate + "> <http://www.w3.org/ns/dcat#Dataset> .",
		table + ` <http://www.w3.org/2000/01/rdf-schema#label> "orders" .`,
		table + ` <http://purl.org/dc/terms/description> "says \"hi\"\nand <b>\\\u0000" .`,
		table + ` <http://purl.org/dc/terms/hasVersion> "0.2"^^<http://www.w3.org/2001/XMLSchema#decimal> .`,
		table + ` <http://purl.org/dc/terms/modified> "2023-11-14T22:13:20.000Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .`,
		table + ` <https://open-metadata.org/ontology/isDeleted> "false"^^<http://www.w3.org/2001/XMLSchema#boolean> .`,
		table + " <http://www.w3.org/2000/01/rdf-schema#seeAlso> <http://h/api/v1/tables/x> .",
		table + ` <http://purl.org/dc/terms/source> "javascript:alert(1)" .`,
		table + ` <https://open-metadata.org/ontology/rowCount> "7"^^<http://www.w3.org/2001/XMLSchema#integer> .`,
		table + " <https://open-metadata.org/ontology/hasOwner> <https://open-metadata.org/entity/user/0190a000-0000-7000-8000-000000000002> .",
		table + ` <https://open-metadata.org/ontology/hasTag> "Gone.Tag" .`,
		table + " <https://open-metadata.org/ontology/hasColumn> " + column + "> .",
		column + "> <https://open-metadata.org/ontology/hasChild> " + column + "/children/c> .",
		column + `/children/c> <https://open-metadata.org/ontology/dataType> "INT" .`,
		table + ` <https://open-metadata.org/ontology/extension> "{\"a\":[\"x\"],\"z\":1}"^^<` + jsonDatatype + `> .`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("the triples lack\n%s\nin\n%s", line, got)
		}
	}
	for _, absent := range []string{"changeDescription", "odd name", "previousVersion"} {
		if strings.Contains(got, absent) {
			t.Errorf("the triples tell of %q", absent)
		}
	}
	if !strings.Contains(got, "hasGlossaryTerm> <https://open-metadata.org/entity/glossaryTerm/") || !strings.Contains(got, "hasTag> <https://open-metadata.org/entity/tag/") {
		t.Errorf("labels are not linked:\n%s", got)
	}
}

func TestRDFXMLIsWellFormed(t *testing.T) {
	got := written(t, described(t), XML)
	var doc struct {
		Descriptions []struct {
			About string `xml:"about,attr"`
			Label string `xml:"label"`
		} `xml:"Description"`
	}
	if err := xml.Unmarshal([]byte(got), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, got)
	}
	if len(doc.Descriptions) != 3 || doc.Descriptions[0].Label != "orders" || doc.Descriptions[2].Label != "c" {
		t.Errorf("the table and its two columns are not described: %+v", doc.Descriptions)
	}
}

func TestJSONLDHoldsThePartsInside(t *testing.T) {
	var doc struct {
		Context map[string]string `json:"@context"`
		ID      string            `json:"@id"`
		Types   []string          `json:"@type"`
		Label   string            `json:"rdfs:label"`
		Column  struct {
			Label string `json:"rdfs:label"`
			Child struct {
				Label string `json:"rdfs:label"`
			} `json:"om:hasChild"`
		} `json:"om:hasColumn"`
		Extension struct {
			Type  string         `json:"@type"`
			Value map[string]any `json:"@value"`
		} `json:"om:extension"`
	}
	got := written(t, described(t), JSONLD)
	if err := json.Unmarshal([]byte(got), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, got)
	}
	if doc.Context["om"] != om || doc.Types[0] != "om:Table" || doc.Label != "orders" || doc.Column.Child.Label != "c" || doc.Extension.Type != "@json" || doc.Extension.Value["z"] == nil {
		t.Errorf("the JSON-LD is not what the table is: %s", got)
	}
}

func TestTurtleNamesEverySubjectOnce(t *testing.T) {
	got := written(t, described(t), Turtle)
	if strings.Count(got, "\n<https://") != 3 || !strings.Contains(got, "> a om:Table, dcat:Dataset") || !strings.Contains(got, `dct:hasVersion "0.2"^^xsd:decimal`) {
		t.Errorf("the Turtle is not three subjects with their statements:\n%s", got)
	}
}

func TestFormats(t *testing.T) {
	for name, want := range map[string]string{"": JSONLD, "TTL": Turtle, "rdfxml": XML, "nt": NTriples, "jsonld": JSONLD} {
		if got, err := FormatOf(name); err != nil || got != want {
			t.Errorf("format %q is %q (%v), want %q", name, got, err, want)
		}
	}
	if _, err := FormatOf("n3"); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("an unknown format is %v, want a bad request", err)
	}
}

func TestWebAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"http://h/a b?x=<y>&z=1": "http://h/a%20b?x=%3Cy%3E&z=1", "ftp://h/x": "", "http://": "", "x": "", "https://h/%zz": "", "http://h/\n": "",
	} {
		if got, ok := webAddress(text); got != want || ok != (want != "") {
			t.Errorf("the address %q becomes %q, want %q", text, got, want)
		}
	}
}
