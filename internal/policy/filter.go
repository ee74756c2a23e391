package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// FactKind names what a filter may ask of a resource.
type FactKind string

// The kinds of facts. Owners and reviewers are users and teams by id, domains go
// by id and by FQN, tags and certifications by FQN.
const (
	FactID            FactKind = "id"
	FactOwner         FactKind = "owner"
	FactReviewer      FactKind = "reviewer"
	FactDomain        FactKind = "domain"
	FactTag           FactKind = "tag"
	FactCertification FactKind = "certification"
	FactAbout         FactKind = "about" // the type of what the resource is about
)

// Fact spells one fact as indexes keep it: "owner=0f1e...". Without a value it
// says that there is a fact of this kind at all: "owner".
func Fact(kind FactKind, value string) string {
	if value == "" {
		return string(kind)
	}
	return string(kind) + "=" + value
}

// FactsOf lists all that a filter can ask of the resource.
func FactsOf(r *Resource) []string {
	facts := []string{Fact(FactID, r.ID.String())}
	add := func(kind FactKind, values ...string) {
		for _, value := range values {
			if value != "" {
				facts = append(facts, Fact(kind, value))
			}
		}
	}
	for kind, refs := range map[FactKind][]entity.Ref{FactOwner: r.Owners, FactReviewer: r.Reviewers, FactDomain: r.Domains} {
		if len(refs) > 0 {
			facts = append(facts, Fact(kind, ""))
		}
		for i := range refs {
			add(kind, namesOf(kind, &refs[i])...)
		}
	}
	for i := range r.Tags {
		add(FactTag, r.Tags[i].TagFQN)
	}
	add(FactCertification, r.Certification)
	slices.Sort(facts)
	return slices.Compact(facts)
}

// AboutFacts lists what a filter can ask of a resource that is about this one.
func AboutFacts(r *Resource) []string {
	facts := []string{Fact(FactAbout, r.Type)}
	for _, fact := range FactsOf(r) {
		facts = append(facts, AboutFact(fact))
	}
	return facts
}

// AboutFact spells a fact as one of a resource that is about the one that has it.
func AboutFact(fact string) string { return string(FactAbout) + "." + fact }

// namesOf are the values by which a reference can be found: domains are the same
// by id or by FQN.
func namesOf(kind FactKind, ref *entity.Ref) []string {
	var names []string
	if ref.ID != entity.NilID {
		names = append(names, ref.ID.String())
	}
	if kind == FactDomain {
		names = append(names, ref.FullyQualifiedName)
	}
	return names
}

// FilterKind says what a node of a filter is.
type FilterKind uint8

// The kinds of nodes.
const (
	FilterNone FilterKind = iota // no resource
	FilterAll                    // every resource
	FilterHas                    // one of the facts
	FilterNot                    // one operand
	FilterAnd                    // two operands or more
	FilterOr                     // two operands or more
)

// Filter says which resources of one type somebody may act on: the rules that
// reach them, with everything known of them filled in, so that questions to the
// resource alone are left. FilterAll and FilterNone occur at the top only.
type Filter struct {
	Kind     FilterKind
	Facts    []string // of FilterHas; spelled by Fact
	Operands []Filter // of FilterNot, FilterAnd and FilterOr

	text string // what String returns, for filters that are kept
}

// Holds evaluates the filter on the facts of a resource, see FactsOf.
func (f Filter) Holds(facts []string) bool {
	switch f.Kind {
	case FilterAll:
		return true
	case FilterHas:
		return slices.ContainsFunc(f.Facts, func(fact string) bool { return slices.Contains(facts, fact) })
	case FilterNot:
		return !f.Operands[0].Holds(facts)
	case FilterAnd:
		return !slices.ContainsFunc(f.Operands, func(o Filter) bool { return !o.Holds(facts) })
	case FilterOr:
		return slices.ContainsFunc(f.Operands, func(o Filter) bool { return o.Holds(facts) })
	}
	return false
}

// Or widens a filter by resources that have one of the facts.
func (f Filter) Or(facts ...string) Filter { return anyOf(f, has(facts...)).spelled() }

// Without narrows a filter by the resources of another.
func (f Filter) Without(other Filter) Filter { return allOf(f, not(other)).spelled() }

// About turns a filter of one type into one of the resources that are about what it
// holds for.
func (f Filter) About(typ string) Filter {
	return allOf(has(Fact(FactAbout, typ)), f.about()).spelled()
}

func (f Filter) about() Filter {
	out := Filter{Kind: f.Kind}
	for _, fact := range f.Facts {
		out.Facts = append(out.Facts, AboutFact(fact))
	}
	for _, operand := range f.Operands {
		out.Operands = append(out.Operands, operand.about())
	}
	return out
}

// spelled keeps the filter's text with it.
func (f Filter) spelled() Filter {
	f.text = ""
	f.text = f.String()
	return f
}

