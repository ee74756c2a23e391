package engine

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// checkCustom checks custom properties: their definitions on a type's entity,
// their values on others.
func (w *write) checkCustom(ctx context.Context, old *entity.Entity) error {
	if w.t.Name == "type" {
		return w.checkProperties(ctx, old)
	}
	return w.checkExtension(ctx, old)
}

// checkExtension checks the values of custom properties that this write sets.
// What it leaves alone is not checked again: a property may have been removed
// since. Writes without custom properties cost nothing here.
func (w *write) checkExtension(ctx context.Context, old *entity.Entity) error {
	ent := w.in.ent
	if ent.Extension == nil || old != nil && sameJSON(old.Extension, ent.Extension) {
		return nil
	}
	next, err := members(ent.Extension)
	if err != nil || next == nil {
		return entity.BadRequest("extension is an object of custom properties")
	}
	var before map[string]jsontext.Value
	if old != nil && old.Extension != nil {
		if before, err = members(old.Extension); err != nil {
			return entity.Internal(err)
		}
	}
	if err := w.checkValues(ctx, before, next); err != nil {
		return err
	}
	if len(next) == 0 {
		ent.Extension = nil
		return nil
	}
	ent.Extension, err = encode(next)
	return err
}

// checkValues checks the values that differ from those before, and gives them
// the form in which they are stored.
func (w *write) checkValues(ctx context.Context, before, next map[string]jsontext.Value) error {
	rules, err := w.rules(ctx)
	if err != nil {
		return err
	}
	if err := w.loadValues(ctx, next, rules); err != nil {
		return err
	}
	for name, value := range next {
		if value.Kind() == 'n' { // the same as not having it
			delete(next, name)
			continue
		}
		if before[name] != nil && sameJSON(before[name], value) {
			continue
		}
		rule, ok := rules[name]
		if !ok {
			return entity.BadRequest("Unknown custom field %s", entity.Shorten(name, 100))
		}
		if next[name], err = rule.check(value, w.look); err != nil {
			return customError(name, err)
		}
	}
	return nil
}

func customError(name string, err error) error {
	if known := entity.AsError(err); known != nil && known.Kind == entity.KindBadRequest {
		return entity.BadRequest("Custom field %s has invalid value: %s", entity.Shorten(name, 100), known.Message)
	}
	return err
}

