package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// rightsTry is one way to call a route. Texts may hold $names, see
// rightsWorld.expand; every caller has an entity of its own that $id, $fqn and
// $name are about, and all these entities have the same owners.
type rightsTry struct {
	variant string            // one word that tells the tries of a route apart
	query   string            // after the question mark
	media   string            // of the body; JSON unless said otherwise
	body    string            // "" for none
	params  map[string]string // parameters of the path besides id, fqn and name
	why     string            // what else than rights decides, where it does
	before  func(*scene)      // makes what the call is about
	after   func(*scene)      // puts right what a call that got past has changed
	always  func(*scene)      // puts right what before has changed
	class   func(*scene, answer) string
	as      func(*scene) caller // who calls, where it is not the caller of the column
}

// scene is one caller before one call.
type scene struct {
	t    *testing.T
	w    *rightsWorld
	typ  *registry.Type
	who  caller
	vars map[string]string
}

// set makes a value known to the texts of the try.
func (s *scene) set(name, value string) { s.vars[name] = value }

func (s *scene) expand(text string) string { return s.w.expand(s.t, text, s.vars) }

// stranger tells that the caller has no credential: nothing is prepared for nobody,
// who gets no further than the door.
func (s *scene) stranger() bool { return s.who.token == "" }

// admin calls as the harness' administrator, which is not one of the columns.
func (s *scene) admin(method, path, body string, want ...int) answer {
	s.t.Helper()
	return s.as(s.w.admin, method, path, body, want...)
}

func (s *scene) as(who caller, method, path, body string, want ...int) answer {
	s.t.Helper()
	media := "application/json"
	if method == http.MethodPatch {
		media = patchTypes
	}
	got := s.w.call(s.t, who, method, "/api/v1"+s.expand(path), media, s.expand(body))
	if !slices.Contains(want, got.status) {
		s.t.Fatalf("preparing for %s: %s answers %d: %s", s.who.name, got.what, got.status, got.body)
	}
	return got
}

// remove deletes the caller's entity softly, so that it can be restored.
func (s *scene) remove() {
	s.t.Helper()
	id, err := entity.ParseID(s.vars["id"])
	check(s.t, err)
	_, err = s.w.engine.Delete(s.t.Context(), entity.System(), s.typ, engine.ByID(id), engine.DeleteOptions{}, engine.View{})
	check(s.t, err)
}

// prepareFresh makes what the entity needs that the call makes.
func (s *scene) prepareFresh() {
	s.t.Helper()
	check(s.t, s.w.prepare(s.t, rightsTypes[s.typ.Name].needs, s.vars["fresh"]))
}

// revive brings the caller's entity back after it was deleted.
func (s *scene) revive() {
	s.t.Helper()
	id, err := entity.ParseID(s.vars["id"])
	check(s.t, err)
	_, err = s.w.engine.Restore(s.t.Context(), entity.System(), s.typ, id, engine.View{})
	if err == nil {
		return
	}
	vars, err := s.w.specimen(s.t, s.typ, s.vars["name"])
	check(s.t, err)
	for name, value := range vars {
		s.set(name, value)
	}
}

