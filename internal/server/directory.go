package server

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// indexPage is the number of entities read at once.
const indexPage = 500

// directory finds the users that auth asks for among the entities, and makes users of
// the people whom auth recognises.
type directory struct {
	store  store.Store
	engine *engine.Engine // not needed for finding
}

// ByID implements auth.Users.
func (d directory) ByID(ctx context.Context, id entity.ID) (auth.User, error) {
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		row, err := r.Entity(ctx, id)
		if err == nil && row.Type != "user" {
			return row, entity.NotFound("user", id.String())
		}
		return row, err
	})
}

// ByName implements auth.Users.
func (d directory) ByName(ctx context.Context, name string) (auth.User, error) {
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		return r.EntityByFQN(ctx, store.Key{Type: "user", FQN: entity.QuoteName(strings.ToLower(name))})
	})
}

// ByEmail implements auth.Users. Most addresses begin with the user's name, so
// that one is tried before the list of users is searched.
func (d directory) ByEmail(ctx context.Context, email string) (auth.User, error) {
	email = strings.ToLower(email)
	if name, _, ok := strings.Cut(email, "@"); ok {
		if user, err := d.ByName(ctx, name); err == nil && strings.EqualFold(user.Email, email) {
			return user, nil
		}
	}
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		rows, err := r.List(ctx, store.ListQuery{Type: "user", Include: store.All, Members: map[string]string{"email": email}, Limit: 1})
		if err == nil && len(rows) == 0 {
			err = entity.NotFound("user", email)
		}
		if err != nil {
			return store.Row{}, err
		}
		return rows[0], nil
	})
}

func (d directory) find(ctx context.Context, read func(store.Reader) (store.Row, error)) (auth.User, error) {
	var user auth.User
	err := d.store.View(ctx, func(r store.Reader) error {
		row, err := read(r)
		if err != nil {
			return err
		}
		var doc struct {
			Email   string `json:"email"`
			IsAdmin bool   `json:"isAdmin"`
			IsBot   bool   `json:"isBot"`
			Acting  bool   `json:"allowImpersonation"`
		}
		if err := json.Unmarshal(row.Doc, &doc); err != nil {
			return entity.Internal(err)
		}
		user = auth.User{
			ID: row.ID, Name: row.Name, Email: doc.Email, IsAdmin: doc.IsAdmin, IsBot: doc.IsBot, Deleted: row.Deleted,
			AllowImpersonation: doc.Acting,
		}
		if !doc.IsBot {
			return nil
		}
		return d.addBot(ctx, r, &user)
	})
	return user, err
}

// addBot finds the bot whose user this is; a deleted bot takes its user with it.
func (d directory) addBot(ctx context.Context, r store.Reader, user *auth.User) error {
	relations, err := r.RelationsFrom(ctx, []entity.ID{user.ID}, "botUser")
	if err != nil || len(relations) == 0 {
		return err
	}
	user.Bot = relations[0].To
	bot, err := r.Entity(ctx, user.Bot)
	if err != nil {
		return err
	}
	user.Deleted = user.Deleted || bot.Deleted
	return nil
}

// CreatePerson implements auth.Directory.
func (d directory) CreatePerson(ctx context.Context, p auth.Person) (auth.User, error) {
	body, err := json.Marshal(struct {
		Name        string `json:"name"`
		Email       string `json:"email"`
		DisplayName string `json:"displayName,omitzero"`
	}{p.Name, p.Email, p.DisplayName})
	if err != nil {
		return auth.User{}, entity.Internal(err)
	}
	t, ok := d.engine.Registry().ByName("user")
	if !ok {
		return auth.User{}, entity.NotFound("type", "user")
	}
	if _, err := d.ByEmail(ctx, p.Email); err == nil {
		return auth.User{}, entity.Conflict("A user with this email already exists")
	} else if entity.KindOf(err) != entity.KindNotFound {
		return auth.User{}, err
	}
	made, err := d.engine.Create(ctx, entity.System(), t, body, engine.View{})
	if err != nil {
		return auth.User{}, err
	}
	return d.ByID(ctx, made.Entity.ID)
}

// edit changes a user in the server's name.
func (d directory) edit(ctx context.Context, user entity.ID, change func(store.Tx, *entity.Entity) error) error {
	t, ok := d.engine.Registry().ByName("user")
	if !ok {
		return entity.NotFound("type", "user")
	}
	_, err := d.engine.Edit(ctx, entity.System(), t, engine.ByID(user), nil, engine.View{}, change)
	return err
}

// SetAdmin implements auth.Directory.
func (d directory) SetAdmin(ctx context.Context, user entity.ID, admin bool) error {
	return d.edit(ctx, user, func(tx store.Tx, ent *entity.Entity) error {
		if !admin {
			others, err := engine.HasOtherAdmin(ctx, tx, user)
			if err != nil {
				return err
			}
			if !others {
				return entity.Conflict("This is the last administrator: make somebody else one first")
			}
		}
		if ent.Rest == nil {
			ent.Rest = make(map[string]jsontext.Value)
		}
		ent.Rest["isAdmin"] = jsontext.Value("false")
		if admin {
			ent.Rest["isAdmin"] = jsontext.Value("true")
		}
		return nil
	})
}

