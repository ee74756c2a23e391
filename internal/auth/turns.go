package auth

import (
	"context"
	"sync"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// maxInLine bounds the callers that wait for their turn with one key.
const maxInLine = 64

// turns lets callers with the same key go one after the other. Those with different
// keys never wait for each other: strangers must not hold up the owner of an account.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is everybody with one key.
type line struct {
	turn    chan struct{}
	callers int // who has the turn, too
}

func newTurns() *turns { return &turns{lines: map[string]*line{}} }

// enter waits for the turn and returns how to give it up.
func (t *turns) enter(ctx context.Context, key string) (leave func(), err error) {
	l := t.join(key)
	if l == nil {
		return nil, &entity.Error{Kind: entity.KindUnavailable, Message: "Too many sign-ins at once. Please try after some time."}
	}
	select {
	case l.turn <- struct{}{}:
		return func() {
			<-l.turn
			t.quit(key, l)
		}, nil
	case <-ctx.Done():
		t.quit(key, l)
		return nil, signInSlow(ctx.Err())
	}
}

// join adds a caller to a line, unless it is too long.
func (t *turns) join(key string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[key] = l
	}
	if l.callers > maxInLine {
		return nil
	}
	l.callers++
	return l
}

func (t *turns) quit(key string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.callers--; l.callers == 0 {
		delete(t.lines, key)
	}
}
