package engine_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// step is one random write to what the renderings of three tables rest on.
type step struct {
	kind, target, value int
}

// coherence applies steps and compares what the caches answer with the truth.
type coherence struct {
	b      *bed
	tables []entity.ID
	schema entity.ID
	tag    entity.ID
	teams  []entity.ID
}

func newCoherence(t *testing.T) *coherence {
	t.Helper()
	c := &coherence{b: tableBed(t)}
	b := c.b
	for i := range 3 {
		c.tables = append(c.tables, b.create("table", tableRequest(fmt.Sprintf("t%d", i), "", idColumn)).ID)
		c.teams = append(c.teams, b.create("team", fmt.Sprintf(`{"name":"team%d","teamType":"Group"}`, i)).ID)
	}
	c.schema = b.get(b.admin, "databaseSchema", "svc.db.sales", "").ID
	c.tag = b.get(b.admin, "tag", "PII.Sensitive", "").ID
	return c
}

// apply runs one step. A step may lose against another that runs beside it, as
// when a table is deleted meanwhile; that is no fault.
func (c *coherence) apply(s step) {
	b, table := c.b, c.tables[s.target]
	name := fmt.Sprintf("svc.db.sales.t%d", s.target)
	text := fmt.Sprintf(`[{"op":"add","path":"/displayName","value":"name %d"}]`, s.value)
	owner := fmt.Sprintf(`[{"op":"add","path":"/owners","value":[%s]}]`, refJSON(c.teams[s.value%3], "team"))
	label := `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`
	var err error
	switch s.kind {
	case 0:
		_, err = b.patch(b.admin, "table", table, text)
	case 1:
		_, err = b.patch(b.admin, "team", c.teams[s.target], text)
	case 2:
		_, err = b.patch(b.admin, "databaseSchema", c.schema, text)
	case 3:
		_, err = b.patch(b.admin, "tag", c.tag, text)
	case 4:
		_, err = b.patch(b.admin, "table", table, owner)
	case 5:
		_, err = b.patch(b.admin, "databaseSchema", c.schema, owner)
	case 6:
		_, err = b.patch(b.admin, "table", table, label)
	case 7:
		_, err = b.e.Delete(b.t.Context(), b.admin, b.typ("table"), engine.ByFQN(name), engine.DeleteOptions{}, engine.View{})
	case 8:
		_, err = b.e.Restore(b.t.Context(), b.admin, b.typ("table"), table, engine.View{})
	case 9:
		_, err = b.put(b.bot, "table", tableRequest(fmt.Sprintf("t%d", s.target), fmt.Sprintf(`"retentionPeriod":"P%dD",`, s.value+1), idColumn))
	case 10:
		_, err = b.patch(b.admin, "table", table, `[{"op":"remove","path":"/owners"}]`)
	}
	if err != nil && entity.KindOf(err) == entity.KindInternal {
		b.t.Errorf("step %+v: %v", s, err)
	}
}

// steps is the number of kinds that apply knows.
const stepKinds = 11

// read asks through the caches, so that they hold something to be stale.
func (c *coherence) read(target int, fields string) ([]byte, error) {
	b := c.b
	typ := b.typ("table")
	f, err := b.e.ParseFields(typ, fields)
	if err != nil {
		return nil, err
	}
	raw, _, err := b.e.GetJSON(b.t.Context(), b.admin, typ, engine.ByFQN(fmt.Sprintf("svc.db.sales.t%d", target)), engine.View{Fields: f, Include: store.All})
	return raw, err
}

// check compares with an engine that has cached nothing.
func (c *coherence) check(t *rapid.T) {
	fresh := c.b.fresh()
	typ := c.b.typ("table")
	for i, id := range c.tables {
		for _, names := range []string{"", "columns,owners,tags,domains"} {
			f, err := fresh.ParseFields(typ, names)
			if err != nil {
				t.Fatal(err)
			}
			want, err := fresh.Get(c.b.t.Context(), c.b.admin, typ, engine.ByID(id), engine.View{Fields: f, Include: store.All})
			if err != nil {
				t.Fatal(err)
			}
			truth, err := engine.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.read(i, names)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, truth) {
				t.Fatalf("fields=%q: the cache answers\n%s\nbut it is\n%s", names, got, truth)
			}
		}
	}
}

// TestCachesNeverAnswerOldState lets several goroutines write and read at random
// and then compares every rendering with one that was made from scratch.
func TestCachesNeverAnswerOldState(t *testing.T) {
	c := newCoherence(t)
	rapid.Check(t, func(rt *rapid.T) {
		draw := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{rapid.IntRange(0, stepKinds-1).Draw(t, "kind"), rapid.IntRange(0, 2).Draw(t, "target"), rapid.IntRange(0, 8).Draw(t, "value")}
		}), 1, 6)
		var work sync.WaitGroup
		for range 3 {
			steps := draw.Draw(rt, "steps")
			work.Go(func() {
				for _, s := range steps {
					c.apply(s)
					for i := range c.tables {
						if _, err := c.read(i, "columns,owners,tags,domains"); err != nil {
							c.b.t.Errorf("reading table %d: %v", i, err)
						}
					}
				}
			})
		}
		work.Wait()
		c.check(rt)
	})
}
