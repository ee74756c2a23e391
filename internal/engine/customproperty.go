package engine

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// CustomProperty is a property that people have defined for an entity type.
// Values are kept under extension.
type CustomProperty struct {
	Name        string        `json:"name"`
	DisplayName string        `json:"displayName,omitzero"`
	Description string        `json:"description"`
	Type        entity.Ref    `json:"propertyType"`
	Config      *customConfig `json:"customPropertyConfig,omitzero"`
}

// customConfig holds the settings of a property; their form depends on its type.
type customConfig struct {
	Config jsontext.Value `json:"config,omitzero"`
}

// propertiesField is the member of a type's entity that holds the definitions.
const propertiesField = "customProperties"

// maxProperties bounds how many properties one type can have.
const maxProperties = 500

// propertyName is what a property may be called.
var propertyName = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9 _\\-.,;%#@!'(){}\\[\\]|=+?`]{0,255}$")

// CustomProperties returns the properties that are defined for an entity type.
func (e *Engine) CustomProperties(ctx context.Context, r store.Reader, typ string) ([]CustomProperty, error) {
	row, err := r.EntityByFQN(ctx, store.Key{Type: "type", FQN: typ})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	return propertiesOf(ent)
}

// propertiesOf decodes the definitions in a type's entity.
func propertiesOf(ent *entity.Entity) ([]CustomProperty, error) {
	var list []CustomProperty
	raw := ent.Rest[propertiesField]
	if raw == nil {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &list, readOptions); err != nil {
		return nil, entity.BadRequest("customProperties cannot be read: %s", jsonProblem(err))
	}
	return list, nil
}

// checkProperties checks the definitions of a type's entity, if they changed.
func (w *write) checkProperties(ctx context.Context, old *entity.Entity) error {
	ent := w.in.ent
	if text(ent.Rest["category"]) == "entity" && ent.Rest[propertiesField] == nil {
		ent.Rest[propertiesField] = jsontext.Value("[]")
	}
	if old != nil && sameJSON(old.Rest[propertiesField], ent.Rest[propertiesField]) {
		return nil
	}
	list, err := propertiesOf(ent)
	if err != nil || len(list) == 0 {
		return err
	}
	if s := w.e.shapes[ent.Name]; s == nil || !s.t.Supports.Extension {
		return entity.BadRequest("%s cannot have custom properties", ent.Name)
	}
	if len(list) > maxProperties {
		return entity.BadRequest("a type has at most %d custom properties", maxProperties)
	}
	if err := w.nameTypes(ctx, list); err != nil {
		return err
	}
	if err := w.e.checkList(list, old); err != nil {
		return err
	}
	raw, err := encode(list)
	ent.Rest[propertiesField] = raw
	return err
}

// checkList checks each definition, also against what it was before.
func (e *Engine) checkList(list []CustomProperty, old *entity.Entity) error {
	before := map[string]CustomProperty{}
	if old != nil {
		kept, err := propertiesOf(old)
		if err != nil {
			return err
		}
		for _, p := range kept {
			before[p.Name] = p
		}
	}
	seen := map[string]bool{}
	for _, p := range list {
		if seen[p.Name] {
			return entity.BadRequest("the custom property %s is defined twice", p.Name)
		}
		seen[p.Name] = true
		if err := e.checkProperty(p, before); err != nil {
			return err
		}
	}
	return nil
}

// nameTypes looks up the types of all properties, which must be field types.
func (w *write) nameTypes(ctx context.Context, list []CustomProperty) error {
	ids := make([]entity.ID, len(list))
	for i := range list {
		ids[i] = list[i].Type.ID
	}
	rows, err := w.tx.Entities(ctx, ids)
	if err != nil {
		return err
	}
	byID := map[entity.ID]store.Row{}
	for _, row := range rows {
		byID[row.ID] = row
	}
	for i := range list {
		row, ok := byID[list[i].Type.ID]
		if !ok || row.Type != "type" {
			return entity.NotFound("type", list[i].Type.ID.String())
		}
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if text(ent.Rest["category"]) != "field" {
			return entity.BadRequest("Only field types can be used as property types, not %s", row.Name)
		}
		list[i].Type = entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN, DisplayName: ent.DisplayName}
	}
	return nil
}

// checkProperty checks one definition, also against what it was before.
func (e *Engine) checkProperty(p CustomProperty, before map[string]CustomProperty) error {
	if !propertyName.MatchString(p.Name) {
		return entity.BadRequest("%q is not a name for a custom property: it begins with a letter or digit", entity.Shorten(p.Name, 100))
	}
	rule, err := e.ruleOf(p)
	if err != nil {
		return err
	}
	was, ok := before[p.Name]
	if !ok {
		return nil
	}
	if was.Type.Name != p.Type.Name {
		return entity.BadRequest("the type of the custom property %s is %s and cannot be changed", p.Name, was.Type.Name)
	}
	if p.Type.Name != "enum" {
		return nil
	}
	old, err := e.ruleOf(was)
	if err != nil {
		return err
	}
	for _, value := range old.values {
		if !slices.Contains(rule.values, value) {
			return entity.BadRequest("the value %q of the custom property %s cannot be taken away, entities may have it", entity.Shorten(value, 100), p.Name)
		}
	}
	return nil
}