// Roles implements auth.Directory.
func (d directory) Roles(ctx context.Context, names []string) (map[string]entity.ID, error) {
	return d.named(ctx, "role", names, nil)
}

// Groups implements auth.Directory.
func (d directory) Groups(ctx context.Context, names []string) (map[string]entity.ID, error) {
	return d.named(ctx, "team", names, map[string]string{"teamType": "Group"})
}

// named finds live entities of a type by names in any case. Most come in their own
// case, which the database finds at once; only for others all of them are read.
func (d directory) named(ctx context.Context, typ string, names []string, members map[string]string) (map[string]entity.ID, error) {
	var found map[string]entity.ID
	err := d.store.View(ctx, func(r store.Reader) error {
		found = make(map[string]entity.ID, len(names))
		for chunk := range slices.Chunk(names, indexPage) {
			if err := findExact(ctx, r, typ, chunk, members, found); err != nil {
				return err
			}
		}
		wanted := make(map[string]bool, len(names))
		for _, name := range names {
			name = strings.ToLower(name)
			wanted[name] = found[name] == entity.NilID
		}
		if len(found) == len(wanted) {
			return nil
		}
		return findFolded(ctx, r, typ, wanted, members, found)
	})
	return found, err
}

func findExact(ctx context.Context, r store.Reader, typ string, names []string, members map[string]string, found map[string]entity.ID) error {
	keys := make([]store.Key, len(names))
	for i, name := range names {
		keys[i] = store.Key{Type: typ, FQN: entity.QuoteName(name)}
	}
	rows, err := r.EntitiesByFQN(ctx, keys)
	if err != nil {
		return err
	}
	for _, row := range rows {
		fits, err := hasMembers(row, members)
		if err != nil {
			return err
		}
		if fits && !row.Deleted {
			found[strings.ToLower(row.Name)] = row.ID
		}
	}
	return nil
}

// findFolded looks for the wanted names, which are in lower case.
func findFolded(ctx context.Context, r store.Reader, typ string, wanted map[string]bool, members map[string]string, found map[string]entity.ID) error {
	q := store.ListQuery{Type: typ, Members: members, Limit: indexPage}
	for {
		rows, err := r.List(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if name := strings.ToLower(row.Name); wanted[name] && found[name] == entity.NilID {
				found[name] = row.ID
			}
		}
		if len(rows) < indexPage {
			return nil
		}
		q.After = rows[len(rows)-1].FQN
	}
}

// hasMembers tells whether a document's members have the wanted texts.
func hasMembers(row store.Row, members map[string]string) (bool, error) {
	if len(members) == 0 {
		return true, nil
	}
	var doc map[string]jsontext.Value
	if err := json.Unmarshal(row.Doc, &doc); err != nil {
		return false, entity.Internal(err)
	}
	for name, want := range members {
		var text string
		if doc[name].Kind() != '"' || json.Unmarshal(doc[name], &text) != nil || text != want {
			return false, nil
		}
	}
	return true, nil
}

// Grants implements auth.Directory.
func (d directory) Grants(ctx context.Context, user entity.ID) (auth.Grants, error) {
	var grants auth.Grants
	err := d.store.View(ctx, func(r store.Reader) error {
		grants = auth.Grants{}
		relations, err := r.RelationsFrom(ctx, []entity.ID{user}, "roles", "teams")
		for _, rel := range relations {
			if rel.Kind == "roles" {
				grants.Roles = append(grants.Roles, rel.To)
			} else {
				grants.Teams = append(grants.Teams, rel.To)
			}
		}
		return err
	})
	return grants, err
}

// Regrant implements auth.Directory.
func (d directory) Regrant(ctx context.Context, user entity.ID, add, remove auth.Grants) error {
	return d.edit(ctx, user, func(_ store.Tx, ent *entity.Entity) error {
		if err := regrant(ent, "roles", "role", add.Roles, remove.Roles); err != nil {
			return err
		}
		return regrant(ent, "teams", "team", add.Teams, remove.Teams)
	})
}

// regrant changes one list of references.
func regrant(ent *entity.Entity, member, typ string, add, remove []entity.ID) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	var refs []entity.Ref
	if raw := ent.Rest[member]; raw != nil {
		if err := json.Unmarshal(raw, &refs); err != nil {
			return entity.Internal(err)
		}
	}
	refs = slices.DeleteFunc(refs, func(ref entity.Ref) bool { return slices.Contains(remove, ref.ID) })
	for _, id := range add {
		if !slices.ContainsFunc(refs, func(ref entity.Ref) bool { return ref.ID == id }) {
			refs = append(refs, entity.Ref{ID: id, Type: typ})
		}
	}
	if refs == nil {
		refs = []entity.Ref{}
	}
	raw, err := json.Marshal(refs)
	if err != nil {
		return entity.Internal(err)
	}
	if ent.Rest == nil {
		ent.Rest = make(map[string]jsontext.Value)
	}
	ent.Rest[member] = raw
	return nil
}
