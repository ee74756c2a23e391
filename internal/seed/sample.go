package seed

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// samplePath is the sample catalog: batches of create requests in order of
// dependency, and the lineage edges.
const samplePath = "data/sample/catalog.json"

// lineageBatch is the name of the batches that hold edges.
const lineageBatch = "lineage"

// LoadSample brings in the catalog of Rowan & Reed, a tree nursery that does not
// exist. It needs what Load brings in, and may be called again.
func LoadSample(ctx context.Context, w Writer) (Report, error) {
	l := loader{writer: w, report: Report{ByType: map[string]int{}}}
	groups, err := readSample()
	if err != nil {
		return l.report, err
	}
	for _, group := range groups {
		docs := make([][]byte, len(group.Requests))
		for i, request := range group.Requests {
			docs[i] = request
		}
		if err := l.writeSample(ctx, group.Type, docs); err != nil {
			return l.report, fmt.Errorf("sample %s: %w", group.Type, err)
		}
	}
	return l.report, nil
}

func (l *loader) writeSample(ctx context.Context, typ string, docs [][]byte) error {
	if typ != lineageBatch {
		return l.write(ctx, typ, asRequests, docs)
	}
	docs, err := l.resolve(ctx, docs)
	if err != nil {
		return err
	}
	created, err := l.writer.EnsureLineage(ctx, docs)
	if err != nil {
		return err
	}
	l.count(lineageBatch, created, len(docs))
	return nil
}

// sampleGroup is one batch of the sample.
type sampleGroup struct {
	Type     string           `json:"type"`
	Requests []jsontext.Value `json:"requests"`
}

func readSample() ([]sampleGroup, error) {
	data, err := files.ReadFile(samplePath)
	if err != nil {
		return nil, fmt.Errorf("sample data: %w", err)
	}
	var groups []sampleGroup
	if err := json.Unmarshal(data, &groups); err != nil {
		return nil, fmt.Errorf("sample data: %w", err)
	}
	return groups, nil
}
