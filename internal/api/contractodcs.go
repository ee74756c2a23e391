package api

import (
	"context"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/contract"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// yamlTypes are the media types of YAML that clients use.
const yamlTypes = "application/yaml, text/yaml, application/x-yaml, text/x-yaml"

// contractBody reads a body that is JSON or, when its media type says so, YAML, and
// gives it as JSON.
func (c *call) contractBody() ([]byte, error) {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !mediaFits(media, yamlTypes) {
		return c.body()
	}
	route := *c.route
	route.Accepts = yamlTypes
	c.route = &route
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	body, err := contract.FromYAML(text)
	if err != nil {
		return nil, err
	}
	return body, checkMeasure(body)
}

func (c *call) createContract(t *registry.Type) error {
	body, err := c.contractBody()
	if err != nil {
		return err
	}
	return c.saveContract(t, body, c.engine.Create)
}

func (c *call) putContract(t *registry.Type) error {
	body, err := c.contractBody()
	if err != nil {
		return err
	}
	return c.saveContract(t, body, c.engine.Put)
}

// contractSave is Create or Put of the engine.
type contractSave = func(context.Context, entity.Principal, *registry.Type, []byte, engine.View) (engine.Result, error)

func (c *call) saveContract(t *registry.Type, body []byte, save contractSave) error {
	result, err := save(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.saved(result)
}

// contractValidation is what there is to say of a contract that is not stored.
type contractValidation struct {
	Valid       bool                   `json:"valid"`
	Schema      *contract.SchemaResult `json:"schemaValidation,omitzero"`
	Entity      []string               `json:"entityErrors,omitzero"`
	Constraints []string               `json:"constraintErrors,omitzero"`
}

// validateContractRequest says what would become of a request to create a contract.
func (c *call) validateContractRequest(t *registry.Type) error {
	body, err := c.contractBody()
	if err != nil {
		return err
	}
	return c.judgeContract(t, body)
}

func (c *call) judgeContract(t *registry.Type, body []byte) error {
	if !jsontext.Value(body).IsValid() {
		return entity.BadRequest("the body is not valid JSON")
	}
	body, err := c.engine.ValidateBody(t.Create, body)
	if entity.KindOf(err) == entity.KindBadRequest {
		return c.json(http.StatusOK, contractValidation{Entity: []string{engine.PublicMessage(err)}})
	}
	if err != nil {
		return err
	}
	var request entity.Entity
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the contract cannot be read: %s", wordJSON(err))
	}
	var about entity.Ref
	if err := json.Unmarshal(request.Rest["entity"], &about); err != nil {
		return entity.BadRequest("entity must be a reference with id and type")
	}
	terms, err := contract.TermsOf(&request)
	if err != nil {
		return err
	}
	if !contract.IsSubject(about.Type) {
		return c.json(http.StatusOK, contractValidation{Constraints: contract.Problems(terms, entity.Shorten(about.Type, 60))})
	}
	of, err := c.entityType(about.Type)
	if err != nil {
		return err
	}
	seen, err := c.engine.Get(c.ctx(), c.by, of, engine.ByID(about.ID), engine.View{Fields: engine.FieldsOf(nestedFields(of)...)})
	if err != nil {
		return err
	}
	out := contractValidation{Constraints: contract.Problems(terms, of.Name)}
	whole, err := anyOf(seen)
	if err != nil {
		return err
	}
	checked := contract.CheckSchema(terms.Schema, fieldsIn(of, whole))
	out.Schema = &checked
	if err := c.rehearseContract(t, seen.FullyQualifiedName, body); err != nil {
		switch entity.KindOf(err) {
		case entity.KindBadRequest, entity.KindNotFound, entity.KindConflict:
			out.Constraints = append(out.Constraints, engine.PublicMessage(err))
		default:
			return err
		}
	}
	out.Valid = len(out.Constraints) == 0 && checked.Failed == 0
	return c.json(http.StatusOK, out)
}

// nestedFields are the fields that hold the columns or fields of a type.
func nestedFields(t *registry.Type) []string {
	var names []string
	for _, nested := range t.Nested {
		names = append(names, nested.Path[0])
	}
	return names
}

// anyOf is an entity as plain values.
func anyOf(ent *entity.Entity) (v any, err error) {
	raw, err := engine.Encode(ent)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return nil, entity.Internal(err)
	}
	return v, nil
}

// rehearseContract saves a contract and keeps nothing of it.
func (c *call) rehearseContract(t *registry.Type, about string, body []byte) error {
	return c.engine.Rehearse(c.ctx(), c.by, func(b *engine.Batch) error {
		var request entity.Entity
		if err := json.Unmarshal(body, &request); err != nil {
			return entity.Internal(err)
		}
		_, err := b.Save(c.ctx(), t, entity.JoinFQN(about, "dataContract_"+request.Name), func(ent *entity.Entity, created bool) error {
			if created {
				*ent = request
				return nil
			}
			for name, value := range request.Rest {
				ent.Rest[name] = value
			}
			return nil
		})
		return err
	})
}

