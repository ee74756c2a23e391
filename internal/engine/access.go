package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Authorize answers nil when the caller may do the operations on everything of a
// type, and an error of entity.KindForbidden that names the missing ones.
func (e *Engine) Authorize(ctx context.Context, by entity.Principal, resource string, ops ...policy.Operation) error {
	f, err := e.Sight(ctx, by, resource, ops...)
	if err != nil || f.Kind == policy.FilterAll {
		return err
	}
	s, err := e.Subject(ctx, by)
	if err != nil {
		return err
	}
	if err := policy.Decide(s, &policy.Resource{Type: resource}, ops...).Err(); err != nil {
		return err
	}
	return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} operations %s not allowed. You may do this on some of them, but not on every %s.",
		by.Name, policy.SetOf(ops...), resource)
}

// AuthorizeEntity does the same for one entity, whose owners, domains and tags
// conditions look at. It returns the entity as stored.
func (e *Engine) AuthorizeEntity(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, ops ...policy.Operation) (*entity.Entity, error) {
	var ent *entity.Entity
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.find(ctx, r, t, sel)
		if err != nil {
			return err
		}
		if ent, err = decodeDoc(row.Doc); err != nil {
			return err
		}
		return e.authorizeIn(ctx, r, e.newLookup(r, generation, true), by, t, ent, row.Parent, ops...)
	})
	return ent, err
}

// AuthorizeActing answers nil when a bot may act on behalf of a user. A rule has to
// name that; to be an administrator is not enough. Conditions look at the user.
func (e *Engine) AuthorizeActing(ctx context.Context, bot entity.Principal, t *registry.Type, user entity.ID) error {
	generation := e.refs.started()
	return e.store.View(ctx, func(r store.Reader) error {
		s, err := e.subjectIn(ctx, r, bot.UserID)
		if err != nil {
			return err
		}
		row, err := e.find(ctx, r, t, ByID(user))
		if err != nil {
			return err
		}
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		res, err := e.resourceIn(ctx, r, e.newLookup(r, generation, true), t, ent, row.Parent)
		if err != nil {
			return err
		}
		plain := *s
		plain.Admin = false
		return policy.Decide(&plain, res, policy.Impersonate).Err()
	})
}

// authorizeIn decides inside a snapshot or transaction.
func (e *Engine) authorizeIn(ctx context.Context, r store.Reader, l *lookup, by entity.Principal, t *registry.Type, ent *entity.Entity, parent entity.ID, ops ...policy.Operation) error {
	if by.TokenType == "SYSTEM" {
		return nil
	}
	s, err := e.subjectIn(ctx, r, by.UserID)
	if err != nil {
		return err
	}
	if s.Admin {
		return nil
	}
	for _, op := range ops {
		if AdminOnly(t.Name, op) {
			return notAdmin(by, adminWord(t, op))
		}
	}
	res, err := e.resourceIn(ctx, r, l, t, ent, parent)
	if err != nil {
		return err
	}
	if err := decide(s, res, ops...); err != nil {
		return err
	}
	return e.authorizeAbout(ctx, r, l, s, t.Name, parent)
}

// decide asks policy, but for this: everybody may see who they are.
func decide(s *policy.Subject, res *policy.Resource, ops ...policy.Operation) error {
	if res.Type == "user" && res.ID == s.ID && onlyViews(ops) {
		return nil
	}
	return policy.Decide(s, res, ops...).Err()
}

// rightsKeeper names the entities of a type that decide what callers may do, ""
// for other types. Whoever could change one, by owning it or by a right to edit
// everything, could give away any right.
func rightsKeeper(typ string) string {
	switch typ {
	case "bot", "role":
		return typ + "s"
	case "policy":
		return "policies"
	}
	return ""
}

// AdminOnly tells whether no policy gives anybody but administrators an operation:
// what gives away rights, or takes people away.
func AdminOnly(typ string, op policy.Operation) bool {
	switch {
	case rightsKeeper(typ) != "":
		return changes(op)
	case typ == "user":
		return op == policy.Delete || op == policy.EditRole || op == policy.EditTeams
	case typ == "team":
		switch op {
		case policy.Delete, policy.EditUsers, policy.EditRole, policy.EditPolicy, policy.EditTeams, policy.EditOwners:
			return true
		}
	}
	return false
}

