package alert

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// Occasion is an event as filters see it.
type Occasion struct {
	EventType  string
	EntityType string
	EntityID   entity.ID
	EntityFQN  string
	User       string
	Bot        bool // User is one of a bot
	Change     *entity.ChangeDescription
	State      []byte // JSON of the entity at the event; nil when it is gone

	// About is what the thread of an event of threads is about; nil for other events.
	About *About

	seen   bool
	state  state
	fields map[string]bool
}

// About is an entity that people talk about.
type About struct {
	Type    string
	ID      entity.ID
	FQN     string
	Owners  []entity.Ref
	Domains []entity.Ref
}

// subject is what filters on entities ask about: with threads, what they are about.
func (o *Occasion) subject() About {
	if o.About != nil {
		return *o.About
	}
	return About{Type: o.EntityType, ID: o.EntityID, FQN: o.EntityFQN, Owners: o.now().Owners, Domains: o.now().Domains}
}

// Thread is what filters and recipients ask of a conversation, a task or an announcement.
type Thread struct {
	Message string `json:"message"`
	Posts   []struct {
		Message string `json:"message"`
	} `json:"posts"`
	Task *struct {
		Assignees []entity.Ref `json:"assignees"`
	} `json:"task"`
}

// Mentions are the users and teams whom the newest words of the thread mention.
func (t *Thread) Mentions() []entity.Link {
	words := t.Message
	if len(t.Posts) > 0 {
		words = t.Posts[len(t.Posts)-1].Message
	}
	return entity.Mentioned(words)
}

// ResourceOf is the resource that an event is of: the type of the entity, or the kind of
// thread, such as conversation.
func ResourceOf(entityType string, state []byte) string {
	if entityType != entity.TypeThread {
		return entityType
	}
	var thread struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(state, &thread) != nil {
		return entityType // of a form nobody knows
	}
	return strings.ToLower(thread.Type)
}

// state is what filters ask of an entity.
type state struct {
	Owners     []entity.Ref `json:"owners"`
	Domains    []entity.Ref `json:"domains"`
	TestSuites []entity.Ref `json:"testSuites"`
	TestSuite  *entity.Ref  `json:"testSuite"`
	Of         *entity.Ref  `json:"entity"`
	EntityFQN  string       `json:"entityFQN"`
	EntityLink string       `json:"entityLink"`
	TestStatus string       `json:"testCaseStatus"`
	Latest     *struct {
		Status string `json:"status"`
	} `json:"latestResult"`
	Run *struct {
		Status string `json:"executionStatus"`
	} `json:"pipelineStatus"`
	Ingestion *struct {
		Status string `json:"pipelineState"`
	} `json:"pipelineStatuses"`
	Thread
}

func (o *Occasion) now() *state {
	if !o.seen {
		o.seen = true
		if o.State != nil && json.Unmarshal(o.State, &o.state) != nil {
			o.state = state{} // of a form nobody knows: no filter on it holds
		}
	}
	return &o.state
}

// Watches tells whether the alert watches entities of the type.
func (f *Filtering) Watches(typ string) bool {
	return f == nil || slices.Contains(f.Resources, All) || slices.Contains(f.Resources, typ)
}

// Matcher is filtering that was read once, for many events.
type Matcher struct {
	filtering *Filtering
	rules     clauses
	actions   clauses
}

// clauses are alternatives, each a list of questions that must all hold.
type clauses [][]question

type question struct {
	condition *policy.Condition
	exclude   bool
}

// NewMatcher reads the conditions. Those that cannot be read, which older servers may
// have stored, are an error: an alert that is not understood sends nothing.
func NewMatcher(f *Filtering) (*Matcher, error) {
	m := &Matcher{filtering: f}
	if f == nil {
		return m, nil
	}
	var err error
	if m.rules, err = clausesOf(f.Rules); err != nil {
		return nil, err
	}
	m.actions, err = clausesOf(f.Actions)
	return m, err
}

// parsed reads the condition of a rule, which may call only what alerts know.
func (r Rule) parsed() (*policy.Condition, error) {
	condition, err := policy.ParseFilter(r.Condition)
	if err == nil {
		err = known(condition.Root())
	}
	if err != nil {
		return nil, entity.BadRequest("filter %s: %s", entity.Shorten(r.Name, 60), err)
	}
	return condition, nil
}

// clausesOf joins rules by their prefixes, of which AND binds more tightly.
func clausesOf(list []Rule) (clauses, error) {
	var out clauses
	for _, rule := range list {
		if rule.Condition == "" {
			continue
		}
		condition, err := rule.parsed()
		if err != nil {
			return nil, err
		}
		q := question{condition: condition, exclude: rule.Effect == exclude}
		if len(out) == 0 || rule.PrefixCondition == prefixOr {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], q)
	}
	return out, nil
}

func (c clauses) hold(o *Occasion) bool {
	for _, all := range c {
		if !slices.ContainsFunc(all, func(q question) bool { return answer(q.condition.Root(), o) == q.exclude }) {
			return true
		}
	}
	return len(c) == 0
}

// Match tells whether the event is one that is asked for.
func (m *Matcher) Match(o *Occasion) bool {
	return m.filtering.Watches(ResourceOf(o.EntityType, o.State)) && m.rules.hold(o) && m.actions.hold(o)
}

func answer(e *policy.Expr, o *Occasion) bool {
	switch e.Kind {
	case policy.Not:
		return !answer(&e.Operands[0], o)
	case policy.And:
		for i := range e.Operands {
			if !answer(&e.Operands[i], o) {
				return false
			}
		}
		return true
	case policy.Or:
		for i := range e.Operands {
			if answer(&e.Operands[i], o) {
				return true
			}
		}
		return false
	}
	ask := functions[string(e.Function)]
	return ask != nil && ask(o, e.Args)
}

