package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// A golden file describes a small world and what people may do in it, in
// sentences that need no knowledge of the program. See testdata/golden/README.md.
type goldenFile struct {
	About    string                  `yaml:"about"`
	Policies map[string][]string     `yaml:"policies"`
	Disabled []string                `yaml:"disabled"`
	Roles    map[string][]string     `yaml:"roles"`
	Teams    map[string]goldenTeam   `yaml:"teams"`
	People   map[string]goldenPerson `yaml:"people"`
	Things   map[string]goldenThing  `yaml:"things"`
	Cases    []string                `yaml:"cases"`
}

type goldenTeam struct {
	Under    string   `yaml:"under"`
	Roles    []string `yaml:"roles"`
	Policies []string `yaml:"policies"`
}

type goldenPerson struct {
	Admin   bool     `yaml:"admin"`
	Bot     bool     `yaml:"bot"`
	Roles   []string `yaml:"roles"`
	Teams   []string `yaml:"teams"`
	Domains []string `yaml:"domains"`
}

type goldenThing struct {
	Type          string   `yaml:"type"`
	Owners        []string `yaml:"owners"`
	Reviewers     []string `yaml:"reviewers"`
	Tags          []string `yaml:"tags"`
	Domains       []string `yaml:"domains"`
	Certification string   `yaml:"certification"`
}

func idOf(kind, name string) entity.ID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(kind+"/"+name))
}

var (
	ruleSentence = regexp.MustCompile(`^(allow|deny) ([A-Za-z, ]+) on ([A-Za-z, ]+?)(?: when (.+))?$`)
	caseSentence = regexp.MustCompile(`^(\S+) (may not|may) ([A-Za-z, ]+) on (every )?(\S+?)(?:, (by|missing|forbidden by|as) (.+))?$`)
)