// adminWord says what only administrators change by the operation.
func adminWord(t *registry.Type, op policy.Operation) string {
	if what := rightsKeeper(t.Name); what != "" {
		return what
	}
	switch op {
	case policy.EditUsers:
		return "users of " + t.Plural
	case policy.EditRole:
		return "roles of " + t.Plural
	case policy.EditPolicy:
		return "policies of " + t.Plural
	case policy.EditTeams:
		return "teams of " + t.Plural
	case policy.EditOwners:
		return "owners of " + t.Plural
	}
	return t.Plural
}

// changes tells whether an operation does more than look.
func changes(op policy.Operation) bool { return !strings.HasPrefix(op.String(), "View") }

// onlyViews tells whether nothing but the two general views is asked for.
func onlyViews(ops []policy.Operation) bool {
	for _, op := range ops {
		if op != policy.ViewBasic && op != policy.ViewAll {
			return false
		}
	}
	return len(ops) > 0
}

// resourceIn gathers what conditions may ask of an entity, and the policies of the
// teams that its owners are in.
func (e *Engine) resourceIn(ctx context.Context, r store.Reader, l *lookup, t *registry.Type, ent *entity.Entity, parent entity.ID) (*policy.Resource, error) {
	if err := l.loadAncestors(ctx, []entity.ID{parent}); err != nil {
		return nil, err
	}
	res, err := l.resource(t.Name, ent, parent)
	if err != nil {
		return nil, err
	}
	if err := l.load(ctx, refIDs(res.Owners, res.Domains)); err != nil {
		return nil, err
	}
	res.Owners, res.Domains = l.fullRefs(res.Owners), l.fullRefs(res.Domains)
	around, err := e.around(ctx, r)
	if err != nil {
		return nil, err
	}
	if res.Teams, err = e.ownerTeams(ctx, r, around, res.Owners); err != nil {
		return nil, err
	}
	res.Rules = around.rulesOf(around.owning(res.Owners))
	return &res, nil
}

// resource is what an entity says of itself, with the tags of its parts, and with
// the owners and domains it has or inherits, as bare references. Its ancestors have
// been loaded.
func (l *lookup) resource(typ string, ent *entity.Entity, parent entity.ID) (policy.Resource, error) {
	res := policy.ResourceOf(typ, ent)
	if s := l.e.shapes[typ]; s != nil && len(s.t.Nested) > 0 {
		labels, err := allLabels(s, ent)
		if err != nil {
			return res, err
		}
		if len(labels) > len(res.Tags) {
			res.Tags = make([]entity.TagLabel, len(labels))
			for i, label := range labels {
				res.Tags[i] = *label
			}
		}
	}
	owners, domains := l.inherited(parent)
	if len(res.Owners) == 0 {
		res.Owners = owners
	}
	if len(res.Domains) == 0 {
		res.Domains = domains
	}
	return res, nil
}

// ownerTeams returns the names of the owning teams, of the teams the owners are
// in, and of all above them.
func (e *Engine) ownerTeams(ctx context.Context, r store.Reader, around *surroundings, owners []entity.Ref) ([]string, error) {
	var names []string
	for _, owner := range owners {
		if owner.Type == "team" {
			names = append(names, around.under(owner.ID)...)
			continue
		}
		s, err := e.subjectIn(ctx, r, owner.ID)
		if entity.KindOf(err) == entity.KindUnauthorized && err != nil {
			continue // an owner who is gone brings no teams
		}
		if err != nil {
			return nil, err
		}
		for i := range s.Teams {
			names = append(append(names, s.Teams[i].Name), s.Teams[i].Ancestors...)
		}
	}
	return names, nil
}

