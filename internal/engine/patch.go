package engine

import (
	"context"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of one JSON Patch (RFC 6902).
const (
	maxPatchOps   = 10_000
	maxPatchDepth = 40
)

// patchOp is one operation of a patch, for the checks before it is applied.
type patchOp struct {
	Op    string         `json:"op"`
	Path  *string        `json:"path"`
	From  string         `json:"from,omitzero"`
	Value jsontext.Value `json:"value,omitzero"`
}

// ifMatch is the version a caller expects; 0 expects nothing.
type ifMatch = entity.Version

// Patch applies a JSON Patch to the document the caller sees with all fields.
// Members that the server computes cannot be changed; what the patch does to
// them is ignored. expect is the version the caller has seen, 0 for any.
func (e *Engine) Patch(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, patch []byte, expect ifMatch, v View) (Result, error) {
	ops, err := readPatch(patch)
	if err != nil {
		return Result{}, err
	}
	var w *write
	err = e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, method: methodPatch, tx: tx, look: e.newLookup(tx, 0, false)}
		return w.patch(ctx, sel, ops, expect)
	})
	if err != nil {
		return Result{}, err
	}
	return e.result(ctx, w, v)
}

// readPatch reads and checks the operations.
func readPatch(patch []byte) ([]patchOp, error) {
	var ops []patchOp
	if jsontext.Value(patch).Kind() != '[' {
		return nil, entity.BadRequest("a JSON Patch is an array of operations")
	}
	if err := json.Unmarshal(patch, &ops, readOptions); err != nil {
		return nil, entity.BadRequest("the JSON Patch cannot be read: %s", jsonProblem(err))
	}
	if len(ops) > maxPatchOps {
		return nil, entity.BadRequest("a JSON Patch has at most %d operations", maxPatchOps)
	}
	for i, op := range ops {
		switch op.Op {
		case "add", "remove", "replace", "move", "copy", "test":
		default:
			return nil, entity.BadRequest("operation %d of the JSON Patch has the unknown op %q", i, entity.Shorten(op.Op, 40))
		}
		if op.Path == nil || *op.Path != "" && (*op.Path)[0] != '/' {
			return nil, entity.BadRequest("operation %d of the JSON Patch needs a path that begins with /", i)
		}
		if tooLong(*op.Path) || tooLong(op.From) {
			return nil, entity.BadRequest("operation %d of the JSON Patch has a path that is too long", i)
		}
		if *op.Path == "" {
			return nil, entity.BadRequest("operation %d of the JSON Patch replaces the whole document; use PUT for that", i)
		}
		if (op.Op == "add" || op.Op == "replace") && op.Value == nil {
			ops[i].Value = jsontext.Value("null")
		}
	}
	return ops, nil
}

func tooLong(pointer string) bool {
	return len(pointer) > 4*entity.MaxFQN || strings.Count(pointer, "/") > maxPatchDepth
}

func (w *write) patch(ctx context.Context, sel Selector, ops []patchOp, expect ifMatch) error {
	row, err := w.e.find(ctx, w.tx, w.t, sel)
	if err != nil {
		return err
	}
	if row.Deleted {
		return entity.NotFound(w.t.Name, sel.String())
	}
	if w.old, err = decodeDoc(row.Doc); err != nil {
		return err
	}
	w.oldRow = row
	err = w.applyTo(ctx, row, ops, expect)
	if err != nil && entity.KindOf(err) != entity.KindForbidden {
		// What does not fit tells what is there, a test operation even each value.
		if hidden := w.authorizeSeeing(ctx); hidden != nil {
			return hidden
		}
	}
	return err
}

// applyTo applies the operations to what the row shows.
func (w *write) applyTo(ctx context.Context, row store.Row, ops []patchOp, expect ifMatch) error {
	if expect != 0 && row.Version != expect {
		return entity.Errorf(entity.KindPrecondition, "%s is at version %s, not %s: read it again and repeat the change", row.FQN, row.Version, expect)
	}
	if err := w.authorizeSources(ctx, ops); err != nil {
		return err
	}
	seen, err := w.e.hydrate(ctx, w.tx, w.look, w.t, []store.Row{row}, View{Fields: w.s.patchFields(ops), Include: store.All, whole: true})
	if err != nil {
		return err
	}
	doc, err := Encode(seen[0])
	if err != nil {
		return entity.Internal(err)
	}
	patched, err := applyPatch(doc, ops)
	if err != nil {
		return err
	}
	return w.patched(ctx, doc, patched)
}