// odcsDocument reads the body as a document of the standard.
func (c *call) odcsDocument() (*contract.Document, error) {
	body, err := c.contractBody()
	if err != nil {
		return nil, err
	}
	if body, err = contract.Normalize(body); err != nil {
		return nil, err
	}
	if body, err = c.engine.ValidateBody("entity/datacontract/odcs/odcsDataContract.json", body); err != nil {
		return nil, err
	}
	return contract.ReadDocument(body)
}

// imported is what a document says of a contract about the entity that the parameters
// name.
func (c *call) imported() (about entity.Ref, members map[string]jsontext.Value, err error) {
	of, id, err := c.target()
	if err != nil {
		return about, nil, err
	}
	d, err := c.odcsDocument()
	if err != nil {
		return about, nil, err
	}
	seen, err := c.engine.Get(c.ctx(), c.by, of, engine.ByID(id), engine.View{})
	if err != nil {
		return about, nil, err
	}
	about = seen.Ref(of.Name)
	if members, err = contract.Import(d, about, c.query.Get("objectName")); err != nil {
		return about, nil, err
	}
	owners, err := c.ownersIn(d.Team)
	if err != nil || len(owners) == 0 {
		return about, members, err
	}
	members["owners"], err = encoded(owners)
	return about, members, err
}

// ownersIn are the people and teams that a document names as owners and that there
// are.
func (c *call) ownersIn(team []contract.Member) ([]entity.Ref, error) {
	const most = 200
	var keys []store.Key
	for _, member := range team {
		if !member.IsOwner() || len(keys) > most {
			continue
		}
		for _, name := range []string{member.Username, member.Name} {
			if name != "" && len(name) <= entity.MaxFQN {
				keys = append(keys, store.Key{Type: "user", FQN: name}, store.Key{Type: "team", FQN: name})
			}
		}
	}
	var owners []entity.Ref
	err := c.engine.Rehearse(c.ctx(), c.by, func(b *engine.Batch) error {
		found, err := b.Find(c.ctx(), keys...)
		seen := map[entity.ID]bool{}
		for _, ref := range found {
			if !seen[ref.ID] {
				seen[ref.ID] = true
				owners = append(owners, ref.Bare())
			}
		}
		return err
	})
	return owners, err
}

// contractRequest is a request to create a contract with these members.
func contractRequest(about entity.Ref, members map[string]jsontext.Value) ([]byte, error) {
	var err error
	if members["entity"], err = encoded(about.Bare()); err != nil {
		return nil, err
	}
	return encoded(members)
}

// importedRequest is the request to create what the document in the body describes.
func (c *call) importedRequest() ([]byte, error) {
	about, members, err := c.imported()
	if err != nil {
		return nil, err
	}
	return contractRequest(about, members)
}

func (c *call) createFromODCS(t *registry.Type) error {
	body, err := c.importedRequest()
	if err != nil {
		return err
	}
	return c.saveContract(t, body, c.engine.Create)
}

func (c *call) validateODCS(t *registry.Type) error {
	body, err := c.importedRequest()
	if err != nil {
		return err
	}
	return c.judgeContract(t, body)
}

// putFromODCS creates the contract of an entity or changes it. With the mode merge,
// what the document says nothing about stays; with replace it goes.
func (c *call) putFromODCS(t *registry.Type) error {
	mode := c.query.Get("mode")
	if mode != "" && mode != "merge" && mode != "replace" {
		return entity.BadRequest("query param mode must be one of [merge, replace]")
	}
	about, members, err := c.imported()
	if err != nil {
		return err
	}
	old, err := c.contractOf(t, about.ID, "owners", "reviewers", "extension")
	if missing(err) {
		body, err := contractRequest(about, members)
		if err != nil {
			return err
		}
		return c.saveContract(t, body, c.engine.Create)
	}
	if err != nil {
		return err
	}
	patch, err := contract.Changes(old, members, mode == "replace")
	if err != nil {
		return err
	}
	result, err := c.engine.Patch(c.ctx(), c.by, t, engine.ByID(old.ID), patch, 0, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// parseODCS says what is in a document.
func (c *call) parseODCS(*registry.Type) error {
	d, err := c.odcsDocument()
	if err != nil {
		return err
	}
	objects := d.Objects()
	return c.json(http.StatusOK, struct {
		Name     string   `json:"name,omitzero"`
		Version  string   `json:"version"`
		Status   string   `json:"status"`
		Objects  []string `json:"schemaObjects"`
		Multiple bool     `json:"hasMultipleObjects"`
	}{d.Name, d.Version, d.Status, objects, len(objects) > 1})
}

// exportODCS answers a contract as a document of the standard.
func (c *call) exportODCS(t *registry.Type, asYAML bool) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	found, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Fields: engine.FieldsOf("owners"), Base: c.base()})
	if err != nil {
		return err
	}
	var about entity.Ref
	if raw := found.Rest["entity"]; raw != nil {
		if err := json.Unmarshal(raw, &about); err != nil {
			return entity.Internal(err)
		}
	}
	d, err := contract.Export(found, about)
	if err != nil {
		return err
	}
	if !asYAML {
		return c.json(http.StatusOK, d)
	}
	text, err := contract.ToYAML(d)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/yaml")
	_, _ = c.w.Write(text)
	return nil
}
