package engine

import (
	"context"
	"maps"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// firstMember returns the member of the document a JSON pointer leads into, and
// whether it ends there.
func firstMember(pointer string) (name string, top bool) {
	name, _, deeper := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if strings.Contains(name, "~") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	return name, !deeper
}

// patchFields are the fields a patch is applied to. What the server looks up is
// left out unless the patch names it or the schema asks for it: no patch can
// change it, and looking it up costs more than the patch.
func (s *shape) patchFields(ops []patchOp) Fields {
	names := make(map[string]bool, len(s.properties))
	for name := range s.properties {
		names[name] = !s.computed[name]
	}
	for _, name := range s.lookedUp {
		names[name] = true
	}
	for _, op := range ops {
		for _, pointer := range []string{*op.Path, op.From} {
			name, _ := firstMember(pointer)
			names[name] = true
		}
	}
	return Fields{names: names}
}

// applyTop applies a patch that sets and removes members of the document itself,
// as most do, without the general algorithm. ok is false when there is more to
// it, or when something does not fit; the general algorithm words that.
func applyTop(top map[string]jsontext.Value, ops []patchOp) (out map[string]jsontext.Value, ok bool) {
	if top == nil {
		return nil, false
	}
	out = maps.Clone(top)
	for _, op := range ops {
		name, ends := firstMember(*op.Path)
		_, there := out[name]
		_, was := top[name]
		switch {
		case !ends:
			return nil, false
		case op.Op == "add", op.Op == "replace" && (there || !was):
			out[name] = op.Value
		case op.Op == "remove" && there:
			delete(out, name)
		default:
			return nil, false
		}
	}
	return out, true
}

// authorizeSources checks that the caller may see what the patch copies, moves or
// compares with: a patch must not be a way to read.
func (w *write) authorizeSources(ctx context.Context, ops []patchOp) error {
	var fields []string
	for _, op := range ops {
		pointer := op.From
		switch op.Op {
		case "test":
			pointer = *op.Path
		case "copy", "move":
		default:
			continue
		}
		name, _ := firstMember(pointer)
		fields = append(fields, name)
	}
	if len(fields) == 0 {
		return nil
	}
	if err := w.authorizeSeeing(ctx); err != nil {
		return err
	}
	return w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, w.old, w.oldRow.Parent, policy.OperationsForView(w.t.Name, fields...)...)
}