// genericTries are the calls of what all types have, by method and the rest of the
// path; nil for what only some have.
func (w *rightsWorld) genericTries(t *registry.Type, method, rest string) []rightsTry {
	if tries := w.readTries(method, rest); tries != nil {
		return tries
	}
	switch method + " " + rest {
	case "POST ":
		return w.createTries(t)
	case "PUT ":
		return []rightsTry{
			{variant: "new", body: w.newRequest(t), before: (*scene).prepareFresh},
			{variant: "displayName", body: w.createRequest(t, `,"displayName":"$n"`)},
		}
	case "PUT /bulk":
		return []rightsTry{
			{variant: "new", body: "[" + w.newRequest(t) + "]", class: classOfRows},
			{variant: "displayName", body: "[" + w.createRequest(t, `,"displayName":"$n"`) + "]", class: classOfRows},
		}
	case "PATCH /{id}":
		return w.patchTries(t)
	case "PATCH /name/{fqn}":
		return []rightsTry{{variant: "displayName", body: `[{"op":"add","path":"/displayName","value":"$n"}]`}}
	case "DELETE /{id}":
		return []rightsTry{{after: (*scene).revive}, {variant: "hard", query: "hardDelete=true", after: (*scene).revive}}
	case "DELETE /async/{id}":
		return []rightsTry{{class: classOfJob(classOf), after: (*scene).revive}}
	case "DELETE /name/{fqn}":
		return []rightsTry{{after: (*scene).revive}}
	case "PUT /restore":
		if !t.Supports.SoftDelete {
			return []rightsTry{{body: `{"id":"$id"}`, why: "nothing of this type can be restored"}}
		}
		return []rightsTry{{body: `{"id":"$id"}`, before: (*scene).remove, always: (*scene).revive}}
	case "PUT /{id}/followers":
		return []rightsTry{{variant: "self", body: `"$me"`}, {variant: "else", body: `"$base_user"`}}
	case "DELETE /{id}/followers/{userId}":
		return []rightsTry{
			{variant: "self", params: map[string]string{"userId": "$me"}},
			{variant: "else", params: map[string]string{"userId": "$base_user"}},
		}
	case "PUT /{id}/vote":
		return []rightsTry{{body: `{"updatedVoteType":"votedUp"}`}}
	}
	return nil
}

// readTries are those that change nothing.
func (w *rightsWorld) readTries(method, rest string) []rightsTry {
	switch method + " " + rest {
	case "GET ":
		return []rightsTry{{query: "include=all&limit=1", class: classOfList}}
	case "GET /history":
		return []rightsTry{{query: "startTs=$began&endTs=9999999999999&limit=1", class: classOfList}}
	case "GET /{id}", "GET /name/{fqn}", "GET /{id}/versions":
		return []rightsTry{{}}
	case "GET /{id}/versions/{version}":
		return []rightsTry{{params: map[string]string{"version": "0.1"}}}
	}
	return nil
}

// newRequest makes an entity that was not there.
func (w *rightsWorld) newRequest(t *registry.Type) string {
	return strings.ReplaceAll(w.createRequest(t, ""), "$name", "$fresh")
}

// createTries make an entity; one that can be owned also by naming the caller as its
// owner, which must not help.
func (w *rightsWorld) createTries(t *registry.Type) []rightsTry {
	body := w.newRequest(t)
	tries := []rightsTry{{body: body, before: (*scene).prepareFresh}}
	if strings.Contains(body, w.owners) {
		claim := strings.Replace(body, w.owners, `[{"id":"$me","type":"user"}]`, 1)
		tries = append(tries, rightsTry{variant: "claim", body: claim, before: (*scene).prepareFresh})
	}
	return tries
}

// patchTries change a member for each kind of right.
func (w *rightsWorld) patchTries(t *registry.Type) []rightsTry {
	patch := func(variant, path, value string) rightsTry {
		return rightsTry{variant: variant, body: `[{"op":"add","path":"` + path + `","value":` + value + `}]`}
	}
	var tries []rightsTry
	s, _ := sharedParts()
	for _, member := range []string{"description", "displayName"} {
		if s.schemas.Has(t.Schema, member) {
			tries = append(tries, patch(member, "/"+member, `"$n"`))
		}
	}
	if t.Supports.Tags {
		tries = append(tries, patch("tags", "/tags", `[{"tagFQN":"PersonalData.Personal","source":"Classification","labelType":"Manual","state":"Confirmed"}]`))
	}
	if t.Supports.Owners {
		tries = append(tries, patch("owners", "/owners/0", `{"id":"$base_user","type":"user"}`))
	}
	switch rest := rightsTypes[t.Name]; {
	case rest.rest != "":
		tries = append(tries, patch("rest", rest.rest, rest.value))
	case t.Supports.Domains:
		tries = append(tries, patch("rest", "/domains", `[{"id":"$base_domain","type":"domain"}]`))
	}
	return tries
}
