package api

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// rootTeam is the team that all others are below.
const rootTeam = "Organization"

// teamRoutes show teams as a tree and change who is in one.
func (a *API) teamRoutes() []Route {
	const base = "/api/v1/teams"
	return []Route{
		{Method: http.MethodGet, Path: base + "/hierarchy", Access: Authenticated, Handle: (*call).teamHierarchy},
		{Method: http.MethodPut, Path: base + "/{teamId}/users", Access: Authenticated, Handle: (*call).setTeamUsers},
		{Method: http.MethodDelete, Path: base + "/{teamId}/users/{userId}", Access: Authenticated, Handle: (*call).removeTeamUser},
	}
}

// teamTree is a team with the teams below it, as far as the caller may see them.
type teamTree struct {
	ID                 entity.ID   `json:"id"`
	TeamType           string      `json:"teamType"`
	Name               string      `json:"name"`
	FullyQualifiedName string      `json:"fullyQualifiedName"`
	DisplayName        string      `json:"displayName,omitzero"`
	Description        string      `json:"description,omitzero"`
	Href               string      `json:"href,omitzero"`
	IsJoinable         bool        `json:"isJoinable"`
	Children           []*teamTree `json:"children,omitzero"`

	parent entity.ID
}

// teamHierarchy answers the teams below the organization, each with those below it.
// A team with several parents stands below the first. Asked for teams that anybody
// may join, the others are there only to lead to one.
func (c *call) teamHierarchy() error {
	limit, err := c.number("limit", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	joinable, err := c.flag("isJoinable", false)
	if err != nil {
		return err
	}
	teams, err := c.allTeams()
	if err != nil {
		return err
	}
	byID := make(map[entity.ID]*teamTree, len(teams))
	for _, team := range teams {
		byID[team.ID] = team
	}
	var roots []*teamTree
	for _, team := range teams {
		switch parent := byID[team.parent]; {
		case team.Name == rootTeam:
		case parent == nil || parent.Name == rootTeam:
			roots = append(roots, team)
		default:
			parent.Children = append(parent.Children, team)
		}
	}
	if joinable {
		roots = joinableTrees(roots)
	}
	total := len(roots)
	return c.json(http.StatusOK, newPage(roots[:min(limit, total)], total))
}

// joinableTrees leaves out branches without any team to join.
func joinableTrees(trees []*teamTree) []*teamTree {
	return slices.DeleteFunc(trees, func(team *teamTree) bool {
		team.Children = joinableTrees(team.Children)
		return !team.IsJoinable && len(team.Children) == 0
	})
}

// allTeams reads every team that the caller may see, in the order of names.
func (c *call) allTeams() ([]*teamTree, error) {
	t, err := c.entityType("team")
	if err != nil {
		return nil, err
	}
	fields, err := c.engine.ParseFields(t, "parents")
	if err != nil {
		return nil, err
	}
	all, err := c.everyOne(t, engine.ListRequest{View: engine.View{Fields: fields}})
	if err != nil {
		return nil, err
	}
	teams := make([]*teamTree, 0, len(all))
	for _, ent := range all {
		team := &teamTree{
			ID: ent.ID, Name: ent.Name, FullyQualifiedName: ent.FullyQualifiedName, DisplayName: ent.DisplayName,
			Description: ent.Description, Href: ent.Href,
		}
		var rest struct {
			TeamType   string       `json:"teamType"`
			IsJoinable bool         `json:"isJoinable"`
			Parents    []entity.Ref `json:"parents"`
		}
		if err := readMembers(ent.Rest, &rest); err != nil {
			return nil, err
		}
		team.TeamType, team.IsJoinable = rest.TeamType, rest.IsJoinable
		if len(rest.Parents) > 0 {
			team.parent = rest.Parents[0].ID
		}
		teams = append(teams, team)
	}
	return teams, nil
}

// readMembers decodes the members of a type that a handler wants to look at.
func readMembers(rest map[string]jsontext.Value, into any) error {
	raw, err := json.Marshal(rest)
	if err != nil {
		return entity.Internal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return entity.Internal(err)
	}
	return nil
}

// setTeamUsers makes a list of users the members of a team.
func (c *call) setTeamUsers() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var users []entity.Ref
	if jsontext.Value(bytes.TrimSpace(body)).Kind() != '[' {
		return entity.BadRequest("the body must be a list of references to users")
	}
	if err := json.Unmarshal(body, &users); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	for i := range users {
		if users[i].ID == entity.NilID || users[i].Type != "" && users[i].Type != "user" {
			return entity.BadRequest("item %d is no reference to a user: it needs the id of one", i+1)
		}
		users[i] = entity.Ref{ID: users[i].ID, Type: "user"}
	}
	return c.changeTeamUsers(func([]entity.Ref) ([]entity.Ref, error) { return users, nil })
}

func (c *call) removeTeamUser() error {
	user, err := c.id("userId")
	if err != nil {
		return err
	}
	return c.changeTeamUsers(func(users []entity.Ref) ([]entity.Ref, error) {
		left := slices.DeleteFunc(slices.Clone(users), func(ref entity.Ref) bool { return ref.ID == user })
		if len(left) == len(users) {
			return nil, entity.BadRequest("the user %s is not in the team", user)
		}
		return left, nil
	})
}

// changeTeamUsers patches the members of a team and answers the change. Everybody
// is in the organization, so that nobody can be put there or taken out.
func (c *call) changeTeamUsers(change func([]entity.Ref) ([]entity.Ref, error)) error {
	id, err := c.id("teamId")
	if err != nil {
		return err
	}
	t, err := c.entityType("team")
	if err != nil {
		return err
	}
	fields, err := c.engine.ParseFields(t, "users")
	if err != nil {
		return err
	}
	team, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(id), engine.View{})
	if err != nil {
		return err
	}
	if team.Name == rootTeam {
		return entity.BadRequest("everybody is in the team %s", rootTeam)
	}
	members, err := c.members(team.ID)
	if err != nil {
		return err
	}
	if members, err = change(members); err != nil {
		return err
	}
	list := make([]entity.Ref, 0, len(members))
	for _, ref := range members {
		list = append(list, entity.Ref{ID: ref.ID, Type: "user"})
	}
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/users", "value": list}})
	if err != nil {
		return entity.Internal(err)
	}
	result, err := c.engine.Patch(c.ctx(), c.by, t, engine.ByID(id), patch, 0, engine.View{Fields: fields, Base: c.base()})
	if err != nil {
		return err
	}
	return c.changed(t, result)
}

// members are the users in a team, whoever asks: a change of some must not lose
// those that the caller does not see.
func (c *call) members(team entity.ID) ([]entity.Ref, error) {
	var users []entity.Ref
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		relations, err := r.RelationsFrom(c.ctx(), []entity.ID{team}, "teams")
		for _, rel := range relations {
			users = append(users, entity.Ref{ID: rel.To, Type: rel.ToType})
		}
		return err
	})
	return users, err
}
