package registry

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// serviceHooks check a service's connection against its service type, which
// stays the same for the whole life of the service, and find its secrets.
func serviceHooks(set *jsonschema.Set, typ string) Hooks {
	return Hooks{
		Validate: func(old, e *entity.Entity) error { return validateService(set, typ, old, e) },
		Secrets:  serviceSecrets(set, typ),
	}
}

func validateService(set *jsonschema.Set, typ string, old, e *entity.Entity) error {
	product := textMember(e, "serviceType")
	if old != nil {
		if before := textMember(old, "serviceType"); before != product {
			return entity.BadRequest("The service type of %s cannot change from %s to %s", e.FullyQualifiedName, before, entity.Shorten(product, 60))
		}
		if bytes.Equal(old.Rest["connection"], e.Rest["connection"]) {
			return nil
		}
	}
	config, err := connectionConfig(e.Rest["connection"])
	if err != nil || config == nil {
		return err
	}
	return set.ValidateConnection(typ, product, config)
}

// prepareUser folds names and addresses to lower case, so that a user is the same
// however the identity provider spells them.
func prepareUser(e, _ *entity.Entity) error {
	e.Name = strings.ToLower(e.Name)
	email := textMember(e, "email")
	if lower := strings.ToLower(email); lower != email {
		return setText(e, "email", lower)
	}
	return nil
}

// rootTeam is the one team above all others; it is seeded.
const rootTeam = "Organization"

// validateTeam keeps the Organization unique.
func validateTeam(_, e *entity.Entity) error {
	organization := textMember(e, "teamType") == rootTeam
	if organization != (e.Name == rootTeam) {
		return entity.BadRequest("Only the team %s has the type %s", rootTeam, rootTeam)
	}
	return nil
}

// validateRole wants a role to give something.
func validateRole(old, e *entity.Entity) error {
	var policies, before []jsontext.Value
	if err := readMember(e, "policies", &policies); err != nil {
		return err
	}
	if old != nil {
		if err := readMember(old, "policies", &before); err != nil {
			return err
		}
	}
	if len(policies) == 0 && (old == nil || len(before) > 0) {
		return entity.BadRequest("A role needs at least one policy")
	}
	return nil
}

// validatePolicy wants rules that can be told apart.
func validatePolicy(old, e *entity.Entity) error {
	var rules []struct {
		Name       string   `json:"name"`
		Operations []string `json:"operations"`
		Resources  []string `json:"resources"`
	}
	if err := readMember(e, "rules", &rules); err != nil {
		return err
	}
	if len(rules) == 0 && (old == nil || string(old.Rest["rules"]) != "[]") {
		return entity.BadRequest("A policy needs at least one rule")
	}
	names := make(map[string]bool, len(rules))
	for _, rule := range rules {
		switch {
		case strings.TrimSpace(rule.Name) == "":
			return entity.BadRequest("A rule of policy %s has no name", e.Name)
		case names[rule.Name]:
			return entity.BadRequest("Rule name %s is repeated", entity.Shorten(rule.Name, 200))
		case len(rule.Operations) == 0 || len(rule.Resources) == 0:
			return entity.BadRequest("Rule %s needs operations and resources", entity.Shorten(rule.Name, 200))
		}
		names[rule.Name] = true
	}
	return nil
}

// The states of a term's review that the server itself sets.
const (
	statusUnprocessed = "Unprocessed"
	statusApproved    = "Approved"
	statusDraft       = "Draft"
)

// belongWith puts an entity into the same whole as its parent: a term into the
// glossary of the term above it.
func belongWith(e, parent *entity.Entity, member string) {
	if parent != nil && parent.Rest[member] != nil {
		e.Rest[member] = parent.Rest[member]
	}
}

// prepareTag puts a tag below another into the same classification.
func prepareTag(e, parent *entity.Entity) error {
	belongWith(e, parent, "classification")
	return nil
}

// prepareGlossaryTerm puts a term below another into the same glossary, and lets
// one that nobody reviews count as approved.
func prepareGlossaryTerm(e, parent *entity.Entity) error {
	belongWith(e, parent, "glossary")
	if status := textMember(e, "entityStatus"); status != "" && status != statusUnprocessed {
		return nil
	}
	reviewed := len(e.Reviewers) > 0 || parent != nil && len(parent.Reviewers) > 0
	if reviewed {
		return setText(e, "entityStatus", statusDraft)
	}
	return setText(e, "entityStatus", statusApproved)
}
