package registry

import (
	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/handlebars"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// automationTypes lists what runs by itself: ingestion, applications, workflows and alerts.
func automationTypes(set *jsonschema.Set) []*Type {
	return []*Type{
		{
			Name: "ingestionPipeline", Plural: "ingestionPipelines", Collection: "/v1/services/ingestionPipelines",
			Schema: "entity/services/ingestionPipelines/ingestionPipeline.json", Create: "api/services/ingestionPipelines/createIngestionPipeline.json",
			Parents: []ParentField{{"service", "*"}},
			Records: []string{"pipelineStatuses"},
			// It would hold the token a run reports back with, which no reader needs.
			Computed: []string{"openMetadataServerConnection"},
			Expand:   []string{"owners", "followers"},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"*"}},
				{Param: "testSuite", Kind: FilterUnder, Types: []string{"testSuite"}},
				{Param: "pipelineType", Kind: FilterField, Field: "pipelineType"},
				{Param: "applicationType", Kind: FilterField, Field: "applicationType"},
				{Param: "provider", Kind: FilterField, Field: "provider"},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    Hooks{Secrets: pipelineSecrets(set)},
		},
		{
			Name: "app", Plural: "apps", Collection: "/v1/apps",
			Schema: "entity/applications/app.json", Create: "entity/applications/createAppRequest.json",
			Relations: []Relation{
				{Field: "bot", Types: []string{"bot"}},
				{Field: "eventSubscriptions", Types: []string{"eventsubscription"}, Many: true},
				{Field: "pipelines", Types: []string{"ingestionPipeline"}, Many: true},
			},
			Expand: []string{"owners"},
			Filters: []Filter{
				{Param: "agentType", Kind: FilterField, Field: "agentType"},
			},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "appMarketPlaceDefinition", Plural: "marketplace", Collection: "/v1/apps/marketplace",
			Schema: "entity/applications/marketplace/appMarketPlaceDefinition.json", Create: "entity/applications/marketplace/createAppMarketPlaceDefinitionReq.json",
			Expand:   []string{"owners", "tags"},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "workflow", Plural: "workflows", Collection: "/v1/automations/workflows",
			Schema: "entity/automations/workflow.json", Create: "api/automations/createWorkflow.json",
			Expand:   []string{"owners", "dataProducts"},
			Supports: routes(restore | async | patchByName),
			Hooks:    Hooks{Secrets: workflowSecrets(set)},
		},
		{
			Name: "workflowDefinition", Plural: "workflowDefinitions", Collection: "/v1/governance/workflowDefinitions",
			Schema: "governance/workflows/workflowDefinition.json", Create: "api/governance/createWorkflowDefinition.json",
			Expand:   []string{"owners"},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "eventsubscription", Plural: "subscriptions", Collection: "/v1/events/subscriptions",
			Schema: "events/eventSubscription.json", Create: "events/api/createEventSubscription.json",
			Relations: []Relation{
				{Field: "notificationTemplate", Types: []string{"notificationTemplate"}},
			},
			Expand: []string{"owners", "filteringRules"},
			Filters: []Filter{
				{Param: "alertType", Kind: FilterField, Field: "alertType"},
				{Param: "notificationTemplate", Kind: FilterRelation, Field: "notificationTemplate", Types: []string{"notificationTemplate"}},
			},
			RequestOnly: map[string]bool{"resources": true}, // see alert.Prepare
			Supports:    routes(async | patchByName),
			Hooks:       Hooks{Prepare: alert.Prepare},
		},
		{
			Name: "notificationTemplate", Plural: "notificationTemplates", Collection: "/v1/notificationTemplates",
			Schema: "entity/events/notificationTemplate.json", Create: "api/events/createNotificationTemplate.json",
			Filters: []Filter{
				{Param: "provider", Kind: FilterField, Field: "provider"},
			},
			Supports: routes(restore | async | patchByName),
			Hooks:    Hooks{Validate: validateTemplate},
		},
	}
}

// validateTemplate refuses a template of notifications that could not be used.
func validateTemplate(old, e *entity.Entity) error {
	for _, name := range []string{"templateSubject", "templateBody"} {
		text := textMember(e, name)
		if old != nil && textMember(old, name) == text {
			continue
		}
		if _, err := handlebars.Parse(text); err != nil {
			return entity.BadRequest("%s: %s", name, err)
		}
	}
	return nil
}
