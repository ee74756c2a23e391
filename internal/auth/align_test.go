package auth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

const roleClaim = "https://example.org/roles"

// withClaims has roles and teams come from claims, and makes some.
func (f *signOnFixture) withClaims(change ...func(*SignOn)) (steward, consumer, group entity.ID) {
	steward, consumer, group = entity.NewID(), entity.NewID(), entity.NewID()
	f.people.roles = map[string]entity.ID{"datasteward": steward, "dataconsumer": consumer}
	f.people.groups = map[string]entity.ID{"finance": group}
	f.public(append([]func(*SignOn){func(so *SignOn) {
		so.Rules.UseRoles, so.Rules.RoleClaim, so.Rules.TeamClaim = true, roleClaim, "groups"
	}}, change...)...)
	return steward, consumer, group
}

// comes lets a person sign in with claims and returns roles and teams after it.
func (f *signOnFixture) comes(changes map[string]any) Grants {
	f.t.Helper()
	f.clock.Advance(1000)
	changes["jti"] = entity.NewID().String()
	p, err := f.person("sub-1", changes)
	must(f.t, err)
	g, err := f.people.Grants(f.ctx, p.UserID)
	must(f.t, err)
	return g
}

func TestT45RolesFollowTheClaim(t *testing.T) {
	f := newSignOn(t)
	steward, consumer, _ := f.withClaims()
	want := func(got Grants, roles ...entity.ID) {
		t.Helper()
		slices.SortFunc(got.Roles, compareID)
		slices.SortFunc(roles, compareID)
		if !slices.Equal(got.Roles, roles) {
			t.Errorf("roles %v, want %v", got.Roles, roles)
		}
	}
	want(f.comes(map[string]any{roleClaim: "DataSteward"}), steward)
	want(f.comes(map[string]any{roleClaim: []any{"DATACONSUMER", "nobody", 7, map[string]any{"name": "DataSteward"}, []string{"DataSteward"}}}), consumer)
	want(f.comes(map[string]any{}), consumer)                                              // a missing claim leaves
	want(f.comes(map[string]any{roleClaim: map[string]any{"a": "DataSteward"}}), consumer) // so does an object
	want(f.comes(map[string]any{roleClaim: true}), consumer)                               // and what is no name
	want(f.comes(map[string]any{roleClaim: []string{"DataSteward", "dataconsumer"}}), steward, consumer)
	want(f.comes(map[string]any{roleClaim: []string{}}))

	// Given by hand: neither taken away nor taken over.
	user := f.zoe()
	must(t, f.people.Regrant(f.ctx, user.ID, Grants{Roles: []entity.ID{steward}}, Grants{}))
	want(f.comes(map[string]any{roleClaim: []string{"DataSteward", "DataConsumer"}}), steward, consumer)
	want(f.comes(map[string]any{roleClaim: []string{}}), steward)
	if n := strings.Count(f.logs.String(), "names a role that does not exist"); n != 1 {
		t.Errorf("the unknown role was logged %d times", n)
	}
}

func compareID(a, b entity.ID) int { return strings.Compare(a.String(), b.String()) }

func TestT45TeamsFollowTheClaim(t *testing.T) {
	f := newSignOn(t)
	_, _, group := f.withClaims()
	own := entity.NewID()
	got := f.comes(map[string]any{"groups": []string{"Finance", "unknown"}})
	if diff := cmp.Diff([]entity.ID{group}, got.Teams); diff != "" {
		t.Error(diff)
	}
	must(t, f.people.Regrant(f.ctx, f.zoe().ID, Grants{Teams: []entity.ID{own}}, Grants{}))
	got = f.comes(map[string]any{"groups": []string{"other"}})
	if diff := cmp.Diff([]entity.ID{own}, got.Teams); diff != "" {
		t.Error("a team given by hand must stay:", diff)
	}
}

func TestT45ManyNames(t *testing.T) {
	f := newSignOn(t)
	steward, _, _ := f.withClaims()
	names := []string{"DataSteward", strings.Repeat("x", 300)}
	for i := range 10_000 {
		names = append(names, fmt.Sprint("role-", i))
	}
	// Flow A cannot carry so many; the round trip can.
	id := f.identity("sub-1", map[string]any{roleClaim: names})
	user, err := f.recognise(f.ctx, f.SignOn(), id)
	must(t, err)
	if got, _ := f.people.Grants(f.ctx, user.ID); !slices.Equal(got.Roles, []entity.ID{steward}) {
		t.Errorf("roles %v", got.Roles)
	}
	if f.people.asked > maxClaimNames {
		t.Errorf("%d names were looked up", f.people.asked)
	}
	if n := len(f.logs.String()); n > 20_000 {
		t.Errorf("%d bytes were logged", n)
	}
}

// TestSyncOncePerToken: requests with a known token cost no look at the claims.
func TestSyncOncePerToken(t *testing.T) {
	f := newSignOn(t)
	f.withClaims()
	token := f.idToken("sub-1", map[string]any{roleClaim: "DataSteward"})
	for range 5 {
		_, err := f.use(token)
		must(t, err)
	}
	if f.people.regrant != 1 || f.audited("grantsFromProvider") != 1 {
		t.Errorf("%d changes of roles", f.people.regrant)
	}
}

func TestT43AdminByClaim(t *testing.T) {
	f := newSignOn(t)
	f.withClaims()
	f.comes(map[string]any{roleClaim: []string{"Admin"}})
	if f.zoe().IsAdmin {
		t.Fatal("the claim makes an administrator though it must not")
	}
	f.withClaims(func(so *SignOn) { so.Rules.AdminFromProvider = true })
	f.comes(map[string]any{roleClaim: []string{"ADMIN"}})
	if !f.zoe().IsAdmin {
		t.Fatal("the claim does not make an administrator")
	}
	f.comes(map[string]any{})
	if !f.zoe().IsAdmin {
		t.Error("a missing claim demotes")
	}
	f.comes(map[string]any{roleClaim: []string{}})
	if f.zoe().IsAdmin {
		t.Error("the role is gone and the administrator stays")
	}
	if f.audited("adminGranted") != 1 || f.audited("adminWithdrawn") != 1 {
		t.Error("the trail does not tell")
	}

	// T43: the last one stays.
	f.comes(map[string]any{roleClaim: []string{"Admin"}})
	admin := f.admin
	admin.IsAdmin = false
	f.setUser(admin, admin.ID)
	f.comes(map[string]any{roleClaim: []string{}})
	if !f.zoe().IsAdmin {
		t.Error("the last administrator was demoted")
	}
}

// TestAdminByHandStays: the claim takes away only what it gave.
func TestAdminByHandStays(t *testing.T) {
	f := newSignOn(t)
	f.withClaims(func(so *SignOn) { so.Rules.AdminFromProvider = true })
	f.comes(map[string]any{})
	must(t, f.people.SetAdmin(f.ctx, f.zoe().ID, true))
	f.comes(map[string]any{roleClaim: []string{}})
	if !f.zoe().IsAdmin {
		t.Error("an administrator by hand was demoted")
	}
}

func TestAdminByConfiguration(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} })
	p, err := f.person("sub-1", nil)
	must(t, err)
	if !p.IsAdmin {
		t.Error("who is named is no administrator")
	}
	f.public()
	p, err = f.person("sub-1", map[string]any{"jti": "2"})
	must(t, err)
	if !p.IsAdmin {
		t.Error("taking the name out demotes at once")
	}
}
