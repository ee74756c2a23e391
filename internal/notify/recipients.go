package notify

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxRecipients is how many people one event is mailed to.
const maxRecipients = 100

// person is a user who can be told by mail.
type person struct {
	id    entity.ID
	email string
}

// recipients are the addresses that an event is mailed to: those of the destination,
// and those of people of the catalog who may see what happened.
func (s *Service) recipients(ctx context.Context, d *alert.Destination, ev store.Event, change engine.ChangeEvent) ([]string, error) {
	var addresses []string
	if d.Category == alert.External {
		addresses = slices.Clone(d.Config.Receivers)
	}
	var people []person
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		ids, err := s.told(ctx, r, d, change)
		if err != nil {
			return err
		}
		people, err = peopleOf(ctx, r, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if len(addresses) >= maxRecipients {
			break
		}
		if slices.Contains(addresses, p.email) {
			continue
		}
		seen, err := s.engine.ChangesOf(ctx, entity.Principal{UserID: p.id}, []store.Event{ev}, "")
		if err != nil {
			return nil, err
		}
		if len(seen) > 0 {
			addresses = append(addresses, p.email)
		}
	}
	return addresses, nil
}

// told are the ids of the users and teams whom a destination means.
func (s *Service) told(ctx context.Context, r store.Reader, d *alert.Destination, change engine.ChangeEvent) ([]entity.ID, error) {
	var ids []entity.ID
	is := func(category string, flag bool) bool { return d.Category == category || flag }
	if is(alert.Admins, d.Config.SendToAdmins) {
		rows, err := r.List(ctx, store.ListQuery{Type: "user", Members: map[string]string{"isAdmin": "true"}, Limit: maxRecipients})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
	}
	if is(alert.Owners, d.Config.SendToOwners) {
		owners, err := s.ownersOf(ctx, change)
		if err != nil {
			return nil, err
		}
		ids = append(ids, owners...)
	}
	if is(alert.Followers, d.Config.SendToFollowers) {
		followed, err := followedIn(change)
		if err != nil {
			return nil, err
		}
		relations, err := r.RelationsTo(ctx, []entity.ID{followed}, engine.RelationFollows)
		if err != nil {
			return nil, err
		}
		for _, rel := range relations {
			ids = append(ids, rel.From)
		}
	}
	talking, err := talkedTo(ctx, r, d, change)
	if err != nil {
		return nil, err
	}
	named, err := namedBy(ctx, r, d)
	return slices.Concat(ids, talking, named), err
}

// ownersOf are the owners of what changed, or of what a thread is about.
func (s *Service) ownersOf(ctx context.Context, change engine.ChangeEvent) ([]entity.ID, error) {
	about, err := s.aboutOf(ctx, change)
	if err != nil {
		return nil, err
	}
	if about != nil {
		return idsOf(about.Owners), nil
	}
	var ent struct {
		Owners []entity.Ref `json:"owners"`
	}
	if state := stateOf(change); state != nil {
		if err := json.Unmarshal(state, &ent); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return idsOf(ent.Owners), nil
}

func idsOf(refs []entity.Ref) []entity.ID {
	ids := make([]entity.ID, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return ids
}

// namedBy are the users or teams that a destination names.
func namedBy(ctx context.Context, r store.Reader, d *alert.Destination) ([]entity.ID, error) {
	typ := map[string]string{alert.Users: "user", alert.Teams: "team"}[d.Category]
	if typ == "" {
		return nil, nil
	}
	keys := make([]store.Key, len(d.Config.Receivers))
	for i, name := range d.Config.Receivers {
		keys[i] = store.Key{Type: typ, FQN: entity.CanonicalFQN(name)}
		if typ == "user" {
			keys[i].FQN = entity.QuoteName(strings.ToLower(name))
		}
	}
	rows, err := r.EntitiesByFQN(ctx, keys)
	ids := make([]entity.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, err
}

// peopleOf are the users among the ids, and the members of the teams among them. Bots
// and users who are gone are left out.
func peopleOf(ctx context.Context, r store.Reader, ids []entity.ID) ([]person, error) {
	rows, err := r.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	members, err := membersOf(ctx, r, rows)
	if err != nil {
		return nil, err
	}
	rows = append(rows, members...)
	var out []person
	for _, row := range rows {
		if row.Type != "user" || row.Deleted {
			continue
		}
		var user struct {
			Email string `json:"email"`
			Bot   bool   `json:"isBot"`
		}
		if err := json.Unmarshal(row.Doc, &user); err != nil {
			return nil, entity.Internal(err)
		}
		if user.Email != "" && !user.Bot && !slices.ContainsFunc(out, func(p person) bool { return p.id == row.ID }) {
			out = append(out, person{id: row.ID, email: user.Email})
		}
	}
	return out, nil
}

// membersOf are the members of the teams among the rows.
func membersOf(ctx context.Context, r store.Reader, rows []store.Row) ([]store.Row, error) {
	var teams, members []entity.ID
	for _, row := range rows {
		if row.Type == "team" && !row.Deleted {
			teams = append(teams, row.ID)
		}
	}
	if len(teams) == 0 {
		return nil, nil
	}
	relations, err := r.RelationsFrom(ctx, teams, "teams")
	if err != nil {
		return nil, err
	}
	for _, rel := range relations {
		if len(members) < 5*maxRecipients { // some of them may not see it
			members = append(members, rel.To)
		}
	}
	return r.Entities(ctx, members)
}

// testReceivers are the addresses of a destination, or that of whoever tries it out.
func (s *Service) testReceivers(ctx context.Context, d *alert.Destination, by entity.Principal) ([]string, error) {
	if d.Category == alert.External && len(d.Config.Receivers) > 0 {
		return d.Config.Receivers, nil
	}
	var people []person
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		var err error
		people, err = peopleOf(ctx, r, []entity.ID{by.UserID})
		return err
	})
	if err != nil || len(people) == 0 {
		return nil, err
	}
	return []string{people[0].email}, nil
}