// known refuses conditions with functions that nobody answers.
func known(e *policy.Expr) error {
	if e.Kind == policy.Call {
		if functions[string(e.Function)] == nil {
			return entity.BadRequest("%s is not a function of alerts", entity.Shorten(string(e.Function), 60))
		}
		return nil
	}
	for i := range e.Operands {
		if err := known(&e.Operands[i]); err != nil {
			return err
		}
	}
	return nil
}

// functions are the questions that conditions can ask.
var functions = map[string]func(*Occasion, []string) bool{
	"matchAnySource":    func(o *Occasion, names []string) bool { return slices.Contains(names, o.subject().Type) },
	"matchAnyEventType": func(o *Occasion, names []string) bool { return slices.Contains(names, o.EventType) },
	"matchAnyEntityId":  func(o *Occasion, ids []string) bool { return slices.Contains(ids, o.subject().ID.String()) },
	"matchUpdatedBy":    func(o *Occasion, names []string) bool { return slices.Contains(names, o.User) },
	"isBot":             func(o *Occasion, _ []string) bool { return o.Bot },
	"matchAnyEntityFqn": matchFQN,
	"matchAnyOwnerName": func(o *Occasion, names []string) bool {
		return slices.ContainsFunc(o.subject().Owners, func(ref entity.Ref) bool { return slices.Contains(names, ref.Name) })
	},
	"matchAnyDomain":                     func(o *Occasion, fqns []string) bool { return within(o.subject().Domains, fqns) },
	"matchAnyFieldChange":                matchField,
	"matchTestResult":                    matchTestResult,
	"getTestCaseStatusIfInTestSuite":     matchSuiteResult,
	"filterByTableNameTestCaseBelongsTo": matchTestedTable,
	"filterByEntityNameDataContractBelongsTo": func(o *Occasion, fqns []string) bool {
		return o.EntityType == "dataContract" && o.now().Of != nil && slices.Contains(fqns, o.state.Of.FullyQualifiedName)
	},
	"matchDataContractStatus": func(o *Occasion, names []string) bool {
		return o.EntityType == "dataContract" && o.now().Latest != nil && containsFold(names, o.state.Latest.Status)
	},
	"matchPipelineState": func(o *Occasion, names []string) bool {
		return o.EntityType == "pipeline" && o.changed("pipelineStatus") && o.now().Run != nil && containsFold(names, o.state.Run.Status)
	},
	"matchIngestionPipelineState": func(o *Occasion, names []string) bool {
		return o.EntityType == "ingestionPipeline" && (o.changed("pipelineStatus") || o.changed("pipelineStatuses")) &&
			o.now().Ingestion != nil && containsFold(names, o.state.Ingestion.Status)
	},
	"matchConversationUser": matchMention,
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(one string) bool { return strings.EqualFold(one, name) })
}

// within tells whether one of the references is in the list.
func within(refs []entity.Ref, fqns []string) bool {
	return slices.ContainsFunc(refs, func(ref entity.Ref) bool { return slices.Contains(fqns, ref.FullyQualifiedName) })
}

func matchFQN(o *Occasion, fqns []string) bool {
	name := o.subject().FQN
	for _, fqn := range fqns {
		if name == fqn || strings.HasPrefix(name, fqn+".") {
			return true
		}
	}
	return false
}

// matchMention tells whether a thread mentions one of the users and teams, or "all".
func matchMention(o *Occasion, names []string) bool {
	if o.EntityType != entity.TypeThread {
		return false
	}
	if len(names) == 1 && names[0] == All {
		return true
	}
	return slices.ContainsFunc(o.now().Mentions(), func(link entity.Link) bool { return containsFold(names, link.FQN) })
}

// changed tells whether a member changed: itself, or something in it. A part of a
// list is named by its path, as in columns.id.description.
func (o *Occasion) changed(name string) bool {
	if o.fields == nil {
		o.fields = map[string]bool{}
		if o.Change != nil {
			for _, list := range [][]entity.FieldChange{o.Change.FieldsAdded, o.Change.FieldsUpdated, o.Change.FieldsDeleted} {
				for _, field := range list {
					first, _, _ := strings.Cut(field.Name, ".")
					o.fields[field.Name], o.fields[first], o.fields[field.Name[strings.LastIndexByte(field.Name, '.')+1:]] = true, true, true
				}
			}
		}
	}
	return o.fields[name]
}

func matchField(o *Occasion, names []string) bool { return slices.ContainsFunc(names, o.changed) }

func matchTestResult(o *Occasion, names []string) bool {
	return o.EntityType == "testCase" && o.changed("testCaseResult") && containsFold(names, o.now().TestStatus)
}

// matchSuiteResult has results and suites in one list; results have known names.
func matchSuiteResult(o *Occasion, names []string) bool {
	var results, suites []string
	for _, name := range names {
		switch name {
		case "Success", "Failed", "Aborted", "Queued":
			results = append(results, name)
		default:
			suites = append(suites, name)
		}
	}
	if !matchTestResult(o, results) {
		return false
	}
	return within(o.now().TestSuites, suites) || o.state.TestSuite != nil && slices.Contains(suites, o.state.TestSuite.FullyQualifiedName)
}

func matchTestedTable(o *Occasion, fqns []string) bool {
	if o.EntityType != "testCase" {
		return true
	}
	if o.now().EntityFQN != "" {
		return slices.Contains(fqns, o.state.EntityFQN)
	}
	link, err := entity.ParseLink(o.state.EntityLink)
	return err == nil && slices.Contains(fqns, link.FQN)
}
