package entity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

func TestVersions(t *testing.T) {
	v := FirstVersion
	for _, want := range []string{"0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "1.1"} {
		if v = v.Next(false); v.String() != want {
			t.Errorf("got %s, want %s", v, want)
		}
	}
	if got := Version(3).Next(true); got.String() != "1.3" || got.Float() != 1.3 {
		t.Errorf("the major step after 0.3 is %s", got)
	}
	for _, text := range []string{"", "a", "0", "-1", "0.0", "NaN", "Inf", "1e300", "0x1p4x"} {
		if _, err := ParseVersion(text); KindOf(err) != KindBadRequest || err == nil {
			t.Errorf("%q is taken for a version: %v", text, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := Version(rapid.Int64Range(1, 1_000_000).Draw(t, "tenths"))
		got, err := ParseVersion(v.String())
		if err != nil || got != v {
			t.Fatalf("%s reads back as %s, %v", v, got, err)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(raw), fmt.Sprintf("%q", v.String())} {
			var back Version
			if err := json.Unmarshal([]byte(text), &back); err != nil || back != v {
				t.Fatalf("%s reads back as %s, %v", text, back, err)
			}
		}
	})
	for _, text := range []string{`"x"`, `true`, `{}`} {
		var v Version
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s is read as version %s", text, v)
		}
	}
}

func TestEmptyChange(t *testing.T) {
	var none *ChangeDescription
	if !none.Empty() || !(&ChangeDescription{PreviousVersion: 3}).Empty() {
		t.Error("a description that names no field counts as a change")
	}
	one := []FieldChange{{Name: "a"}}
	for _, c := range []ChangeDescription{{FieldsAdded: one}, {FieldsUpdated: one}, {FieldsDeleted: one}} {
		if c.Empty() {
			t.Errorf("%+v counts as no change", c)
		}
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("disk on fire")
	err := fmt.Errorf("while writing: %w", Internal(cause))
	known := AsError(err)
	if known == nil || KindOf(err) != KindInternal || !errors.Is(err, cause) || strings.Contains(known.Message, "fire") || !strings.Contains(known.Error(), "fire") {
		t.Errorf("%+v", known)
	}
	if AsError(cause) != nil || KindOf(cause) != KindInternal {
		t.Error("a foreign error is taken for ours")
	}
	long := strings.Repeat("ü", 500)
	for kind, err := range map[Kind]*Error{
		KindBadRequest: BadRequest("a %d", 1), KindForbidden: Forbidden("b"), KindConflict: Conflict("c"), KindNotFound: NotFound("table", long), KindTooLarge: Errorf(KindTooLarge, "d"),
	} {
		if KindOf(err) != kind || err.Error() != err.Message || err.Unwrap() != nil {
			t.Errorf("%+v is of kind %d", err, KindOf(err))
		}
	}
	if message := NotFound("table", long).Message; len(message) > 400 || !strings.HasPrefix(message, "table instance for ü") || !strings.HasSuffix(message, "not found") {
		t.Errorf("message %q", message)
	}
}

func TestShorten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "n")
		got := Shorten(text, n)
		if len(text) <= n && got != text || len(text) > n && (len(got) > n+len("…") || !strings.HasPrefix(text, strings.TrimSuffix(got, "…"))) {
			t.Fatalf("Shorten(%q, %d) = %q", text, n, got)
		}
		if strings.ToValidUTF8(got, "?") != got && strings.ToValidUTF8(text, "?") == text {
			t.Fatalf("Shorten(%q, %d) cuts a character: %q", text, n, got)
		}
	})
}

func TestIDs(t *testing.T) {
	const text = "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"
	want, err := ParseID(text)
	if err != nil || want.String() != text {
		t.Fatalf("%v, %v", want, err)
	}
	for _, form := range []string{strings.ToUpper(text), text} {
		if got, err := ParseID(form); err != nil || got != want {
			t.Errorf("%q is read as %v, %v", form, got, err)
		}
	}
	for _, bad := range []string{"", "x", text + "0", text[1:], "6dd7029b-4e5f-467f-9ea0-c88c4935b1ag", "not-a-uuid-but-of-the-right-length!!"} {
		if _, err := ParseID(bad); KindOf(err) != KindBadRequest || err == nil {
			t.Errorf("%q is taken for an id: %v", bad, err)
		}
	}
	if a, b := NewID(), NewID(); a == b || a == NilID || a.String() >= b.String() {
		t.Errorf("ids %s and %s: the later one has to be greater", a, b)
	}
}

func TestReferencesAndLabelsWithoutWhatIsLookedUp(t *testing.T) {
	yes := true
	ref := Ref{ID: NewID(), Type: "user", Name: "ann", DisplayName: "Ann", FullyQualifiedName: "ann", Description: "d", Href: "h", Deleted: &yes}
	if bare := ref.Bare(); bare.ID != ref.ID || bare.Type != "user" || bare.Name != "" || bare.Href != "" || bare.Deleted != nil || bare.DisplayName != "" {
		t.Errorf("%+v", bare)
	}
	label := TagLabel{TagFQN: "PII.Sensitive", Source: "Classification", LabelType: "Manual", State: "Confirmed", Name: "Sensitive", Description: "d", Href: "h", Reason: "seen"}
	if bare := label.Bare(); bare.TagFQN != label.TagFQN || bare.Reason != "seen" || bare.Name != "" || bare.Description != "" || bare.Href != "" {
		t.Errorf("%+v", bare)
	}
	if p := System(); !p.IsAdmin || p.TokenType != "SYSTEM" {
		t.Errorf("%+v", p)
	}
	ent := Entity{}
	if ent.IsDeleted() {
		t.Error("an entity without a mark counts as deleted")
	}
	if ent.Deleted = &yes; !ent.IsDeleted() {
		t.Error("a marked entity does not count as deleted")
	}
}