// Surroundings is what a filter needs to know beyond the subject.
type Surroundings struct {
	// Members returns the users and teams below a team, and the team itself.
	Members func(team string) []entity.ID
	// Teams are the policies that hang on teams: they reach what the team and
	// those below it own. What a member owns is the member's.
	Teams []TeamRules
}

// TeamRules are the policies that hang on one team, compiled with ViaResource as
// their source, and that team with all below it.
type TeamRules struct {
	Team  string
	Below []entity.ID
	Rules *Ruleset
}

// FilterFor tells on which resources of a type Decide would let the subject do
// all the operations. For a type on which nothing depends on the resource, it
// is FilterAll or FilterNone.
func FilterFor(s *Subject, typ string, around Surroundings, ops ...Operation) Filter {
	if s.Admin {
		return Filter{Kind: FilterAll}
	}
	want := SetOf(ops...)
	if want == 0 {
		want = setOf(ViewBasic)
	}
	p := partial{s: s, typ: typ, members: around.Members, byOperation: map[Operation][]Filter{}}
	p.read(s.Rules.on(typ), want, Filter{Kind: FilterAll})
	for _, t := range around.Teams {
		if rules := t.Rules.on(typ); rules.mention(want) {
			p.read(rules, want, ownedBy(t.Below))
		}
	}
	parts := []Filter{not(anyOf(p.denied...))}
	for _, op := range want.List() {
		parts = append(parts, anyOf(p.byOperation[op]...))
	}
	return allOf(parts...).spelled()
}

// HiddenFor tells which resources of a type a rule hides from the subject: those
// for which Hidden does not allow it.
func HiddenFor(s *Subject, typ string, around Surroundings) Filter {
	if s.Admin {
		return Filter{Kind: FilterNone}
	}
	p := partial{s: s, typ: typ, members: around.Members, byOperation: map[Operation][]Filter{}}
	p.read(s.Rules.on(typ), setOf(ViewBasic), Filter{Kind: FilterAll})
	for _, t := range around.Teams {
		if rules := t.Rules.on(typ); rules.mention(setOf(ViewBasic)) {
			p.read(rules, setOf(ViewBasic), ownedBy(t.Below))
		}
	}
	return anyOf(p.denied...).spelled()
}

// partial evaluates rules as far as the subject goes.
type partial struct {
	s           *Subject
	typ         string
	members     func(team string) []entity.ID
	denied      []Filter
	byOperation map[Operation][]Filter // what allows each
}

// read adds the rules that reach the resources within.
func (p *partial) read(rules *rulesOnType, want OperationSet, within Filter) {
	if rules == nil {
		return
	}
	for _, c := range rules.deny {
		if c.covers&(want|setOf(ViewBasic)) != 0 { // see deniedBy
			p.denied = append(p.denied, allOf(within, p.rule(c)))
		}
	}
	for _, c := range rules.allow {
		if c.covers&want == 0 {
			continue
		}
		f := allOf(within, p.rule(c))
		for _, op := range (c.covers & want).List() {
			p.byOperation[op] = append(p.byOperation[op], f)
		}
	}
}

// mention tells whether any rule is about one of the operations.
func (r *rulesOnType) mention(want OperationSet) bool {
	return r != nil && (r.denyCovers&(want|setOf(ViewBasic))|r.allowCovers&want) != 0
}

func (p *partial) rule(c *compiledRule) Filter {
	switch {
	case c.broken:
		return constant(c.rule.Effect == Deny)
	case c.condition == nil:
		return constant(true)
	}
	return p.expr(&c.condition.root, c.source.Team)
}

func (p *partial) expr(e *Expr, team string) Filter {
	operands := make([]Filter, len(e.Operands))
	for i := range e.Operands {
		operands[i] = p.expr(&e.Operands[i], team)
	}
	switch e.Kind {
	case Not:
		return not(operands[0])
	case And:
		return allOf(operands...)
	case Or:
		return anyOf(operands...)
	}
	return p.call(e, team)
}

// call answers what the subject decides and asks the resource for the rest.
func (p *partial) call(e *Expr, team string) Filter {
	switch e.Function {
	case FuncHasAnyRole, FuncInAnyTeam:
		return constant(e.Function.evaluate(e.Args, &Facts{Subject: p.s, Resource: &Resource{Type: p.typ}}))
	case FuncIsOwner:
		return has(p.selves(FactOwner)...)
	case FuncIsReviewer:
		return has(p.selves(FactReviewer)...)
	case FuncNoOwner:
		return not(has(Fact(FactOwner, "")))
	case FuncNoDomain:
		return not(has(Fact(FactDomain, "")))
	case FuncHasDomain:
		return p.hasDomain()
	case FuncMatchTeam:
		if team == "" || !p.s.Under(team) {
			return constant(false)
		}
		return p.ownedUnder(team)
	case FuncMatchAnyTag:
		return has(factsFor(FactTag, e.Args)...)
	case FuncMatchAnyCertification:
		return has(factsFor(FactCertification, e.Args)...)
	case FuncMatchAllTags:
		all := []Filter{constant(len(e.Args) > 0)}
		for _, arg := range e.Args {
			all = append(all, has(factsFor(FactTag, []string{arg})...))
		}
		return allOf(all...)
	}
	return constant(false)
}

