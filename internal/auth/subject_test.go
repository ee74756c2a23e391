package auth

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// countingLoad answers look-ups and counts them; before runs inside each.
type countingLoad struct {
	mu     sync.Mutex
	count  int
	name   string
	err    error
	bot    entity.ID
	before func()
}

func (l *countingLoad) load(_ context.Context, id entity.ID) (*standing, error) {
	l.mu.Lock()
	l.count++
	st, err, before := &standing{user: User{ID: id, Name: l.name, Bot: l.bot}}, l.err, l.before
	l.mu.Unlock()
	if before != nil {
		before()
	}
	return st, err
}

func (l *countingLoad) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func newTestSubjects(t *testing.T) (*subjects, *countingLoad, *testClock) {
	t.Helper()
	clock := &testClock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	load := &countingLoad{name: "ann"}
	c, err := newSubjects(load.load, clock.Now)
	must(t, err)
	return c, load, clock
}

func TestStandingIsKeptForAWhile(t *testing.T) {
	c, load, clock := newTestSubjects(t)
	id := entity.NewID()
	for range 3 {
		_, err := c.standing(id)
		must(t, err)
	}
	if load.count != 1 {
		t.Errorf("%d look-ups, want 1", load.count)
	}
	for _, step := range []struct {
		by   time.Duration
		want int
	}{{maxAge - 1, 1}, {1, 2}, {-time.Hour, 3}, {maxAge, 4}} {
		clock.Advance(step.by)
		_, err := c.standing(id)
		must(t, err)
		if load.count != step.want {
			t.Errorf("after %v: %d look-ups, want %d", step.by, load.count, step.want)
		}
	}
}

func TestForget(t *testing.T) {
	c, load, _ := newTestSubjects(t)
	id, other, bot := entity.NewID(), entity.NewID(), entity.NewID()
	load.set(func() { load.bot = bot })
	_, err := c.standing(id)
	must(t, err)
	load.set(func() { load.name = "renamed" })
	for name, step := range map[string]struct {
		forget func()
		want   bool
	}{
		"another":  {func() { c.forget(other) }, false},
		"the user": {func() { c.forget(id) }, true},
		"the bot":  {func() { c.forget(bot) }, true},
		"all":      {func() { c.forgetAll() }, true},
	} {
		before := load.count
		step.forget()
		st, err := c.standing(id)
		must(t, err)
		if again := load.count > before; again != step.want {
			t.Errorf("%s: looked up again: %v, want %v", name, again, step.want)
		}
		if step.want && st.user.Name != "renamed" {
			t.Errorf("%s: the old standing is used", name)
		}
	}
}

// TestChangeWhileLoading: what was read before a change must not count after it.
func TestChangeWhileLoading(t *testing.T) {
	c, load, _ := newTestSubjects(t)
	id := entity.NewID()
	load.set(func() {
		load.before = func() {
			load.set(func() { load.name, load.before = "changed", nil })
			c.forget(id)
		}
	})
	st, err := c.standing(id)
	must(t, err)
	if st.user.Name != "ann" {
		t.Fatalf("name %q", st.user.Name)
	}
	if st, err = c.standing(id); err != nil || st.user.Name != "changed" {
		t.Errorf("after the change: %v, %v", st, err)
	}
}

func TestFailuresAreNotKept(t *testing.T) {
	c, load, _ := newTestSubjects(t)
	id := entity.NewID()
	load.set(func() { load.err = errors.New("disk") })
	if _, err := c.standing(id); err == nil {
		t.Error("the failure is hidden")
	}
	load.set(func() { load.err = nil })
	_, err := c.standing(id)
	must(t, err)
}

func TestOneLookUpForMany(t *testing.T) {
	c, load, _ := newTestSubjects(t)
	id := entity.NewID()
	release := make(chan struct{})
	load.set(func() { load.before = func() { <-release } })
	var started, done sync.WaitGroup
	for range 20 {
		started.Add(1)
		done.Go(func() {
			started.Done()
			if _, err := c.standing(id); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	close(release)
	done.Wait()
	if load.count != 1 {
		t.Errorf("%d look-ups for one user at one moment", load.count)
	}
}
