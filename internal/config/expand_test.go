package config

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// expandText cuts the references out of a text and puts their values back, as
// loading a file does around the YAML parser.
func expandText(text string, env map[string]string) (string, []string) {
	cut, refs := cutReferences(text)
	e := &expander{lookup: lookupIn(env), refs: refs}
	return e.restore(cut), e.missing
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "one", "EMPTY": "", "TRICKY": "x: ${A} # no\n- y"}
	tests := []struct {
		in, want, missing string
	}{
		{"plain", "plain", ""},
		{"${A}", "one", ""},
		{"<${A}-${A}>", "<one-one>", ""},
		{"${A:-two}", "one", ""},
		{"${B:-two}", "two", ""},
		{"${B:-}", "", ""},
		{"${EMPTY:-two}", "", ""},
		{"${B:-${A}}", "one", ""},
		{"${B:-${C:-${A}x}y}z", "onexyz", ""},
		{"${B:-[a, b]}", "[a, b]", ""},
		{"${B:-a:-b}", "a:-b", ""},
		{"${B}", "", "B"},
		{"${B:-${C}}", "", "C"},
		{"$${A}", "${A}", ""},
		{"${B:-$${A}}", "${A}", ""},
		{"${A", "${A", ""},
		{"${A\n}", "${A\n}", ""},
		{"$A {A}", "$A {A}", ""},
		{"${}", "${}", ""},
		{"${1A}", "${1A}", ""},
		{"${A B}", "${A B}", ""},
		{"${TRICKY}", "x: ${A} # no\n- y", ""},
	}
	for _, test := range tests {
		got, missing := expandText(test.in, env)
		if got != test.want || strings.Join(missing, ",") != test.missing {
			t.Errorf("%q: got %q missing %v, want %q missing %q", test.in, got, missing, test.want, test.missing)
		}
	}
}

func TestVariablesCannotChangeTheStructure(t *testing.T) {
	env := map[string]string{"OPENMETADATA_CLUSTER_NAME": "", "X": "a\nmode: production"}
	_, findings, err := load(t, "clusterName: ${X}\n", env)
	if err == nil || !hasFinding(findings, Error, "clusterName", "one line") {
		t.Errorf("findings %v", findings)
	}
	cfg, _, err := load(t, "clusterName: ${Y}\ndataDir: ${Z:-{a: b}}\n", map[string]string{"Y": "{mode: production} # x: y"})
	if err != nil || cfg.ClusterName != "{mode: production} # x: y" || cfg.Mode != Development || cfg.DataDir != "{a: b}" {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestReferencesInFlowAndQuotes(t *testing.T) {
	text := "authorizerConfiguration: {adminPrincipals: [\"${A:-x}\", ${B:-y}]}\nclusterName: '${A:-\"kept\"}'\n"
	cfg, _, err := load(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cfg.Authorizer.AdminPrincipals, "+"); got != "x+y" {
		t.Errorf("principals %q", got)
	}
	if cfg.ClusterName != `"kept"` {
		t.Errorf("cluster %q", cfg.ClusterName)
	}
}

// A text without references is its own expansion, and cutting loses nothing.
func TestExpandProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z:\- ${}"#\n]{0,40}`).Draw(t, "text")
		cut, refs := cutReferences(text)
		e := &expander{refs: refs, lookup: lookupIn(nil)}
		if back := e.raw(cut); back != text {
			t.Fatalf("%q came back as %q", text, back)
		}
		if len(refs) == 0 && e.restore(cut) != text {
			t.Fatalf("%q changed without references", text)
		}
	})
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"${A:-b}", "$${A}", "${A:-${B:-${C}}}", "${", "}", "${A:-}}", "x: ${A} # ${B", "\uE0000\uE001"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, text, variable string) {
		if len(text) > 1<<12 || len(variable) > 1<<8 {
			return
		}
		got, _ := expandText(text, map[string]string{"A": variable})
		if most := len(text) * (len(variable) + 1); len(got) > most+len(text) {
			t.Errorf("%d bytes grew to %d", len(text), len(got))
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"clusterName: x\n", "a: &a [*a]\n", "server:\n  applicationConnectors:\n  - port: ${P:-1}\n", "- 1\n", "\xff", "? {a: b}\n: c\n", "<<: x\n", "mode: !!binary x\n"} {
		f.Add([]byte(seed))
	}
	keys := knownKeys()
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, finding := parseDocument(data)
		if finding != nil || doc.root == nil {
			return
		}
		if doc.root.Kind != yaml.MappingNode {
			t.Fatalf("a document of kind %d was accepted", doc.root.Kind)
		}
		c := &collector{keys: keys, expand: &expander{lookup: lookupIn(nil), refs: doc.refs}, values: map[string]value{}, noticed: map[string]bool{}}
		c.mapping(doc.root, "", "")
		b := &binder{values: c.values, lookup: lookupIn(nil), sources: map[string]string{}}
		cfg := b.bind()
		if cfg.Server.Port < 0 || cfg.Server.Port > 65535 || cfg.Limits.MaxBodyBytes <= 0 {
			t.Errorf("values out of their bounds: %+v", cfg)
		}
	})
}
