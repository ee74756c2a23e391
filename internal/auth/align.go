package auth

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const (
	// maxClaimNames bounds the roles or teams that count in one claim.
	maxClaimNames = 1000
	maxClaimName  = 256
	// adminRole is the role claim's word for administrators.
	adminRole = "admin"
)

// alignment is what the claims say about a user, before anything is changed.
type alignment struct {
	byRule       bool // an administrator by configuration
	byClaim      bool // an administrator by a role
	claimDecides bool // who was made administrator by a role loses it with the role
	roles, teams wish
	change       bool
	add, remove  Grants
	next         personDoc
}

// wish is what a claim asks for.
type wish struct {
	said    bool // the claim is there and usable; otherwise everything stays
	ids     []entity.ID
	found   []string
	unknown []string
}

// align gives a user what the rules take from the claims.
func (s *Service) align(ctx context.Context, so *SignOn, id Identity, n naming, user User) (User, error) {
	if s.opts.Directory == nil {
		return user, nil
	}
	a, err := s.compare(ctx, so, id, n, user)
	if err != nil {
		return User{}, err
	}
	s.noteUnknown(id.Issuer, "role", a.roles.unknown)
	s.noteUnknown(id.Issuer, "team", a.teams.unknown)
	if a.change {
		if err := s.opts.Directory.Regrant(ctx, user.ID, a.add, a.remove); err != nil {
			return User{}, err
		}
		err := s.change(ctx, user.ID, func(tx store.Tx) error {
			err := s.editPerson(ctx, tx, user.ID, func(doc *personDoc) { doc.Roles, doc.Teams = a.next.Roles, a.next.Teams })
			if err != nil {
				return err
			}
			return s.audit(ctx, tx, AuditEntry{
				Action: "grantsFromProvider", User: user.Name, Issuer: id.Issuer,
				Count: len(a.add.Roles) + len(a.add.Teams) + len(a.remove.Roles) + len(a.remove.Teams),
			})
		})
		if err != nil {
			return User{}, err
		}
	}
	return s.alignAdmin(ctx, id, a, user)
}

// alignAdmin promotes, and demotes who was promoted by a claim that is gone.
func (s *Service) alignAdmin(ctx context.Context, id Identity, a alignment, user User) (User, error) {
	demote := user.IsAdmin && a.next.Admin && a.claimDecides && !a.byClaim && !a.byRule
	promote := !user.IsAdmin && (a.byRule || a.byClaim)
	if !promote && !demote {
		return user, nil
	}
	err := s.opts.Directory.SetAdmin(ctx, user.ID, promote)
	if err != nil && demote && entity.KindOf(err) == entity.KindConflict {
		s.log.Warn("the last administrator stays one, though the provider's roles say otherwise", "user", user.Name)
		return user, nil
	}
	if err != nil {
		return User{}, err
	}
	action := "adminGranted"
	if demote {
		action = "adminWithdrawn"
	}
	user.IsAdmin = promote
	return user, s.change(ctx, user.ID, func(tx store.Tx) error {
		err := s.editPerson(ctx, tx, user.ID, func(doc *personDoc) { doc.Admin = a.byClaim })
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: action, User: user.Name, Issuer: id.Issuer})
	})
}

// compare finds out what the claims would change.
func (s *Service) compare(ctx context.Context, so *SignOn, id Identity, n naming, user User) (alignment, error) {
	rules := &so.Rules
	a := alignment{byRule: rules.isAdmin(id, n)}
	if s.opts.Directory == nil {
		return a, nil
	}
	if !rules.UseRoles && rules.TeamClaim == "" {
		return a, nil
	}
	var err error
	if rules.UseRoles {
		names, said := claimNames(id.Claims[rules.roleClaim()])
		isAdmin := func(name string) bool { return strings.EqualFold(name, adminRole) }
		if slices.ContainsFunc(names, isAdmin) {
			names = slices.DeleteFunc(names, isAdmin)
			a.byClaim = rules.AdminFromProvider
		}
		a.claimDecides = said && rules.AdminFromProvider
		if a.roles, err = wished(ctx, names, said, s.opts.Directory.Roles); err != nil {
			return alignment{}, err
		}
	}
	if rules.TeamClaim != "" {
		names, said := claimNames(id.Claims[rules.TeamClaim])
		if a.teams, err = wished(ctx, names, said, s.opts.Directory.Groups); err != nil {
			return alignment{}, err
		}
	}
	if user.ID == entity.NilID { // of a test login: nobody yet
		return a, nil
	}
	return a, s.differences(ctx, user, &a)
}

