package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// permissionRoutes tell callers what they may do.
func (a *API) permissionRoutes() []Route {
	const base = "/api/v1/permissions"
	return []Route{
		{Method: http.MethodGet, Path: base, Access: Authenticated, Handle: (*call).allPermissions},
		{Method: http.MethodGet, Path: base + "/policies", Access: Authenticated, Handle: (*call).policyPermissions},
		{Method: http.MethodGet, Path: base + "/{resource}", Access: Authenticated, Handle: (*call).typePermissions},
		{Method: http.MethodGet, Path: base + "/{resource}/{id}", Access: Authenticated, Handle: (*call).entityPermissions},
		{Method: http.MethodGet, Path: base + "/{resource}/name/{fqn}", Access: Authenticated, Handle: (*call).entityPermissions},
		{Method: http.MethodGet, Path: "/api/v1/policies/resources", Access: Authenticated, Handle: (*call).policyResources},
		{Method: http.MethodGet, Path: "/api/v1/policies/functions", Access: Authenticated, Handle: (*call).policyFunctions},
		{Method: http.MethodGet, Path: "/api/v1/policies/validation/condition/{expression}", Access: Authenticated, Handle: (*call).validateCondition},
	}
}

// asked returns whose permissions are asked for: the caller's or, for
// administrators, those of the user parameter.
func (c *call) asked() (*policy.Subject, error) {
	name := c.query.Get("user")
	if name == "" || name == c.by.Name {
		return c.engine.Subject(c.ctx(), c.by)
	}
	if !c.by.IsAdmin {
		return nil, entity.Forbidden("only an administrator can see somebody else's permissions")
	}
	t, err := c.userType()
	if err != nil {
		return nil, err
	}
	user, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(name), engine.View{})
	if err != nil {
		return nil, err
	}
	return c.engine.Subject(c.ctx(), entity.Principal{UserID: user.ID, Name: user.Name})
}

func (c *call) allPermissions() error {
	s, err := c.asked()
	if err != nil {
		return err
	}
	all := policy.PermissionsOnAll(s)
	for i := range all {
		keepForAdmins(s, &all[i])
	}
	return c.json(http.StatusOK, newPage(all, len(all)))
}

// keepForAdmins takes out of a listing what policies cannot give, as the API
// refuses it.
func keepForAdmins(s *policy.Subject, on *policy.ResourcePermission) {
	if s.Admin {
		return
	}
	for i := range on.Permissions {
		p := &on.Permissions[i]
		if p.Access != policy.AccessDeny && engine.AdminOnly(on.Resource, p.Operation) {
			*p = policy.Permission{Operation: p.Operation, Access: policy.AccessNotAllow}
		}
	}
}

func (c *call) typePermissions() error {
	name, err := c.param("resource")
	if err != nil {
		return err
	}
	s, err := c.asked()
	if err != nil {
		return err
	}
	p, err := policy.PermissionsOnType(s, name)
	if err != nil {
		return err
	}
	keepForAdmins(s, &p)
	return c.json(http.StatusOK, p)
}

func (c *call) entityPermissions() error {
	name, err := c.param("resource")
	if err != nil {
		return err
	}
	t, err := c.entityType(name)
	if err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	s, err := c.asked()
	if err != nil {
		return err
	}
	resource, err := c.engine.Resource(c.ctx(), t, sel)
	if err != nil {
		return err
	}
	p, err := policy.PermissionsOn(s, resource)
	if err != nil {
		return err
	}
	keepForAdmins(s, &p)
	return c.json(http.StatusOK, p)
}

// policyPermissions tells what the policies with the ids would permit.
func (c *call) policyPermissions() error {
	if err := c.authorize("policy", policy.ViewAll); err != nil {
		return err
	}
	t, err := c.entityType("policy")
	if err != nil {
		return err
	}
	texts := c.query["ids"]
	if len(texts) > 100 {
		return entity.BadRequest("at most 100 policies can be asked for at once")
	}
	policies := make([]policy.Policy, 0, len(texts))
	for _, text := range texts {
		id, err := entity.ParseID(text)
		if err != nil {
			return err
		}
		ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(id), engine.View{})
		if err != nil {
			return err
		}
		p, err := policy.FromEntity(ent)
		if err != nil {
			return err
		}
		policies = append(policies, p)
	}
	all := policy.PermissionsOfPolicies(policies)
	return c.json(http.StatusOK, newPage(all, len(all)))
}

func (c *call) policyResources() error {
	all := policy.Resources()
	return c.json(http.StatusOK, newPage(all, len(all)))
}

func (c *call) policyFunctions() error {
	all := policy.Functions()
	return c.json(http.StatusOK, newPage(all, len(all)))
}

func (c *call) validateCondition() error {
	if err := c.authorize("policy", policy.ViewAll); err != nil {
		return err
	}
	text, err := c.param("expression")
	if err != nil {
		return err
	}
	if err := c.engine.CheckCondition(c.ctx(), text); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