// rules returns the rules of the properties of the type, read in this
// transaction.
func (w *write) rules(ctx context.Context) (map[string]propertyRule, error) {
	list, err := w.e.CustomProperties(ctx, w.tx, w.t.Name)
	if err != nil {
		return nil, err
	}
	rules := make(map[string]propertyRule, len(list))
	for _, p := range list {
		if rules[p.Name], err = w.e.ruleOf(p); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return rules, nil
}

// loadValues looks up all entities that values refer to in one batch.
func (w *write) loadValues(ctx context.Context, values map[string]jsontext.Value, rules map[string]propertyRule) error {
	var ids []entity.ID
	for name, value := range values {
		if len(rules[name].types) == 0 || value.Kind() == 'n' {
			continue
		}
		refs, err := refItems(name, value)
		if err != nil {
			return customError(name, err)
		}
		ids = append(ids, refIDs(refs)...)
	}
	if len(ids) == 0 {
		return nil
	}
	return w.look.load(ctx, ids)
}

// check returns the value as it is stored, or says what is wrong with it.
func (r propertyRule) check(value jsontext.Value, l *lookup) (jsontext.Value, error) {
	switch r.kind {
	case "markdown":
		return cleanValue(value), wantText(value)
	case "string", "sqlQuery":
		return value, wantText(value)
	case "email":
		return value, wantPattern(value, emailForm, "an e-mail address")
	case "duration":
		return value, wantDuration(value)
	case "integer", "timestamp":
		return value, wantInteger(value, r.kind == "timestamp")
	case "number":
		return value, wantNumber(value)
	case "enum":
		return r.checkEnum(value)
	case "date-cp", "dateTime-cp", "time-cp":
		return value, r.checkDate(value)
	case "timeInterval":
		return value, checkInterval(value)
	case "hyperlink-cp":
		return value, checkLink(value)
	case "table-cp":
		return value, r.checkTable(value)
	}
	return r.checkRefs(value, l)
}

var (
	emailForm    = regexp.MustCompile(`^[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+$`)
	durationForm = regexp.MustCompile(`^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?$`)
)

func wantText(value jsontext.Value) error {
	if value.Kind() != '"' {
		return entity.BadRequest("a string is expected")
	}
	return nil
}

func wantPattern(value jsontext.Value, form *regexp.Regexp, what string) error {
	if err := wantText(value); err != nil {
		return err
	}
	if !form.MatchString(text(value)) {
		return entity.BadRequest("%q is not %s", entity.Shorten(text(value), 100), what)
	}
	return nil
}

func wantDuration(value jsontext.Value) error {
	if err := wantPattern(value, durationForm, "a duration such as P1DT12H"); err != nil {
		return err
	}
	if t := text(value); t == "P" || strings.HasSuffix(t, "T") {
		return entity.BadRequest("%q is not a duration such as P1DT12H", t)
	}
	return nil
}

// wantNumber takes what clients and the index can hold.
func wantNumber(value jsontext.Value) error {
	if value.Kind() == '0' {
		if _, err := strconv.ParseFloat(string(value), 64); err == nil {
			return nil
		}
	}
	return entity.BadRequest("a number is expected")
}

func wantInteger(value jsontext.Value, positive bool) error {
	if value.Kind() == '0' {
		f, err := strconv.ParseFloat(string(value), 64)
		if err == nil && f == float64(int64(f)) && (!positive || f >= 0) {
			return nil
		}
	}
	if positive {
		return entity.BadRequest("a time in milliseconds since 1970 is expected")
	}
	return entity.BadRequest("a whole number is expected")
}

// checkEnum takes a list of values; a single one may stand for itself.
func (r propertyRule) checkEnum(value jsontext.Value) (jsontext.Value, error) {
	var chosen []string
	if value.Kind() == '"' {
		chosen = []string{text(value)}
	} else if value.Kind() != '[' || json.Unmarshal(value, &chosen) != nil {
		return nil, entity.BadRequest("a list of values is expected")
	}
	if len(chosen) > 1 && !r.many {
		return nil, entity.BadRequest("only one value is allowed")
	}
	if repeated(chosen) {
		return nil, entity.BadRequest("a value is given twice")
	}
	for _, c := range chosen {
		if !slices.Contains(r.values, c) {
			return nil, entity.BadRequest("%q is not one of [%s]", entity.Shorten(c, 100), entity.Shorten(strings.Join(r.values, ", "), 300))
		}
	}
	return encode(chosen)
}

func (r propertyRule) checkDate(value jsontext.Value) error {
	if err := wantText(value); err != nil {
		return err
	}
	if _, err := time.Parse(r.layout, text(value)); err != nil {
		return entity.BadRequest("%q does not have the format %s", entity.Shorten(text(value), 60), r.format)
	}
	return nil
}

func checkInterval(value jsontext.Value) error {
	m, err := members(value)
	if err != nil || len(m) != 2 || m["start"] == nil || m["end"] == nil {
		return entity.BadRequest("an object with start and end is expected")
	}
	for _, end := range m {
		if err := wantInteger(end, true); err != nil {
			return err
		}
	}
	var start, end float64
	if json.Unmarshal(m["start"], &start) != nil || json.Unmarshal(m["end"], &end) != nil || start > end {
		return entity.BadRequest("the interval ends before it starts")
	}
	return nil
}

// checkLink takes web addresses only, so that a link runs no script.
func checkLink(value jsontext.Value) error {
	m, err := members(value)
	if err != nil || m["url"].Kind() != '"' {
		return entity.BadRequest("an object with url and displayText is expected")
	}
	for name, member := range m {
		if name != "url" && name != "displayText" || member.Kind() != '"' {
			return entity.BadRequest("an object with url and displayText is expected")
		}
	}
	u, err := url.Parse(text(m["url"]))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return entity.BadRequest("%q is not the address of a web page", entity.Shorten(text(m["url"]), 100))
	}
	return nil
}

func (r propertyRule) checkTable(value jsontext.Value) error {
	var table struct {
		Columns []string            `json:"columns"`
		Rows    []map[string]string `json:"rows"`
	}
	if value.Kind() != '{' || json.Unmarshal(value, &table, json.RejectUnknownMembers(true)) != nil {
		return entity.BadRequest("an object with columns and rows of strings is expected")
	}
	for _, column := range table.Columns {
		if !slices.Contains(r.columns, column) {
			return entity.BadRequest("there is no column %q", entity.Shorten(column, 100))
		}
	}
	for _, row := range table.Rows {
		for column := range row {
			if !slices.Contains(r.columns, column) {
				return entity.BadRequest("there is no column %q", entity.Shorten(column, 100))
			}
		}
	}
	return nil
}

// checkRefs gives references their names; they must be of the types allowed.
func (r propertyRule) checkRefs(value jsontext.Value, l *lookup) (jsontext.Value, error) {
	want := jsontext.Kind('{')
	if r.kind == "entityReferenceList" {
		want = '['
	}
	if value.Kind() != want {
		return nil, entity.BadRequest("%s expects another form", r.kind)
	}
	given, err := refItems(r.kind, value)
	if err != nil {
		return nil, err
	}
	refs := make([]entity.Ref, len(given))
	for i, item := range given {
		info := l.info(item.ID)
		if item.ID == entity.NilID || info == nil {
			return nil, entity.NotFound(item.Type, item.ID.String())
		}
		if !slices.Contains(r.types, info.ref.Type) {
			return nil, entity.BadRequest("a reference to one of [%s] is expected", strings.Join(r.types, ", "))
		}
		refs[i] = entity.Ref{ID: info.ref.ID, Type: info.ref.Type, Name: info.ref.Name, FullyQualifiedName: info.ref.FullyQualifiedName, DisplayName: info.ref.DisplayName}
	}
	if want == '[' {
		return encode(refs)
	}
	if len(refs) != 1 {
		return nil, entity.BadRequest("one reference is expected")
	}
	return encode(refs[0])
}
