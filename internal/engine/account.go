package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// adminMembers are the members of a user that decide what the user may do, or who
// the user is. Only administrators change them, whatever policies say: a right to
// edit users in general must not be a way to more rights.
var adminMembers = map[string]bool{
	"name": true, "email": true, "isAdmin": true, "isBot": true, "roles": true, "teams": true, "domains": true,
	"allowImpersonation": true, "authenticationMechanism": true, "externalId": true, "scimUserName": true, "isEmailVerified": true,
}

// ownMembers are the members of a user that the person may always change.
var ownMembers = map[string]bool{
	"displayName": true, "description": true, "profile": true, "personaPreferences": true, "defaultPersona": true, "timezone": true,
}

// teamMembers are the members of a team that decide what its users may do, or who
// they are.
var teamMembers = map[string]bool{
	"users": true, "defaultRoles": true, "policies": true, "parents": true, "children": true, "owners": true, "domains": true,
	"isJoinable": true, "teamType": true, "externalId": true, "email": true,
}

// authorizeAccount enforces the rules on accounts and teams. It looks at the result
// of the write, not at how it was asked for.
func (w *write) authorizeAccount(ctx context.Context) error {
	if w.t.Name != "user" && w.t.Name != "team" || w.by.TokenType == "SYSTEM" {
		return nil
	}
	s, err := w.e.subjectIn(ctx, w.tx, w.by.UserID)
	if err != nil {
		return err
	}
	admin := givesRights(s)
	switch {
	case admin && w.t.Name == "user" && w.old != nil && flag(w.old, "isAdmin") && !flag(w.in.ent, "isAdmin"):
		return w.otherAdmin(ctx)
	case admin:
		return nil
	case w.t.Name == "team" && w.old == nil:
		return w.authorizeNewTeam()
	case w.t.Name == "team":
		return w.authorizeTeam()
	case w.old == nil:
		return w.authorizeNewAccount()
	}
	return w.authorizeUser(ctx, s.Bot)
}

// givesRights tells whether somebody may change rights. Bots never do, even if they
// administer all the rest: their tokens lie in the files of pipelines.
func givesRights(s *policy.Subject) bool { return s.Admin && !s.Bot }

// authorizeUser checks what somebody who is no administrator changes in an account.
// An account is its person's to describe, whatever others may edit; ingestion brings
// display names and descriptions along.
func (w *write) authorizeUser(ctx context.Context, bot bool) error {
	if !bot && w.in.ent.ID != w.by.UserID && !w.change.Empty() {
		return notAdmin(w.by, "accounts of other people")
	}
	for name := range changedMembers(w.change) {
		if !adminMembers[name] {
			continue
		}
		if name == "teams" && w.in.ent.ID == w.by.UserID {
			if err := w.joinable(ctx); err != nil {
				return err
			}
			continue
		}
		return notAdmin(w.by, name)
	}
	return nil
}

// authorizeNewAccount lets others than administrators make plain users only.
func (w *write) authorizeNewAccount() error {
	ent := w.in.ent
	for _, name := range []string{"roles", "teams", "authenticationMechanism", "externalId", "scimUserName"} {
		if raw := ent.Rest[name]; raw != nil && string(raw) != "[]" {
			return notAdmin(w.by, name)
		}
	}
	for _, name := range []string{"isAdmin", "isBot", "allowImpersonation", "isEmailVerified"} {
		if flag(ent, name) {
			return notAdmin(w.by, name)
		}
	}
	if len(ent.Domains) > 0 {
		return notAdmin(w.by, "domains")
	}
	return nil
}

// authorizeTeam keeps rights and members of a team to administrators: the right to
// edit teams, or owning one, must not be a way to more rights.
func (w *write) authorizeTeam() error {
	for name := range changedMembers(w.change) {
		if teamMembers[name] {
			return notAdmin(w.by, name+" of teams")
		}
	}
	return nil
}

// authorizeNewTeam lets others than administrators make teams without members and
// rights, right below the organization: who joins gets what the teams above give.
func (w *write) authorizeNewTeam() error {
	ent := w.in.ent
	for _, name := range []string{"defaultRoles", "policies"} {
		if raw := ent.Rest[name]; raw != nil && string(raw) != "[]" {
			return notAdmin(w.by, name+" of teams")
		}
	}
	for _, inv := range w.in.inverse {
		if len(inv.pending.items) > 0 {
			return notAdmin(w.by, inv.rel.Field+" of teams")
		}
	}
	if w.parent != nil && w.parent.Name != rootTeam || hasSeveral(ent.Rest["parents"]) {
		return notAdmin(w.by, "parents of teams")
	}
	return nil
}

func hasSeveral(raw jsontext.Value) bool {
	refs, err := refsOf(raw)
	return err != nil || len(refs) > 1
}

// otherAdmin refuses to take away the last administrator.
func (w *write) otherAdmin(ctx context.Context) error {
	has, err := HasOtherAdmin(ctx, w.tx, w.old.ID)
	if err != nil || has {
		return err
	}
	return entity.BadRequest("%s is the last administrator: make somebody else one first", w.old.Name)
}

// adminPage is how many administrators are read at once.
const adminPage = 50

