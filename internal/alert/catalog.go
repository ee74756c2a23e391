package alert

import (
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The effects of a rule.
const (
	include = "include"
	exclude = "exclude"
)

// The words that join a rule with the one before it.
const (
	prefixAnd = "AND"
	prefixOr  = "OR"
)

// All is the resource that stands for every type.
const All = "all"

// Rule is one question about an event, in the shape that clients know.
type Rule struct {
	Name               string   `json:"name,omitzero"`
	DisplayName        string   `json:"displayName,omitzero"`
	FullyQualifiedName string   `json:"fullyQualifiedName,omitzero"`
	Description        string   `json:"description,omitzero"`
	Effect             string   `json:"effect"`
	Condition          string   `json:"condition"`
	Arguments          []string `json:"arguments,omitzero"`
	InputType          string   `json:"inputType,omitzero"`
	PrefixCondition    string   `json:"prefixCondition,omitzero"`
}

// Source is a type of entities that alerts can watch, and what can be asked there.
type Source struct {
	Name             string `json:"name"`
	SupportedFilters []Rule `json:"supportedFilters"`
	SupportedActions []Rule `json:"supportedActions"`
}

// The names of filters that are used by name below.
const (
	byOwnerName = "filterByOwnerName"
	byFqn       = "filterByFqn"
	byEventType = "filterByEventType"
	byUpdater   = "filterByUpdaterName"
	byField     = "filterByFieldChange"
	byDomain    = "filterByDomain"
	byGeneral   = "filterByGeneralMetadataEvents"
	byBot       = "filterByUpdaterIsBot"
	byMention   = "filterByMentionedName"
	byOwner     = "filterByOwner"
)

// rules are all filters and actions, by name; the names, conditions and arguments are
// those of the API. ${list} stands for what the alert's input says.
func rules() map[string]Rule {
	all := map[string]Rule{}
	add := func(name, display, description, condition string, arguments ...string) {
		kind := "runtime"
		if len(arguments) == 0 {
			kind = "none"
		}
		all[name] = Rule{
			Name: name, DisplayName: display, FullyQualifiedName: "eventSubscription." + name, Description: description,
			Effect: include, Condition: condition, Arguments: arguments, InputType: kind, PrefixCondition: prefixAnd,
		}
	}
	add("filterBySource", "Source", "Types of the entities that changed.", "matchAnySource(${sourceList})", "sourceList")
	add("filterByEntityId", "Entity Id", "Ids of the entities that changed.", "matchAnyEntityId(${entityIdList})", "entityIdList")
	add(byOwnerName, "Owner Name", "Names of users and teams who own what changed.", "matchAnyOwnerName(${ownerNameList})", "ownerNameList")
	add(byOwner, "Owner Name", "Names of users and teams who own what changed.", "matchAnyOwnerName(${ownerNameList})", "ownerNameList")
	add(byFqn, "Entity FQN", "Fully qualified names of what changed, or of what it lies below.", "matchAnyEntityFqn(${fqnList})", "fqnList")
	add(byEventType, "Event Type", "Kinds of events.", "matchAnyEventType(${eventTypeList})", "eventTypeList")
	add(byUpdater, "Updater Name", "Names of users who made the change.", "matchUpdatedBy(${updateByUserList})", "updateByUserList")
	add(byField, "Fields Changed", "Members that changed.", "matchAnyFieldChange(${fieldChangeList})", "fieldChangeList")
	add(byDomain, "Domain", "Fully qualified names of domains of what changed.", "matchAnyDomain(${domainList})", "domainList")
	add(byMention, "Mentioned Users", "Names of users and teams whom a conversation mentions.", "matchConversationUser(${userList})", "userList")
	add(byGeneral, "General Metadata Events", "Changes of descriptions and tags.", "matchAnyFieldChange({'description', 'tags'})")
	add(byBot, "Updater is Bot", "Changes that a bot made.", "isBot()")
	add("filterByTableNameTestCaseBelongsTo", "Table Name A Test Case Belongs To", "Tables that the test is about.", "filterByTableNameTestCaseBelongsTo(${tableNameList})", "tableNameList")
	add("filterByEntityName", "Entity Name", "What the data contract is about.", "filterByEntityNameDataContractBelongsTo(${entityNameList})", "entityNameList")
	add("GetTableSchemaChanges", "Get Schema Changes", "The columns of a table changed.", "matchAnyFieldChange({'columns','dataModel','joins'})")
	add("GetTableMetricsUpdates", "Get Table Metrics Updates", "The metrics of a table changed.", "matchAnyFieldChange({'customMetrics', 'profile'})")
	add("GetTopicSchemaChanges", "Get Schema Changes", "The schema of a topic changed.", "matchAnyFieldChange({'messageSchema'})")
	add("GetContainerSchemaChanges", "Get Schema Changes", "The place of a container changed.", "matchAnyFieldChange({'parent','children'})")
	add("GetPipelineStatusUpdates", "Get Pipeline Status Updates", "A pipeline ran, with one of these results.", "matchPipelineState(${pipelineStateList})", "pipelineStateList")
	add("GetIngestionPipelineStatusUpdates", "Get Ingestion Pipeline Status Updates", "An ingestion ran, with one of these results.", "matchIngestionPipelineState(${ingestionPipelineStateList})", "ingestionPipelineStateList")
	add("GetTestCaseStatusUpdates", "Get Test Case Status Updates", "A test ran, with one of these results.", "matchTestResult(${testResultList})", "testResultList")
	add("GetTestCaseStatusUpdatesUnderSuite", "Get Test Case Status Updates belonging to a Test Suite", "A test of one of these suites ran, with one of these results.",
		"getTestCaseStatusIfInTestSuite(${testStatusList}, ${testSuiteList})", "testStatusList", "testSuiteList")
	add("GetTestSuiteStatusUpdates", "Get Test Suite Status Updates", "A test suite ran, with one of these results.", "matchTestResult(${testResultList})", "testResultList")
	add("GetDataContractStatusUpdates", "Get Data Contract Status Updates", "A data contract was checked, with one of these results.", "matchDataContractStatus(${contractStatusList})", "contractStatusList")
	return all
}

// watched are the types that notifications watch with the usual filters.
var watched = strings.Fields(`chart container dashboard dashboardDataModel dashboardService database databaseSchema databaseService
dataProduct glossary glossaryTerm ingestionPipeline messagingService metadataService mlmodel mlmodelService pipeline pipelineService
searchIndex storageService storedProcedure table tag topic`)

// Sources lists what alerts of a type can watch. Observability alerts watch other
// things than notifications; the rest is offered what notifications are.
func Sources(alertType string) []Source {
	all := rules()
	pick := func(names ...string) []Rule {
		out := make([]Rule, len(names))
		for i, name := range names {
			out[i] = all[name]
		}
		return out
	}
	if alertType == "Observability" {
		return observed(pick)
	}
	usual := []string{byOwnerName, byFqn, byEventType, byUpdater, byField, byDomain, byGeneral, byBot}
	source := func(name string, filters ...string) Source {
		return Source{Name: name, SupportedFilters: pick(filters...), SupportedActions: []Rule{}}
	}
	out := []Source{source(All, "filterByEntityId", byOwnerName, byFqn, byEventType, byUpdater, byField, byDomain, byGeneral, byBot)}
	for _, name := range watched {
		out = append(out, source(name, usual...))
	}
	return append(out,
		source("announcement"), source("task", byMention), source("conversation", byMention),
		source("domain", byOwnerName, byFqn, byEventType, byUpdater, byField, byGeneral, byBot),
		source("user", byFqn, byEventType, byUpdater, byField, byDomain, byBot))
}

func observed(pick func(...string) []Rule) []Source {
	source := func(name string, actions []string, more ...string) Source {
		return Source{Name: name, SupportedFilters: pick(append([]string{byFqn, byDomain, byOwner, byBot}, more...)...), SupportedActions: pick(actions...)}
	}
	return []Source{
		source("table", []string{"GetTableSchemaChanges", "GetTableMetricsUpdates"}),
		source("topic", []string{"GetTopicSchemaChanges"}),
		source("container", []string{"GetContainerSchemaChanges"}),
		source("pipeline", []string{"GetPipelineStatusUpdates"}),
		source("ingestionPipeline", []string{"GetIngestionPipelineStatusUpdates"}),
		source("testCase", []string{"GetTestCaseStatusUpdates", "GetTestCaseStatusUpdatesUnderSuite"}, "filterByTableNameTestCaseBelongsTo"),
		source("testSuite", []string{"GetTestSuiteStatusUpdates"}),
		source("dataContract", []string{"GetDataContractStatusUpdates"}, "filterByEntityName"),
	}
}

// Types are the values of alertType.
func Types() []string {
	return []string{"Notification", "Observability", "ActivityFeed", "GovernanceWorkflowChangeEvent", "Custom"}
}

// KnownType refuses what is no type of alerts.
func KnownType(name string) error {
	if !slices.Contains(Types(), name) {
		return entity.BadRequest("%q is no type of alerts; there are %s", entity.Shorten(name, 60), strings.Join(Types(), ", "))
	}
	return nil
}

// Choice is a filter or action that an alert's input chooses.
type Choice struct {
	Name            string     `json:"name"`
	Effect          string     `json:"effect"`
	PrefixCondition string     `json:"prefixCondition"`
	Arguments       []Argument `json:"arguments"`
}

// Argument is what a choice fills a list of its condition with.
type Argument struct {
	Name  string   `json:"name"`
	Input []string `json:"input"`
}

// build makes the rules of choices. Choices that nobody knows are left out; check
// refuses them.
func build(choices []Choice, joined string) []Rule {
	all := rules()
	out := []Rule{}
	for _, choice := range choices {
		rule, ok := all[choice.Name]
		if !ok {
			continue
		}
		for _, name := range rule.Arguments {
			rule.Condition = strings.Replace(rule.Condition, "${"+name+"}", listOf(choice.input(name)), 1)
		}
		if choice.Effect == exclude {
			rule.Effect = exclude
		}
		rule.PrefixCondition = joined
		if choice.PrefixCondition != "" {
			rule.PrefixCondition = choice.PrefixCondition
		}
		out = append(out, rule)
	}
	return out
}

func (c Choice) input(name string) []string {
	for _, argument := range c.Arguments {
		if argument.Name == name {
			return argument.Input
		}
	}
	return nil
}

// listOf writes a list of names as conditions have it.
func listOf(names []string) string {
	var quoted []string
	for _, name := range names {
		if name != "" {
			quoted = append(quoted, "'"+strings.ReplaceAll(name, "'", "''")+"'")
		}
	}
	return "{" + strings.Join(quoted, ", ") + "}"
}