// selves are the facts of whoever the subject counts as: itself and its teams.
func (p *partial) selves(kind FactKind) []string {
	var facts []string
	if p.s.ID != entity.NilID {
		facts = append(facts, Fact(kind, p.s.ID.String()))
	}
	for i := range p.s.Teams {
		if id := p.s.Teams[i].ID; id != entity.NilID {
			facts = append(facts, Fact(kind, id.String()))
		}
	}
	return facts
}

func (p *partial) hasDomain() Filter {
	if outsideDomains(p.typ) {
		return constant(true)
	}
	if len(p.s.Domains) == 0 {
		return not(has(Fact(FactDomain, "")))
	}
	var names []string
	for i := range p.s.Domains {
		names = append(names, namesOf(FactDomain, &p.s.Domains[i])...)
	}
	return has(factsFor(FactDomain, names)...)
}

// ownedUnder are the resources that a team owns, or anybody in it or below it.
func (p *partial) ownedUnder(team string) Filter {
	if team == "" || p.members == nil {
		return constant(false)
	}
	return ownedBy(p.members(team))
}

// ownedBy are the resources that one of the users or teams owns.
func ownedBy(owners []entity.ID) Filter {
	facts := make([]string, len(owners))
	for i, id := range owners {
		facts[i] = Fact(FactOwner, id.String())
	}
	return has(facts...)
}

func factsFor(kind FactKind, values []string) []string {
	var facts []string
	for _, value := range values {
		if value != "" {
			facts = append(facts, Fact(kind, value))
		}
	}
	return facts
}

func constant(all bool) Filter {
	if all {
		return Filter{Kind: FilterAll}
	}
	return Filter{Kind: FilterNone}
}

func has(facts ...string) Filter {
	if len(facts) == 0 {
		return constant(false)
	}
	return Filter{Kind: FilterHas, Facts: facts}
}

func not(f Filter) Filter {
	switch f.Kind {
	case FilterAll, FilterNone:
		return constant(f.Kind == FilterNone)
	case FilterNot:
		return f.Operands[0]
	}
	return Filter{Kind: FilterNot, Operands: []Filter{f}}
}

func allOf(parts ...Filter) Filter { return join(FilterAnd, FilterAll, FilterNone, parts) }

// anyOf also joins lists of facts into one.
func anyOf(parts ...Filter) Filter {
	var facts []string
	rest := make([]Filter, 0, len(parts))
	for _, part := range parts {
		if part.Kind == FilterHas {
			facts = append(facts, part.Facts...)
			continue
		}
		rest = append(rest, part)
	}
	if len(facts) > 0 {
		slices.Sort(facts)
		rest = append(rest, has(slices.Compact(facts)...))
	}
	return join(FilterOr, FilterNone, FilterAll, rest)
}

// join makes a list of one kind: neutral parts add nothing, one that decides it
// all stands for the whole.
func join(kind, neutral, deciding FilterKind, parts []Filter) Filter {
	out := Filter{Kind: kind}
	for _, part := range parts {
		switch part.Kind {
		case neutral:
		case deciding:
			return part
		case kind:
			out.Operands = append(out.Operands, part.Operands...)
		default:
			out.Operands = append(out.Operands, part)
		}
	}
	switch len(out.Operands) {
	case 0:
		return Filter{Kind: neutral}
	case 1:
		return out.Operands[0]
	}
	return out
}

// String writes the filter in a spelling that tells any two apart.
func (f Filter) String() string {
	if f.text != "" {
		return f.text
	}
	var b strings.Builder
	f.write(&b)
	return b.String()
}

func (f Filter) write(b *strings.Builder) {
	list := func(open string, separator string, parts int, write func(int)) {
		b.WriteString(open)
		for i := range parts {
			if i > 0 {
				b.WriteString(separator)
			}
			write(i)
		}
		b.WriteByte(')')
	}
	switch f.Kind {
	case FilterAll:
		b.WriteString("all")
	case FilterNone:
		b.WriteString("none")
	case FilterHas:
		list("has(", ", ", len(f.Facts), func(i int) { b.WriteString(strconv.Quote(f.Facts[i])) })
	case FilterNot:
		list("not(", "", 1, func(int) { f.Operands[0].write(b) })
	case FilterAnd:
		list("(", " and ", len(f.Operands), func(i int) { f.Operands[i].write(b) })
	case FilterOr:
		list("(", " or ", len(f.Operands), func(i int) { f.Operands[i].write(b) })
	}
}