// differences compares the wishes with what the user has.
func (s *Service) differences(ctx context.Context, user User, a *alignment) error {
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		a.next, err = readPerson(ctx, r, user.ID)
		return err
	})
	if err != nil || !a.roles.said && !a.teams.said {
		return err
	}
	has, err := s.opts.Directory.Grants(ctx, user.ID)
	if err != nil {
		return err
	}
	before := a.next
	a.add.Roles, a.remove.Roles, a.next.Roles = a.roles.against(has.Roles, a.next.Roles)
	a.add.Teams, a.remove.Teams, a.next.Teams = a.teams.against(has.Teams, a.next.Teams)
	a.change = len(a.add.Roles)+len(a.add.Teams)+len(a.remove.Roles)+len(a.remove.Teams) > 0 ||
		!slices.Equal(before.Roles, a.next.Roles) || !slices.Equal(before.Teams, a.next.Teams)
	return nil
}

// against compares a wish with what a user has, of which managed came from the
// provider: what was given by hand is neither taken away nor taken over.
func (w wish) against(has, managed []entity.ID) (add, remove, next []entity.ID) {
	if !w.said {
		return nil, nil, managed
	}
	for _, id := range w.ids {
		switch {
		case !slices.Contains(has, id):
			add, next = append(add, id), append(next, id)
		case slices.Contains(managed, id):
			next = append(next, id)
		}
	}
	for _, id := range managed {
		if !slices.Contains(w.ids, id) && slices.Contains(has, id) {
			remove = append(remove, id)
		}
	}
	return add, remove, next
}

// wished looks the names of a claim up.
func wished(ctx context.Context, names []string, said bool, find func(context.Context, []string) (map[string]entity.ID, error)) (wish, error) {
	w := wish{said: said}
	if len(names) == 0 {
		return w, nil
	}
	known, err := find(ctx, names)
	if err != nil {
		return wish{}, err
	}
	for _, name := range names {
		if id, ok := known[strings.ToLower(name)]; ok {
			w.ids, w.found = append(w.ids, id), append(w.found, name)
		} else {
			w.unknown = append(w.unknown, name)
		}
	}
	slices.SortFunc(w.ids, func(a, b entity.ID) int { return bytes.Compare(a[:], b[:]) })
	w.ids = slices.Compact(w.ids)
	return w, nil
}

// claimNames reads a claim that is a name or a list of names: each once, whatever its
// case. said is false when there is nothing to go by.
func claimNames(raw jsontext.Value) (names []string, said bool) {
	var list []jsontext.Value
	switch raw.Kind() {
	case '"':
		list = []jsontext.Value{raw}
	case '[':
		if json.Unmarshal(raw, &list) != nil {
			return nil, false
		}
	default:
		return nil, false
	}
	seen := make(map[string]bool)
	for _, item := range list {
		if item.Kind() != '"' {
			continue
		}
		name := strings.TrimSpace(Identity{Claims: map[string]jsontext.Value{"": item}}.Text(""))
		if key := strings.ToLower(name); name != "" && len(name) <= maxClaimName && !seen[key] && len(names) < maxClaimNames {
			seen[key] = true
			names = append(names, name)
		}
	}
	return names, true
}

// noteUnknown logs names that nobody here knows, each once.
func (s *Service) noteUnknown(issuer, kind string, names []string) {
	var fresh []string
	for _, name := range names {
		if known, _ := s.unknown.ContainsOrAdd(kind+"\x00"+issuer+"\x00"+name, struct{}{}); !known {
			fresh = append(fresh, name)
		}
	}
	if len(fresh) > 0 {
		s.log.Warn("the identity provider names a "+kind+" that does not exist here", "issuer", issuer,
			"count", len(fresh), "names", fmt.Sprintf("%.500q", strings.Join(fresh, ", ")))
	}
}
