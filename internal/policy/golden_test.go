package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// A golden file describes a small world and what people may do in it, in
// sentences that need no knowledge of the program. See testdata/golden/README.md.
type goldenFile struct {
	About    string                  `yaml:"about"`
	Fresh    bool                    `yaml:"fresh"`
	Policies map[string][]string     `yaml:"policies"`
	Disabled []string                `yaml:"disabled"`
	Broken   []string                `yaml:"unreadable"`
	Roles    map[string][]string     `yaml:"roles"`
	Teams    map[string]goldenTeam   `yaml:"teams"`
	People   map[string]goldenPerson `yaml:"people"`
	Things   map[string]goldenThing  `yaml:"things"`
	Cases    []string                `yaml:"cases"`

	fresh map[string][]Rule // the policies of a fresh catalog
}

type goldenTeam struct {
	Under    goldenNames `yaml:"under"`
	Roles    []string    `yaml:"roles"`
	Policies []string    `yaml:"policies"`
	Domains  []string    `yaml:"domains"`
}

// goldenNames is one name or a list of them.
type goldenNames []string

func (n *goldenNames) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(n))
	}
	*n = goldenNames{node.Value}
	return nil
}

type goldenPerson struct {
	Admin   bool     `yaml:"admin"`
	Bot     bool     `yaml:"bot"`
	Roles   []string `yaml:"roles"`
	Teams   []string `yaml:"teams"`
	Domains []string `yaml:"domains"`
}

type goldenThing struct {
	Type          string              `yaml:"type"`
	Owners        []string            `yaml:"owners"`
	Reviewers     []string            `yaml:"reviewers"`
	Tags          []string            `yaml:"tags"`
	Terms         []string            `yaml:"terms"`
	Columns       map[string][]string `yaml:"columns"`
	Domains       []string            `yaml:"domains"`
	Certification string              `yaml:"certification"`
}

func idOf(kind, name string) entity.ID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(kind+"/"+name))
}

