package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// emailTemplate is the type of documents that hold words of mails.
const emailTemplate = "EmailTemplate"

// emailTemplateRoutes check and remove documents with words of mails. What this server
// mails by itself has fixed words, which no document changes.
func (a *API) emailTemplateRoutes() []Route {
	t, ok := a.engine.Registry().ByName("document")
	if !ok {
		return nil
	}
	base := "/api" + t.Collection
	return []Route{
		{Method: http.MethodPut, Path: base + "/validateTemplate/{templateName}", Access: Authenticated, MaxBody: 1 << 20, Handle: func(c *call) error { return c.validateEmailTemplate(t) }},
		{Method: http.MethodPost, Path: base + "/resetEmailTemplate", Access: AdminOnly, Handle: func(c *call) error { return c.resetEmailTemplates(t) }},
	}
}

// placeholder is where a value goes in a mail: ${name}.
var placeholder = regexp.MustCompile(`\$\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*[}!?]`)

// emailTemplateText is a template with the values it may show.
type emailTemplateText struct {
	Template     string `json:"template"`
	PlaceHolders []struct {
		Name string `json:"name"`
	} `json:"placeHolders"`
}

func (e *emailTemplateText) names() []string {
	out := make([]string, len(e.PlaceHolders))
	for i, p := range e.PlaceHolders {
		out[i] = p.Name
	}
	return out
}

// validateEmailTemplate compares the values that a template shows with those there are:
// of the document that the path names, or of the request when there is none.
func (c *call) validateEmailTemplate(t *registry.Type) error {
	if err := c.authorize(t.Name, policy.EditAll); err != nil {
		return err
	}
	name, err := c.param("templateName")
	if err != nil {
		return err
	}
	body, err := c.validated("email/emailTemplate.json")
	if err != nil {
		return err
	}
	var given emailTemplateText
	if err := json.Unmarshal(body, &given); err != nil {
		return entity.BadRequest("the template cannot be read")
	}
	wanted, err := c.placeholdersOf(t, name, given.names())
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(given.Template, -1) {
		used[match[1]] = true
	}
	out := struct {
		Valid      bool     `json:"isValid"`
		Missing    []string `json:"missingPlaceholder"`
		Additional []string `json:"additionalPlaceholder"`
		Message    string   `json:"message"`
	}{Missing: []string{}, Additional: []string{}, Message: "The template shows the values that there are."}
	for _, name := range wanted {
		if !used[name] {
			out.Missing = append(out.Missing, name)
		}
	}
	for name := range used {
		if !slices.Contains(wanted, name) {
			out.Additional = append(out.Additional, name)
		}
	}
	slices.Sort(out.Additional)
	out.Valid = len(out.Missing)+len(out.Additional) == 0
	if !out.Valid {
		out.Message = "The template shows other values than there are. Missing: " + listed(out.Missing) + ". Unknown: " + listed(out.Additional) + "."
	}
	return c.json(http.StatusOK, out)
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return entity.Shorten(strings.Join(names, ", "), 300)
}

// placeholdersOf are those of the stored template with the name, if there is one.
func (c *call) placeholdersOf(t *registry.Type, name string, missing []string) ([]string, error) {
	out := missing
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rows, err := r.List(c.ctx(), store.ListQuery{Type: t.Name, Members: map[string]string{"entityType": emailTemplate}, Limit: maxEmailTemplates})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Name != name && row.FQN != name {
				continue
			}
			var doc struct {
				Data emailTemplateText `json:"data"`
			}
			if json.Unmarshal(row.Doc, &doc) == nil && len(doc.Data.PlaceHolders) > 0 {
				out = doc.Data.names()
			}
		}
		return nil
	})
	return out, err
}

// maxEmailTemplates is how many such documents are looked at.
const maxEmailTemplates = 1000

// resetEmailTemplates removes all documents with words of mails, so that those hold that
// the server comes with.
func (c *call) resetEmailTemplates(t *registry.Type) error {
	var ids []entity.ID
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rows, err := r.List(c.ctx(), store.ListQuery{Type: t.Name, Include: store.All, Members: map[string]string{"entityType": emailTemplate}, Limit: maxEmailTemplates})
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, err := c.engine.Delete(c.ctx(), c.by, t, engine.ByID(id), engine.DeleteOptions{Hard: true}, engine.View{})
		if err != nil && entity.KindOf(err) != entity.KindNotFound { // somebody else was faster
			return err
		}
	}
	return c.json(http.StatusOK, map[string]any{"message": "The words of mails are those that the server comes with.", "removed": len(ids)})
}
