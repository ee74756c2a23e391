package search

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Document builds the document of an entity; ok is false for types that are not
// searched. What may hold secrets never gets into a document: types that carry
// connections or credentials show the members listed in openMembers alone, and
// no type shows those of isSecret.
func (c *Catalog) Document(l Loaded) (doc Document, ok bool, err error) {
	index, ok := c.IndexOf(l.Type)
	if !ok {
		return Document{}, false, nil
	}
	e := *l.Entity
	deleted := e.IsDeleted()
	rest := shownMembers(l.Type, e.Rest)
	b := builder{rest: rest}
	b.set("entityType", l.Type)
	b.set("totalVotes", totalVotes(e.Votes))
	b.set("descriptionStatus", descriptionStatus(e.Description))
	b.followers(e.Followers)
	b.tags(e.Tags)
	b.columns()
	if l.Type == "team" || l.Type == "user" && rest["isBot"] == nil {
		b.set("isBot", false)
	}
	if b.err != nil {
		return Document{}, false, b.err
	}
	e.Rest, e.Deleted = rest, &deleted
	e.Followers, e.Votes, e.ChangeDescription = nil, nil, nil
	source, err := json.Marshal(&e, json.Deterministic(true))
	if err != nil {
		return Document{}, false, err
	}
	return Document{ID: e.ID, Index: index, Deleted: deleted, Source: source, Facts: l.Facts}, true, nil
}

// isSecret tells members that are, or may hold, credentials or other people's
// data, whatever the type.
func isSecret(member string) bool {
	switch member {
	case "connection", "authenticationMechanism", "sampleData", "openMetadataServerConnection", "airflowConfig",
		"sourceConfig", "appConfiguration", "privateConfiguration", "destinations", "request", "response", "config",
		"password", "secretKey", "jwtToken", "JWTToken", "token":
		return true
	}
	return false
}

// openMembers lists, for the types that carry connections or credentials, the
// members a document shows besides the envelope's. Other types show all; they
// get restricted false.
func openMembers(typ string) (members []string, restricted bool) {
	switch typ {
	case "user":
		return []string{
			"email", "isBot", "isAdmin", "isEmailVerified", "teams", "roles", "inheritedRoles", "personas", "defaultPersona",
			"profile", "timezone",
		}, true
	case "bot":
		return []string{"provider", "botUser"}, true
	case "ingestionPipeline":
		return []string{"pipelineType", "service", "provider", "enabled", "deployed", "pipelineStatuses"}, true
	case "app", "appMarketPlaceDefinition":
		return []string{"appType", "developer", "features", "provider", "system"}, true
	case "eventsubscription":
		return []string{"alertType", "enabled", "provider"}, true
	case "workflow":
		return []string{"workflowType", "status"}, true
	}
	if strings.HasSuffix(typ, "Service") {
		return []string{"serviceType", "provider", "certification", "entityStatus"}, true
	}
	return nil, false
}

func shownMembers(typ string, rest map[string]jsontext.Value) map[string]jsontext.Value {
	open, restricted := openMembers(typ)
	shown := make(map[string]jsontext.Value, len(rest)+10)
	for name, value := range rest {
		if isSecret(name) || restricted && !slices.Contains(open, name) || value.Kind() == 'n' {
			continue
		}
		shown[name] = value
	}
	return shown
}

type builder struct {
	rest map[string]jsontext.Value
	err  error
}

func (b *builder) set(name string, value any) {
	if b.err != nil {
		return
	}
	b.rest[name], b.err = json.Marshal(value)
}

func totalVotes(votes *entity.Votes) int {
	if votes == nil {
		return 0
	}
	return votes.UpVotes - votes.DownVotes
}

func descriptionStatus(description string) string {
	if strings.TrimSpace(description) == "" {
		return "INCOMPLETE"
	}
	return "COMPLETE"
}

// followers are listed by id alone.
func (b *builder) followers(followers []entity.Ref) {
	ids := make([]string, len(followers))
	for i, follower := range followers {
		ids[i] = follower.ID.String()
	}
	b.set("followers", ids)
}

// tags adds the tier as a member of its own, and the names of the tags by their
// source.
func (b *builder) tags(tags []entity.TagLabel) {
	classification, glossary := []string{}, []string{}
	for _, tag := range tags {
		if strings.HasPrefix(tag.TagFQN, "Tier.") {
			b.set("tier", tag)
		}
		if tag.Source == "Glossary" {
			glossary = append(glossary, tag.TagFQN)
			continue
		}
		classification = append(classification, tag.TagFQN)
	}
	b.set("classificationTags", classification)
	b.set("glossaryTags", glossary)
}

type column struct {
	Name     string   `json:"name"`
	Children []column `json:"children"`
}

// columns adds the flat list of all column names, nested ones with the names
// above them.
func (b *builder) columns() {
	raw, ok := b.rest["columns"]
	if !ok || b.err != nil {
		return
	}
	var columns []column
	if b.err = json.Unmarshal(raw, &columns); b.err != nil {
		return
	}
	names := []string{}
	var add func(prefix string, columns []column)
	add = func(prefix string, columns []column) {
		for _, c := range columns {
			names = append(names, prefix+c.Name)
			add(prefix+c.Name+".", c.Children)
		}
	}
	add("", columns)
	b.set("columnNames", names)
}