// propertyRule is what a property's values must satisfy.
type propertyRule struct {
	kind    string
	values  []string // of an enum
	many    bool     // an enum takes several
	layout  string   // of a date, as package time has it
	format  string   // the same as people wrote it
	types   []string // of entities that references may name
	columns []string // of a table
}

// ruleOf reads the settings of a property. The error says what is wrong.
func (e *Engine) ruleOf(p CustomProperty) (propertyRule, error) {
	r := propertyRule{kind: p.Type.Name}
	var raw jsontext.Value
	if p.Config != nil {
		raw = p.Config.Config
	}
	var err error
	switch r.kind {
	case "enum":
		err = r.readEnum(raw)
	case "date-cp", "dateTime-cp", "time-cp":
		r.format = text(raw)
		r.layout, err = layoutOf(r.format)
	case "entityReference", "entityReferenceList":
		err = r.readTypes(raw, e)
	case "table-cp":
		err = r.readColumns(raw)
	case "string", "integer", "number", "markdown", "email", "timestamp", "timeInterval", "duration", "hyperlink-cp", "sqlQuery":
		if raw != nil && raw.Kind() != 'n' {
			err = entity.BadRequest("a property of type %s takes no settings", r.kind)
		}
	default:
		err = entity.BadRequest("properties of type %s are not supported", entity.Shorten(r.kind, 60))
	}
	if known := entity.AsError(err); known != nil {
		return r, entity.BadRequest("custom property %s: %s", entity.Shorten(p.Name, 100), known.Message)
	}
	return r, err
}

func (r *propertyRule) readEnum(raw jsontext.Value) error {
	var config struct {
		Values      []string `json:"values"`
		MultiSelect bool     `json:"multiSelect"`
	}
	if raw.Kind() != '{' || json.Unmarshal(raw, &config) != nil || len(config.Values) == 0 {
		return entity.BadRequest("Enum Custom Property Type must have EnumConfig populated with values.")
	}
	if repeated(config.Values) {
		return entity.BadRequest("Enum Custom Property values cannot have duplicates.")
	}
	r.values, r.many = config.Values, config.MultiSelect
	return nil
}

func (r *propertyRule) readTypes(raw jsontext.Value, e *Engine) error {
	if raw.Kind() != '[' || json.Unmarshal(raw, &r.types) != nil || len(r.types) == 0 {
		return entity.BadRequest("the settings must list the entity types that may be referred to")
	}
	for _, typ := range r.types {
		if e.shapes[typ] == nil {
			return entity.BadRequest("there is no entity type %q", entity.Shorten(typ, 60))
		}
	}
	return nil
}

func (r *propertyRule) readColumns(raw jsontext.Value) error {
	var config struct {
		Columns []string `json:"columns"`
	}
	if raw.Kind() != '{' || json.Unmarshal(raw, &config) != nil || len(config.Columns) == 0 || len(config.Columns) > 3 {
		return entity.BadRequest("the settings must name one to three columns")
	}
	if repeated(config.Columns) {
		return entity.BadRequest("Column names must be unique.")
	}
	r.columns = config.Columns
	return nil
}

func repeated(list []string) bool {
	seen := map[string]bool{}
	for _, item := range list {
		if seen[item] || item == "" {
			return true
		}
		seen[item] = true
	}
	return false
}

// layoutOf turns a format such as "dd/MM/yyyy HH:mm" into the layout that
// package time reads.
func layoutOf(format string) (string, error) {
	if format == "" {
		return "", entity.BadRequest("the settings must be a format such as yyyy-MM-dd")
	}
	var b strings.Builder
	for rest := format; rest != ""; {
		n := 1
		for n < len(rest) && rest[n] == rest[0] {
			n++
		}
		token := rest[:n]
		switch layout := layoutToken(token); {
		case layout != "":
			b.WriteString(layout)
		case rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] >= '0' && rest[0] <= '9' || rest[0] == '\'' || rest[0] == '_':
			return "", entity.BadRequest("the format %q holds %q, which means nothing", entity.Shorten(format, 60), token)
		default:
			b.WriteString(token)
		}
		rest = rest[n:]
	}
	return b.String(), nil
}

// layoutTokens are the letters of a format and what package time calls them.
func layoutTokens() map[string]string {
	return map[string]string{
		"yyyy": "2006", "yy": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "DDD": "002", "dd": "02", "d": "2",
		"HH": "15", "hh": "03", "mm": "04", "ss": "05", "a": "PM",
	}
}

func layoutToken(token string) string {
	if layout := layoutTokens()[token]; layout != "" {
		return layout
	}
	if strings.Trim(token, "S") == "" && len(token) <= 9 {
		return strings.Repeat("0", len(token))
	}
	return ""
}
