package auth

import (
	"context"
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestL05StrangersDoNotHoldUpTheOwner fills many lines; another one stays free.
func TestL05StrangersDoNotHoldUpTheOwner(t *testing.T) {
	all := newTurns()
	var leaves []func()
	for i := range 2000 {
		leave, err := all.enter(t.Context(), fmt.Sprint("stranger ", i))
		must(t, err)
		leaves = append(leaves, leave)
	}
	leave, err := all.enter(t.Context(), "owner")
	must(t, err)
	leave()
	for _, leave := range leaves {
		leave()
	}
	if n := len(all.lines); n != 0 {
		t.Errorf("%d lines are kept without anybody in them", n)
	}
}

// TestLinesAreBounded: whoever comes to a full line is told so at once.
func TestLinesAreBounded(t *testing.T) {
	all := newTurns()
	leave, err := all.enter(t.Context(), "ann")
	must(t, err)
	waiting, cancel := context.WithCancel(t.Context())
	outcomes := make(chan error, maxInLine+5)
	for range maxInLine + 5 {
		go func() {
			_, err := all.enter(waiting, "ann")
			outcomes <- err
		}()
	}
	for range 5 { // the others wait
		if err := <-outcomes; entity.KindOf(err) != entity.KindUnavailable || waiting.Err() != nil {
			t.Errorf("got %v, want KindUnavailable", err)
		}
	}
	cancel()
	for range maxInLine {
		if err := <-outcomes; entity.KindOf(err) != entity.KindUnavailable {
			t.Errorf("got %v, want KindUnavailable", err)
		}
	}
	leave()
	if n := len(all.lines); n != 0 {
		t.Errorf("%d lines are kept without anybody in them", n)
	}
}
