package entity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestMentioned(t *testing.T) {
	text := `<#E::user::ann|[@ann](https://h/users/ann)> and <#E::team::"a.b">, not <#E::table::s.d.t>, <#E::user>, <#E::user::b` + "|x> <#E::user::never ends"
	want := []entity.Link{{Type: "user", FQN: "ann"}, {Type: "team", FQN: "a.b"}, {Type: "user", FQN: "b"}}
	if diff := cmp.Diff(want, entity.Mentioned(text)); diff != "" {
		t.Errorf("the text mentions others (-want +got):\n%s", diff)
	}
	if n := len(entity.Links(strings.Repeat("<#E::user::a>", 1000))); n != 100 {
		t.Errorf("%d links of a text are read, want 100", n)
	}
}