// inherited returns the nearest owners and domains on the way to the root.
func (l *lookup) inherited(parent entity.ID) (owners, domains []entity.Ref) {
	for depth := 0; parent != entity.NilID && depth < maxDepth; depth++ {
		info := l.byID[parent]
		if info == nil {
			break
		}
		if len(owners) == 0 {
			owners = info.owners
		}
		if len(domains) == 0 {
			domains = info.domains
		}
		parent = info.parent
	}
	return owners, domains
}

// fullRefs gives bare references their names; those that are gone are left out.
func (l *lookup) fullRefs(refs []entity.Ref) []entity.Ref {
	if len(refs) == 0 {
		return nil
	}
	out := make([]entity.Ref, 0, len(refs))
	for _, ref := range refs {
		if info := l.byID[ref.ID]; info != nil {
			full := info.ref
			full.Inherited = ref.Inherited
			out = append(out, full)
		}
	}
	return out
}

func refIDs(lists ...[]entity.Ref) []entity.ID {
	var ids []entity.ID
	for _, refs := range lists {
		for _, ref := range refs {
			ids = append(ids, ref.ID)
		}
	}
	return ids
}

// authorizeCreate checks that the caller may create what the request names. It
// runs once the parent is known, whose owners and domains the entity inherits. The
// owners and reviewers that the request names do not count yet: else everybody could
// create anything by naming themselves.
func (w *write) authorizeCreate(ctx context.Context) error {
	if w.method == methodInternal {
		return nil
	}
	if err := w.authorizeAccount(ctx); err != nil {
		return err
	}
	unclaimed := *w.in.ent
	unclaimed.Owners, unclaimed.Reviewers = nil, nil
	return w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, &unclaimed, w.parentRow.ID, policy.Create)
}

// authorizeChange checks the operations that follow from what really changed,
// against the owners and tags before the change.
func (w *write) authorizeChange(ctx context.Context) error {
	if w.method != methodInternal || w.account {
		if err := w.authorizeAccount(ctx); err != nil {
			return err
		}
	}
	if w.method == methodInternal {
		return nil
	}
	ops := policy.OperationsForChange(w.notOwnProfile())
	if len(ops) == 0 {
		return nil
	}
	ops, err := w.undescribed(ops)
	if err != nil {
		return err
	}
	if w.method == methodPut && w.by.IsBot {
		ops = sourceOperations(ops, w.old)
	}
	return w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, w.old, w.oldRow.Parent, ops...)
}

// authorizeSeeing checks that the caller may see what a write without a change
// answers.
func (w *write) authorizeSeeing(ctx context.Context) error {
	if w.method == methodInternal {
		return nil
	}
	return w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, w.old, w.oldRow.Parent, policy.ViewBasic)
}

// sourceOperations are the operations of a bot's PUT. The ingestion bot may not
// edit display names, which protects those that people gave; merge has kept them
// already, and a first name that the source reports is not an edit of one.
func sourceOperations(ops []policy.Operation, old *entity.Entity) []policy.Operation {
	if old.DisplayName != "" {
		return ops
	}
	out := make([]policy.Operation, 0, len(ops)+1)
	for _, op := range ops {
		if op != policy.EditDisplayName {
			out = append(out, op)
		}
	}
	if len(out) == 0 {
		out = append(out, policy.EditAll)
	}
	return out
}

// viewOperations are what reading the fields asks for. Samples are decided on by
// themselves, see decideSamples.
func viewOperations(t *registry.Type, f Fields) []policy.Operation {
	if f.all {
		return []policy.Operation{policy.ViewAll}
	}
	names := make([]string, 0, len(f.names))
	for name := range f.names {
		if name != samplesField || !slices.Contains(t.Records, samplesField) {
			names = append(names, name)
		}
	}
	return policy.OperationsForView(t.Name, names...)
}

// Resource returns what policy needs to know of an entity.
func (e *Engine) Resource(ctx context.Context, t *registry.Type, sel Selector) (*policy.Resource, error) {
	var res *policy.Resource
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.find(ctx, r, t, sel)
		if err != nil {
			return err
		}
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		res, err = e.resourceIn(ctx, r, e.newLookup(r, generation, true), t, ent, row.Parent)
		return err
	})
	return res, err
}