var (
	ruleSentence = regexp.MustCompile(`^(allow|deny) ([A-Za-z, ]+) on ([A-Za-z, ]+?)(?: when (.+))?$`)
	caseSentence = regexp.MustCompile(`^(\S+) (may not|may) ([A-Za-z, ]+) on (every )?(\S+?)(?:, (by|missing|forbidden by|as) (.+?))?(?: because (.+) is (.+))?$`)
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
	if !ok && g.fresh[name] == nil {
		t.Fatalf("no policy %s", name)
	}
	p := Policy{Name: name, FQN: name, Enabled: !slices.Contains(g.Disabled, name)}
	if rules, ok := g.fresh[name]; ok {
		p.Rules = rules
		return p
	}
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

// chain is the team with all teams above it, each once.
func (g *goldenFile) chain(t *testing.T, team string) []string {
	t.Helper()
	names := []string{team}
	for i := 0; i < len(names); i++ {
		if _, ok := g.Teams[names[i]]; !ok {
			t.Fatalf("no team %s", names[i])
		}
		for _, above := range g.Teams[names[i]].Under {
			if !slices.Contains(names, above) {
				names = append(names, above)
			}
		}
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
			if len(g.Teams[each].Under) == 0 {
				source.Via = ViaOrganization
			} else if i > 0 {
				source.Via = ViaInherited
			}
			s.Grants = append(s.Grants, g.roleGrants(t, g.Teams[each].Roles, source)...)
			s.Grants = append(s.Grants, Grant{Policies: g.policies(t, g.Teams[each].Policies), Source: source})
		}
	}
	domains := slices.Clone(person.Domains)
	for _, team := range person.Teams {
		for _, each := range g.chain(t, team) {
			domains = append(domains, g.Teams[each].Domains...)
		}
	}
	for _, domain := range domains {
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
		team, ok := strings.CutPrefix(owner, "team ")
		if !ok {
			for _, team := range g.People[owner].Teams {
				r.Teams = append(r.Teams, g.chain(t, team)...)
			}
			continue
		}
		for _, each := range g.chain(t, team) {
			r.Teams = append(r.Teams, each)
			if len(g.Teams[each].Under) > 0 { // those of the organisation reach everybody already
				grants = append(grants, Grant{Policies: g.policies(t, g.Teams[each].Policies), Source: Source{Via: ViaResource, Team: each}})
			}
		}
	}
	for _, reviewer := range thing.Reviewers {
		r.Reviewers = append(r.Reviewers, refTo(reviewer))
	}
	for _, tag := range thing.Tags {
		r.Tags = append(r.Tags, entity.TagLabel{TagFQN: tag, Source: "Classification"})
	}
	for _, term := range thing.Terms {
		r.Tags = append(r.Tags, entity.TagLabel{TagFQN: term, Source: "Glossary"})
	}
	for _, tags := range thing.Columns {
		for _, tag := range tags {
			r.Tags = append(r.Tags, entity.TagLabel{TagFQN: tag, Source: "Classification"})
		}
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
		if !slices.ContainsFunc(g.Broken, func(name string) bool { return strings.HasPrefix(problem.Error(), "policy "+name+",") }) {
			t.Error(problem)
		}
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
	if m[8] != "" {
		checkBecause(t, Explain(s, r, ops...), m[8], m[9])
	}
}

// becauseVerdicts are the words for what became of a rule that did not decide.
var becauseVerdicts = map[string]Verdict{
	"switched off": VerdictDisabled, "about other types": VerdictResource, "about other operations": VerdictOperation,
	"not fulfilled": VerdictCondition, "unreadable": VerdictBroken,
}

// checkBecause looks a reason up in the explanation: the answer to a question such
// as isOwner(), or what became of a rule.
func checkBecause(t *testing.T, e Explanation, what, answer string) {
	t.Helper()
	verdict, ofRule := becauseVerdicts[answer]
	if !ofRule && answer != "true" && answer != "false" {
		t.Fatalf("cannot read the reason %q", answer)
	}
	for _, c := range e.Rules {
		if ofRule && c.Rule == what && c.Verdict == verdict {
			return
		}
		if !ofRule && slices.Contains(c.Answers, Answer{Call: what, Value: answer == "true"}) {
			return
		}
	}
	t.Errorf("the explanation does not say that %s is %s: %+v", what, answer, e.Rules)
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

// leastGolden is how many cases there have to be.
const leastGolden = 300

func readGolden(t *testing.T, file string) *goldenFile {
	t.Helper()
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
	if g.Fresh {
		g.addFresh(t)
	}
	return &g
}

// addFresh adds the policies and roles that a new catalog begins with.
func (g *goldenFile) addFresh(t *testing.T) {
	t.Helper()
	g.fresh = map[string][]Rule{}
	var policies []struct {
		Name  string `json:"name"`
		Rules []Rule `json:"rules"`
	}
	readSeed(t, "policies", &policies)
	for _, p := range policies {
		g.fresh[p.Name] = p.Rules
	}
	var roles []struct {
		Name     string `json:"name"`
		Policies []struct {
			ID string `json:"id"`
		} `json:"policies"`
	}
	readSeed(t, "roles", &roles)
	if g.Roles == nil {
		g.Roles = map[string][]string{}
	}
	for _, role := range roles {
		for _, p := range role.Policies {
			g.Roles[role.Name] = append(g.Roles[role.Name], strings.TrimPrefix(p.ID, "$id:policy:"))
		}
	}
}

func readSeed(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "seed", "data", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("seed data %s: %v", name, err)
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		g := readGolden(t, file)
		total += len(g.Cases)
		seen := map[string]bool{}
		for _, sentence := range g.Cases {
			if seen[sentence] {
				t.Errorf("%s says %q twice", file, sentence)
			}
			seen[sentence] = true
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+sentence, func(t *testing.T) { g.check(t, sentence) })
		}
	}
	if total < leastGolden {
		t.Errorf("there are %d golden cases, and there must be %d", total, leastGolden)
	}
}

// TestGoldenUsesEveryRole keeps the cases complete: every policy and role of a
// fresh catalog has its own sentences.
func TestGoldenUsesEveryRole(t *testing.T) {
	g := readGolden(t, "testdata/golden/seed.yaml")
	used := map[string]bool{}
	for _, sentence := range g.Cases {
		m := caseSentence.FindStringSubmatch(sentence)
		if m == nil {
			t.Fatalf("cannot read %q", sentence)
		}
		for _, role := range g.subject(t, m[1]).Rules.Roles() {
			used[role] = true
		}
	}
	for role := range g.Roles {
		if !used[role] {
			t.Errorf("no case in seed.yaml is about somebody with the role %s", role)
		}
	}
}
