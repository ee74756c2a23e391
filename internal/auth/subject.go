package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxAge bounds how long another process's change may go unnoticed. Changes of
// this process take effect at once.
const maxAge = 900 * time.Millisecond

// maxSubjects bounds the users whose standing is kept in memory.
const maxSubjects = 10_000

// loadTimeout ends a look-up that nobody would wait for.
const loadTimeout = 10 * time.Second

// standing is what holds for a user now: who it is and which credentials are live.
type standing struct {
	user        User
	mustChange  bool  // the password was made by somebody else and has to be changed
	notBefore   int64 // tokens of a provider from earlier are refused; milliseconds since 1970
	credentials map[string]*credential
	at          time.Time
	generation  uint64
}

// subject is the slot of one user in the cache.
type subject struct {
	current    atomic.Pointer[standing]
	generation atomic.Uint64 // goes up with each change
	loading    sync.Mutex
}

// subjects caches standings. A standing counts only while its generation is the
// slot's, which is read before loading: one that was loaded while a change went on
// is never used after it.
type subjects struct {
	load  func(context.Context, entity.ID) (*standing, error)
	clock func() time.Time
	slots *lru.Cache[entity.ID, *subject]
	bots  *lru.Cache[entity.ID, entity.ID] // user of a bot entity
}

func newSubjects(load func(context.Context, entity.ID) (*standing, error), clock func() time.Time) (*subjects, error) {
	slots, err := lru.New[entity.ID, *subject](maxSubjects)
	if err != nil {
		return nil, err
	}
	bots, err := lru.New[entity.ID, entity.ID](maxSubjects)
	if err != nil {
		return nil, err
	}
	return &subjects{load: load, clock: clock, slots: slots, bots: bots}, nil
}

func (c *subjects) standing(id entity.ID) (*standing, error) {
	slot, ok := c.slots.Get(id)
	if !ok {
		fresh := new(subject)
		if slot, ok, _ = c.slots.PeekOrAdd(id, fresh); !ok {
			slot = fresh
		}
	}
	if st := slot.fresh(c.clock()); st != nil {
		return st, nil
	}
	// One look-up a user at a time; the others find its result.
	slot.loading.Lock()
	defer slot.loading.Unlock()
	now := c.clock()
	if st := slot.fresh(now); st != nil {
		return st, nil
	}
	generation := slot.generation.Load()
	// The result serves others too, so the caller's end must not be the look-up's,
	// nor are its statements the request's.
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	st, err := c.load(ctx, id)
	if err != nil {
		return nil, err
	}
	st.at, st.generation = now, generation
	slot.current.Store(st)
	if st.user.Bot != entity.NilID {
		c.bots.Add(st.user.Bot, id)
	}
	return st, nil
}

func (s *subject) fresh(now time.Time) *standing {
	st := s.current.Load()
	if st == nil || st.generation != s.generation.Load() {
		return nil
	}
	// A clock that was set back makes the age negative.
	if age := now.Sub(st.at); age < 0 || age >= maxAge {
		return nil
	}
	return st
}

// forget makes the next use of the user, or of the bot's user, look again.
func (c *subjects) forget(id entity.ID) {
	if slot, ok := c.slots.Peek(id); ok {
		slot.generation.Add(1)
	}
	if user, ok := c.bots.Peek(id); ok {
		if slot, ok := c.slots.Peek(user); ok {
			slot.generation.Add(1)
		}
	}
}

// forgetAll makes the next use of every user look again. Whoever still waits for a
// slot that was taken out came before the change.
func (c *subjects) forgetAll() { c.slots.Purge() }

// load reads a user's standing.
func (s *Service) load(ctx context.Context, id entity.ID) (*standing, error) {
	var credentials map[string]*credential
	var password passwordDoc
	var person personDoc
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if credentials, err = credentialsOf(ctx, r, id); err != nil {
			return err
		}
		if person, err = readPerson(ctx, r, id); err != nil {
			return err
		}
		password, err = readPassword(ctx, r, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	user, err := s.users.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return &standing{user: user, mustChange: password.MustChange, notBefore: person.NotBefore, credentials: credentials}, nil
}
