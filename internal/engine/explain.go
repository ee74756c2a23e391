package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Explanation is a decision with all that it rests on, and the references of the
// policies, roles and teams that it names, by type and name.
type Explanation struct {
	policy.Explanation
	// Beyond says what decided although no rule did, such as that everybody may
	// see who they are; "" when the rules decide.
	Beyond string
	Refs   map[store.Key]entity.Ref
}

// Explain tells why a user may, or may not, do something: on one entity, or with
// a zero selector on the type as a whole, where conditions are asked of nothing in
// particular.
func (e *Engine) Explain(ctx context.Context, user entity.ID, t *registry.Type, sel Selector, op policy.Operation) (Explanation, error) {
	var out Explanation
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		s, err := e.subjectIn(ctx, r, user)
		if err != nil {
			return err
		}
		res := &policy.Resource{Type: t.Name}
		var row store.Row
		var ent *entity.Entity
		l := e.newLookup(r, generation, true)
		if sel != (Selector{}) {
			if row, err = e.find(ctx, r, t, sel); err != nil {
				return err
			}
			if ent, err = decodeDoc(row.Doc); err != nil {
				return err
			}
			if res, err = e.resourceIn(ctx, r, l, t, ent, row.Parent); err != nil {
				return err
			}
		}
		out.Explanation = policy.Explain(s, res, op)
		if ent != nil {
			by := entity.Principal{UserID: user, Name: s.Name}
			out.settle(e.authorizeIn(ctx, r, l, by, t, ent, row.Parent, op))
		}
		out.Refs, err = l.named(ctx, namesIn(out.Rules))
		return err
	})
	return out, err
}

// settle makes the explanation agree with what a request would be answered: some
// things are decided before any rule is read.
func (x *Explanation) settle(refusal error) {
	if (refusal == nil) == x.Allowed {
		return
	}
	x.Allowed, x.Missing = refusal == nil, nil
	x.Message, x.Beyond = "", "everybody may see who they are"
	if refusal != nil {
		x.Message, x.Beyond = refusal.Error(), refusal.Error()
	}
	for i := range x.Rules {
		x.Rules[i].Deciding = false
	}
}

// NamedRefs returns the references of entities by type and name; those that are
// gone are left out.
func (e *Engine) NamedRefs(ctx context.Context, keys []store.Key) (map[store.Key]entity.Ref, error) {
	var out map[store.Key]entity.Ref
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		var err error
		out, err = e.newLookup(r, generation, true).named(ctx, keys)
		return err
	})
	return out, err
}

func (l *lookup) named(ctx context.Context, keys []store.Key) (map[store.Key]entity.Ref, error) {
	if err := l.loadKeys(ctx, keys); err != nil {
		return nil, err
	}
	out := map[store.Key]entity.Ref{}
	for _, key := range keys {
		if info := l.byKey[key]; info != nil {
			out[key] = info.ref
		}
	}
	return out, nil
}

// namesIn are the policies, roles and teams that rules name.
func namesIn(rules []policy.Considered) []store.Key {
	var keys []store.Key
	for _, rule := range rules {
		for typ, name := range map[string]string{"policy": rule.Policy, "role": rule.Role, "team": rule.Source.Team} {
			if name != "" {
				keys = append(keys, store.Key{Type: typ, FQN: entity.QuoteName(name)})
			}
		}
	}
	return keys
}