// patched takes the document after the patch through the rest of the order. seen
// is the document before it.
func (w *write) patched(ctx context.Context, seen, doc []byte) error {
	clean, err := w.settle(seen, doc)
	if err != nil {
		return err
	}
	if clean, err = w.e.schemas.Admit(w.t.Schema, clean); err != nil {
		return err
	}
	return w.restate(ctx, clean)
}

// settle removes from a patched document what no patch can change, and puts the
// old values back: identity, computed members, records.
func (w *write) settle(seen, doc []byte) ([]byte, error) {
	doc, err := dropNulls(doc)
	if err != nil {
		return nil, err
	}
	m, err := members(doc)
	if err != nil || m == nil {
		return nil, entity.BadRequest("the JSON Patch leaves no object behind")
	}
	before, err := members(seen)
	if err != nil {
		return nil, err
	}
	stated := w.s.statedInverse(before, m)
	for name := range m {
		if w.s.computed[name] && !stated[name] {
			delete(m, name)
		}
	}
	if len(w.s.lookedUp) > 0 { // only so that the schema is satisfied; parse drops them
		for _, name := range w.s.lookedUp {
			if before[name] != nil {
				m[name] = before[name]
			}
		}
	}
	w.restoreNames(m, before)
	for _, name := range []string{"version", "updatedAt", "updatedBy", "changeDescription", "impersonatedBy", "deleted"} {
		delete(m, name)
	}
	return encode(m)
}

// applyPatch applies the operations one after the other, without looking at what
// lies between: clients replace items by null and remove them later.
func applyPatch(doc []byte, ops []patchOp) ([]byte, error) {
	top, err := members(doc)
	if err != nil {
		return nil, err
	}
	if out, ok := applyTop(top, ops); ok {
		return encode(out)
	}
	return applyGeneral(doc, top, ops)
}

func applyGeneral(doc []byte, top map[string]jsontext.Value, ops []patchOp) ([]byte, error) {
	ops = lenient(top, ops)
	if err := boundPadding(doc, ops); err != nil {
		return nil, err
	}
	raw, err := encode(ops)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return nil, entity.BadRequest("the JSON Patch cannot be read: %s", entity.Shorten(err.Error(), 200))
	}
	opts := jsonpatch.NewApplyOptions()
	opts.EnsurePathExistsOnAdd = true
	opts.AccumulatedCopySizeLimit = 16 << 20
	out, err := patch.ApplyWithOptions(doc, opts)
	if err != nil {
		return nil, entity.BadRequest("the JSON Patch does not fit the document: %s", entity.Shorten(err.Error(), 200))
	}
	return out, nil
}

// lenient turns a replace of a member that is not there into an add: clients
// that print whole arrays send either.
func lenient(top map[string]jsontext.Value, ops []patchOp) []patchOp {
	out := make([]patchOp, len(ops))
	copy(out, ops)
	for i, op := range ops {
		name, deeper, _ := strings.Cut(strings.TrimPrefix(*op.Path, "/"), "/")
		if op.Op == "replace" && deeper == "" && top[name] == nil {
			out[i].Op = "add"
		}
		if index, err := strconv.Atoi(deeper); op.Op == "add" && err == nil && index > 0 && top[name] == nil {
			// the client counts from a list it saw; on an absent one that is an append
			appended := "/" + name + "/-"
			out[i].Path = &appended
		}
	}
	return out
}

// ApplyPatch applies a JSON Patch to a document that is not an entity.
func (e *Engine) ApplyPatch(doc, patch []byte) ([]byte, error) {
	ops, err := readPatch(patch)
	if err != nil {
		return nil, err
	}
	return applyPatch(doc, ops)
}
