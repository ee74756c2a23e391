package seed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

//go:embed data
var files embed.FS

// form says how a batch is written.
type form int

const (
	asRequests  form = iota // create requests
	asDocuments             // whole documents
)

// batch is a file of the seed: documents of one type.
type batch struct {
	file string
	typ  string
	form form
}

// batches lists the files in order of dependency: what a document refers to
// stands in an earlier batch.
func batches() []batch {
	return []batch{
		{"policies", "policy", asDocuments},
		{"roles", "role", asDocuments},
		{"teams", "team", asDocuments},
		{"users", "user", asRequests},
		{"bots", "bot", asRequests},
		{"classifications", "classification", asRequests},
		{"tags", "tag", asRequests},
		{"testDefinitions", "testDefinition", asDocuments},
		{"testConnectionDefinitions", "testConnectionDefinition", asDocuments},
		{"types", "type", asDocuments},
		{"eventSubscriptions", "eventsubscription", asDocuments},
		{"marketplace", "appMarketPlaceDefinition", asDocuments},
		{"apps", "app", asDocuments},
	}
}

// Load brings in what every catalog has. It may be called at each start.
func Load(ctx context.Context, w Writer) (Report, error) {
	l := loader{writer: w, report: Report{ByType: map[string]int{}}}
	for _, b := range batches() {
		docs, err := readList("data/" + b.file + ".json")
		if err != nil {
			return l.report, err
		}
		if err := l.write(ctx, b.typ, b.form, docs); err != nil {
			return l.report, fmt.Errorf("seed %s: %w", b.file, err)
		}
	}
	settings, err := readSettings()
	if err != nil {
		return l.report, err
	}
	created, err := w.EnsureSettings(ctx, settings)
	if err != nil {
		return l.report, fmt.Errorf("seed settings: %w", err)
	}
	l.count("settings", created, len(settings))
	return l.report, nil
}

// Fingerprint changes whenever the seed data does. A server that has stored the
// fingerprint of a completed load need not load again.
func Fingerprint() string {
	digest := sha256.New()
	_ = fs.WalkDir(files, "data", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		digest.Write([]byte(path))
		digest.Write(data)
		return err
	})
	return hex.EncodeToString(digest.Sum(nil))
}

// loader keeps the count while batches are written.
type loader struct {
	writer Writer
	report Report
}

func (l *loader) count(what string, created, all int) {
	l.report.Created += created
	l.report.Existing += all - created
	l.report.ByType[what] += created
}

func (l *loader) write(ctx context.Context, typ string, how form, docs [][]byte) error {
	docs, err := l.resolve(ctx, docs)
	if err != nil {
		return err
	}
	var created int
	if how == asDocuments {
		created, err = l.writer.EnsureDocuments(ctx, typ, docs)
	} else {
		created, err = l.writer.EnsureAll(ctx, typ, docs)
	}
	if err != nil {
		return err
	}
	l.count(typ, created, len(docs))
	return nil
}

// placeholder stands in the data for the id of an entity, which is known only
// once that entity is there: "$id:role:DataConsumer".
var placeholder = regexp.MustCompile(`"\$id:([A-Za-z]+):([^"\\]+)"`)

// resolve puts ids in the place of placeholders, with one look-up per type.
func (l *loader) resolve(ctx context.Context, docs [][]byte) ([][]byte, error) {
	wanted := map[string]map[string]bool{}
	for _, doc := range docs {
		for _, match := range placeholder.FindAllSubmatch(doc, -1) {
			typ, fqn := string(match[1]), string(match[2])
			if wanted[typ] == nil {
				wanted[typ] = map[string]bool{}
			}
			wanted[typ][fqn] = true
		}
	}
	if len(wanted) == 0 {
		return docs, nil
	}
	ids := map[string]map[string]string{}
	for typ, fqns := range wanted {
		found, err := l.lookup(ctx, typ, fqns)
		if err != nil {
			return nil, err
		}
		ids[typ] = found
	}
	out := make([][]byte, len(docs))
	for i, doc := range docs {
		out[i] = placeholder.ReplaceAllFunc(doc, func(found []byte) []byte {
			match := placeholder.FindSubmatch(found)
			return []byte(`"` + ids[string(match[1])][string(match[2])] + `"`)
		})
	}
	return out, nil
}

func (l *loader) lookup(ctx context.Context, typ string, fqns map[string]bool) (map[string]string, error) {
	names := make([]string, 0, len(fqns))
	for fqn := range fqns {
		names = append(names, fqn)
	}
	found, err := l.writer.Lookup(ctx, typ, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if found[name] == "" {
			return nil, fmt.Errorf("%s %s, which the data refers to, is not in the catalog", typ, name)
		}
	}
	return found, nil
}

// readList splits a file that holds a JSON array into its elements.
func readList(path string) ([][]byte, error) {
	data, err := files.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("seed data: %w", err)
	}
	var values []jsontext.Value
	if err := json.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("seed data %s: %w", path, err)
	}
	docs := make([][]byte, len(values))
	for i, value := range values {
		docs[i] = bytes.Clone(value)
	}
	return docs, nil
}

// DefaultSetting returns the value that a setting comes with, nil for none.
func DefaultSetting(name string) []byte {
	settings, err := readSettings()
	if err != nil {
		return nil // a catalog without its settings has not even started
	}
	for _, s := range settings {
		if s.Type == name {
			return s.Value
		}
	}
	return nil
}

func readSettings() ([]Setting, error) {
	docs, err := readList("data/settings.json")
	if err != nil {
		return nil, err
	}
	settings := make([]Setting, len(docs))
	for i, doc := range docs {
		var entry struct {
			Type  string         `json:"type"`
			Value jsontext.Value `json:"value"`
		}
		if err := json.Unmarshal(doc, &entry); err != nil {
			return nil, fmt.Errorf("seed data settings: %w", err)
		}
		settings[i] = Setting{Type: entry.Type, Value: entry.Value}
	}
	return settings, nil
}