func parseOperations(t *testing.T, text string) []Operation {
	t.Helper()
	var ops []Operation
	for _, name := range splitList(text) {
		op, err := ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (g *goldenFile) policy(t *testing.T, name string) Policy {
	t.Helper()
	sentences, ok := g.Policies[name]
	if !ok {
		t.Fatalf("no policy %s", name)
	}
	p := Policy{Name: name, FQN: name, Enabled: !slices.Contains(g.Disabled, name)}
	for i, sentence := range sentences {
		m := ruleSentence.FindStringSubmatch(sentence)
		if m == nil {
			t.Fatalf("policy %s: cannot read %q", name, sentence)
		}
		p.Rules = append(p.Rules, Rule{
			Name: fmt.Sprintf("%s-%d", name, i+1), Effect: Effect(m[1]),
			Operations: parseOperations(t, m[2]), Resources: splitList(m[3]), Condition: m[4],
		})
	}
	return p
}

func (g *goldenFile) policies(t *testing.T, names []string) []Policy {
	t.Helper()
	var list []Policy
	for _, name := range names {
		list = append(list, g.policy(t, name))
	}
	return list
}

func (g *goldenFile) roleGrants(t *testing.T, roles []string, source Source) []Grant {
	t.Helper()
	var grants []Grant
	for _, role := range roles {
		names, ok := g.Roles[role]
		if !ok {
			t.Fatalf("no role %s", role)
		}
		grants = append(grants, Grant{Role: role, Policies: g.policies(t, names), Source: source})
	}
	return grants
}

// chain is the team with all teams above it.
func (g *goldenFile) chain(t *testing.T, team string) []string {
	t.Helper()
	var names []string
	for team != "" {
		if _, ok := g.Teams[team]; !ok {
			t.Fatalf("no team %s", team)
		}
		names = append(names, team)
		team = g.Teams[team].Under
	}
	return names
}

func (g *goldenFile) subject(t *testing.T, name string) *Subject {
	t.Helper()
	person, ok := g.People[name]
	if !ok {
		t.Fatalf("no person %s", name)
	}
	s := &Subject{ID: idOf("user", name), Name: name, Admin: person.Admin, Bot: person.Bot}
	s.Grants = g.roleGrants(t, person.Roles, Source{Via: ViaUser})
	for _, team := range person.Teams {
		chain := g.chain(t, team)
		s.Teams = append(s.Teams, Team{ID: idOf("team", team), Name: team, Ancestors: chain[1:]})
		for i, each := range chain {
			source := Source{Via: ViaTeam, Team: each}
			if g.Teams[each].Under == "" {
				source.Via = ViaOrganization
			} else if i > 0 {
				source.Via = ViaInherited
			}
			s.Grants = append(s.Grants, g.roleGrants(t, g.Teams[each].Roles, source)...)
			s.Grants = append(s.Grants, Grant{Policies: g.policies(t, g.Teams[each].Policies), Source: source})
		}
	}
	for _, domain := range person.Domains {
		s.Domains = append(s.Domains, entity.Ref{ID: idOf("domain", domain), Type: "domain", FullyQualifiedName: domain})
	}
	return s.Compile()
}

func refTo(text string) entity.Ref {
	if team, ok := strings.CutPrefix(text, "team "); ok {
		return entity.Ref{ID: idOf("team", team), Type: "team", Name: team}
	}
	return entity.Ref{ID: idOf("user", text), Type: "user", Name: text}
}

func (g *goldenFile) resource(t *testing.T, name string) *Resource {
	t.Helper()
	thing, ok := g.Things[name]
	if !ok {
		t.Fatalf("no thing %s", name)
	}
	r := &Resource{Type: thing.Type, ID: idOf(thing.Type, name), FQN: name, Certification: thing.Certification}
	var grants []Grant
	for _, owner := range thing.Owners {
		r.Owners = append(r.Owners, refTo(owner))
		if team, ok := strings.CutPrefix(owner, "team "); ok {
			for _, each := range g.chain(t, team) {
				r.Teams = append(r.Teams, each)
				grants = append(grants, Grant{Policies: g.policies(t, g.Teams[each].Policies), Source: Source{Via: ViaResource, Team: each}})
			}
			continue
		}
		for _, team := range g.People[owner].Teams {
			r.Teams = append(r.Teams, g.chain(t, team)...)
		}
	}
	for _, reviewer := range thing.Reviewers {
		r.Reviewers = append(r.Reviewers, refTo(reviewer))
	}
	for _, tag := range thing.Tags {
		r.Tags = append(r.Tags, entity.TagLabel{TagFQN: tag, Source: "Classification"})
	}
	for _, domain := range thing.Domains {
		r.Domains = append(r.Domains, entity.Ref{ID: idOf("domain", domain), Type: "domain", FullyQualifiedName: domain})
	}
	r.Rules = Compile(grants)
	return r
}

// check runs one sentence such as "ann may not Delete on orders, missing Delete".
func (g *goldenFile) check(t *testing.T, sentence string) {
	t.Helper()
	m := caseSentence.FindStringSubmatch(sentence)
	if m == nil {
		t.Fatalf("cannot read this case")
	}
	ops := parseOperations(t, m[3])
	s := g.subject(t, m[1])
	for _, problem := range s.Rules.Problems() {
		t.Error(problem)
	}
	r := &Resource{Type: m[5]}
	if m[4] == "" {
		r = g.resource(t, m[5])
	}
	d := Decide(s, r, ops...)
	if want := m[2] == "may"; d.Allowed != want {
		t.Errorf("allowed = %v (%+v)", d.Allowed, Explain(s, r, ops...).Rules)
	}
	switch m[6] {
	case "by", "forbidden by":
		got := d.Rule + d.through()
		if got != m[7] || (d.Effect == Deny) != (m[6] == "forbidden by") {
			t.Errorf("decided by %q (%s), expected %q", got, d.Effect, m[7])
		}
	case "missing":
		if want := SetOf(parseOperations(t, m[7])...); d.Missing != want || d.Effect == Deny {
			t.Errorf("missing %s (%s), expected %s", d.Missing, d.Effect, want)
		}
	case "as":
		if !d.Admin {
			t.Errorf("not decided by being %s", m[7])
		}
	}
	checkExplained(t, s, r, ops, d)
}

// checkExplained asks that the explanation agrees with the decision.
func checkExplained(t *testing.T, s *Subject, r *Resource, ops []Operation, d Decision) {
	t.Helper()
	e := Explain(s, r, ops...)
	deciding := 0
	for _, c := range e.Rules {
		if c.Deciding {
			deciding++
			if c.Rule != d.Rule || c.Policy != d.Policy {
				t.Errorf("explanation marks rule %s, decision names %s", c.Rule, d.Rule)
			}
			if c.Verdict != VerdictAllowed && c.Verdict != VerdictDenied {
				t.Errorf("deciding rule %s has verdict %s", c.Rule, c.Verdict)
			}
		}
	}
	if (d.Rule != "") != (deciding == 1) || deciding > 1 {
		t.Errorf("%d deciding rules for decision by %q", deciding, d.Rule)
	}
	if e.Allowed != d.Allowed || (d.Err() == nil) != d.Allowed {
		t.Error("explanation, decision and error disagree")
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(data)))
		decoder.KnownFields(true)
		var g goldenFile
		if err := decoder.Decode(&g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		total += len(g.Cases)
		for _, sentence := range g.Cases {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+sentence, func(t *testing.T) { g.check(t, sentence) })
		}
	}
	if total < 60 {
		t.Errorf("only %d golden cases were found", total)
	}
}