// HasOtherAdmin tells whether there is an administrator besides a user. Deactivated
// ones and bots cannot administer anything.
func HasOtherAdmin(ctx context.Context, r store.Reader, user entity.ID) (bool, error) {
	q := store.ListQuery{Type: "user", Members: map[string]string{"isAdmin": "true"}, Limit: adminPage}
	for {
		rows, err := r.List(ctx, q)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			var doc struct {
				IsBot bool `json:"isBot"`
			}
			if err := json.Unmarshal(row.Doc, &doc); err != nil {
				return false, entity.Internal(err)
			}
			if row.ID != user && !doc.IsBot {
				return true, nil
			}
		}
		if len(rows) < q.Limit {
			return false, nil
		}
		q.After = rows[len(rows)-1].FQN
	}
}

// joinable checks that somebody joins or leaves only teams that are open to all.
func (w *write) joinable(ctx context.Context) error {
	before, err := refsOf(w.old.Rest["teams"])
	if err != nil {
		return entity.Internal(err)
	}
	after, err := refsOf(w.in.ent.Rest["teams"])
	if err != nil {
		return entity.Internal(err)
	}
	rows, err := w.tx.Entities(ctx, append(refIDs(refsMinus(before, after)), refIDs(refsMinus(after, before))...))
	if err != nil {
		return err
	}
	for _, row := range rows {
		team, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if !flag(team, "isJoinable") {
			return notAdmin(w.by, "teams")
		}
	}
	return nil
}

func notAdmin(by entity.Principal, what string) error {
	if by.IsBot && by.IsAdmin {
		return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is a bot. Only people who are administrators change %s.", by.Name, what)
	}
	return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not admin. Only administrators change %s.", by.Name, what)
}

// changedMembers returns the top-level members that a change names.
func changedMembers(change *entity.ChangeDescription) map[string]bool {
	names := map[string]bool{}
	for _, fields := range [][]entity.FieldChange{change.FieldsAdded, change.FieldsUpdated, change.FieldsDeleted} {
		for _, f := range fields {
			name, _, _ := strings.Cut(f.Name, ".")
			names[name] = true
		}
	}
	return names
}

// notOwnProfile returns the part of the change that policies decide on: people
// need no leave to describe themselves.
func (w *write) notOwnProfile() *entity.ChangeDescription {
	if w.t.Name != "user" || w.in.ent.ID != w.by.UserID {
		return w.change
	}
	keep := func(fields []entity.FieldChange) []entity.FieldChange {
		var out []entity.FieldChange
		for _, f := range fields {
			name, _, _ := strings.Cut(f.Name, ".")
			if !ownMembers[name] && name != "teams" { // teams: see joinable
				out = append(out, f)
			}
		}
		return out
	}
	return &entity.ChangeDescription{FieldsAdded: keep(w.change.FieldsAdded), FieldsUpdated: keep(w.change.FieldsUpdated), FieldsDeleted: keep(w.change.FieldsDeleted)}
}

// checkConditions refuses a policy whose rules could not be decided by, since one with
// a condition that cannot be read would allow nothing, or deny everything; and an alert
// whose filter holds anything but calls. It runs once the caller is known to have the
// right: nobody else has a condition parsed.
func (w *write) checkConditions(ctx context.Context) error {
	switch w.t.Name {
	case "policy":
		return w.checkRules(ctx)
	case "eventsubscription":
		return alert.Check(w.old, w.in.ent)
	}
	return nil
}

// checkRules also wants what new conditions name to exist: one that misspells a tag
// would never hold, and a rule that denies would quietly deny nothing.
func (w *write) checkRules(ctx context.Context) error {
	p, err := policy.FromEntity(w.in.ent)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	if w.old != nil {
		before, err := policy.FromEntity(w.old)
		if err != nil {
			return err
		}
		for _, rule := range before.Rules {
			known[rule.Condition] = true
		}
	}
	for _, rule := range p.Rules {
		if err := rule.Validate(); err != nil {
			return err
		}
		if rule.Condition == "" || known[rule.Condition] || w.method == methodInternal {
			continue
		}
		if err := w.look.checkMentions(ctx, rule.Condition); err != nil {
			return entity.BadRequest("rule %s: %s", entity.Shorten(rule.Name, 60), err)
		}
	}
	return nil
}

// CheckCondition tells what is wrong with a condition: it cannot be read, or names what
// does not exist. The error is a KindBadRequest.
func (e *Engine) CheckCondition(ctx context.Context, text string) error {
	return e.store.View(ctx, func(r store.Reader) error { return e.newLookup(r, 0, false).checkMentions(ctx, text) })
}

// checkMentions looks up the roles, teams, tags and glossary terms that a condition
// names, spelled as decisions compare them.
func (l *lookup) checkMentions(ctx context.Context, text string) error {
	condition, err := policy.ParseCondition(text)
	if err != nil {
		return err
	}
	mentions := condition.Mentions()
	var keys []store.Key
	for _, m := range mentions {
		keys = append(keys, mentioned(m)...)
	}
	if err := l.loadKeys(ctx, keys); err != nil {
		return err
	}
	for _, m := range mentions {
		exists := slices.ContainsFunc(mentioned(m), func(key store.Key) bool {
			info := l.byKey[key]
			return info != nil && (info.ref.Deleted == nil || !*info.ref.Deleted)
		})
		if !exists {
			return entity.BadRequest("condition: there is no %s %s", m.Type, entity.Shorten(m.Name, 200))
		}
	}
	return nil
}

// mentioned are the entities that a name in a condition may mean.
func mentioned(m policy.Mention) []store.Key {
	if m.Type == "tag" {
		return []store.Key{{Type: "tag", FQN: m.Name}, {Type: "glossaryTerm", FQN: m.Name}}
	}
	return []store.Key{{Type: m.Type, FQN: entity.QuoteName(m.Name)}}
}
