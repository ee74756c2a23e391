package metrics

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// served are the metrics that a server has, with their labels. Prometheus adds those of
// the place that it reads them at.
func served(t *testing.T) map[string]map[string]bool {
	t.Helper()
	m := New(Options{Codes: auth.Codes(), Ways: []string{auth.WayPassword}})
	if err := m.Watch(quiet()); err != nil {
		t.Fatal(err)
	}
	m.Request("GET", "/x", 200, 1)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]bool{"up": {"job": true, "instance": true}}
	for _, family := range families {
		labels := map[string]bool{"job": true, "instance": true}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = true
			}
		}
		if family.GetType().String() != "HISTOGRAM" {
			found[family.GetName()] = labels
			continue
		}
		found[family.GetName()+"_sum"], found[family.GetName()+"_count"] = labels, labels
		buckets := maps.Clone(labels)
		buckets["le"] = true
		found[family.GetName()+"_bucket"] = buckets
	}
	return found
}

var (
	texts    = regexp.MustCompile(`"[^"]*"`)
	metric   = regexp.MustCompile(`\b((?:catalpa|go|process)_\w+|up)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*[=!]~?`)
	grouping = regexp.MustCompile(`\b(?:by|on|without)\s*\(([^)]*)\)`)
	code     = regexp.MustCompile(`SEC-[A-Z0-9-]+`)
)

// judge looks at one expression of Prometheus.
func judge(t *testing.T, where, expr string, known map[string]map[string]bool) {
	t.Helper()
	for _, name := range code.FindAllString(expr, -1) {
		if !slices.Contains(auth.Codes(), name) {
			t.Errorf("%s: there is no code %s", where, name)
		}
	}
	plain := texts.ReplaceAllString(expr, `""`)
	if strings.Count(plain, "(") != strings.Count(plain, ")") || strings.Count(plain, "{") != strings.Count(plain, "}") {
		t.Errorf("%s: the brackets of %s do not fit", where, expr)
	}
	labels := map[string]bool{}
	named := metric.FindAllStringSubmatch(plain, -1)
	if len(named) == 0 {
		t.Errorf("%s: %s names no metric", where, expr)
	}
	for _, match := range named {
		have, ok := known[match[1]]
		if !ok {
			t.Errorf("%s: no server has the metric %s", where, match[1])
			continue
		}
		maps.Copy(labels, have)
		for _, label := range matcher.FindAllStringSubmatch(match[2], -1) {
			if !have[label[1]] {
				t.Errorf("%s: %s has no label %s", where, match[1], label[1])
			}
		}
	}
	for _, match := range grouping.FindAllStringSubmatch(plain, -1) {
		for label := range strings.SplitSeq(match[1], ",") {
			if label = strings.TrimSpace(label); !labels[label] {
				t.Errorf("%s: no metric of %s has the label %s", where, expr, label)
			}
		}
	}
}

func deployed(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "deploy"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAlertRulesNameMetricsThatExist(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
			Name string `yaml:"name"`
		} `yaml:"groups"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(deployed(t, "prometheus", "catalpa.rules.yaml"))))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	known, seen := served(t), map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || seen[rule.Alert] {
				t.Errorf("an alert has no name, or that of another: %q", rule.Alert)
			}
			seen[rule.Alert] = true
			if rule.Annotations["summary"] == "" || rule.Annotations["action"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s says not what is wrong, what to do and how bad it is", rule.Alert)
			}
			judge(t, rule.Alert, rule.Expr, known)
		}
	}
	if len(seen) < 10 {
		t.Fatalf("only %d alerts were found", len(seen))
	}
}

func TestDashboardNamesMetricsThatExist(t *testing.T) {
	var board struct {
		Panels []struct {
			ID      int    `json:"id"`
			Type    string `json:"type"`
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(deployed(t, "grafana", "catalpa.json"), &board); err != nil {
		t.Fatal(err)
	}
	known, ids := served(t), map[int]bool{}
	used := ""
	for _, panel := range board.Panels {
		if ids[panel.ID] || panel.Title == "" || panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("the panel %d, %q, has the number of another, no title or nothing to show", panel.ID, panel.Title)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			judge(t, "the panel "+panel.Title, target.Expr, known)
			used += target.Expr + "\n"
		}
	}
	// What is measured is worth a look, too.
	for name := range known {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count"), "_bucket")
		switch base {
		case "catalpa_index_position", "catalpa_index_check_running", "catalpa_index_check_entities", "catalpa_index_check_ended_timestamp_seconds":
			continue // for those who look for a cause
		}
		if strings.HasPrefix(name, "catalpa_") && !strings.Contains(used, base) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// TestJudgeFindsFaults: a test that finds nothing would say nothing.
func TestJudgeFindsFaults(t *testing.T) {
	known := served(t)
	for _, expr := range []string{
		`rate(catalpa_nothing_total[5m])`, `catalpa_jobs{color="red"}`, `sum by (color) (catalpa_jobs)`, `sum(catalpa_jobs`, `catalpa_refusals_total{code="SEC-NO-CODE"}`, `1 + 1`,
	} {
		probe := &testing.T{}
		judge(probe, "a fault", expr, known)
		if !probe.Failed() {
			t.Errorf("nothing is found wrong with %s", expr)
		}
	}
}
