package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestWhoMayMakeFollowers(t *testing.T) {
	b := tableBed(t)
	typ, table := b.typ("table"), b.create("table", tableRequest("orders", "", idColumn)).ID
	gone := b.create("table", tableRequest("gone", "", idColumn)).ID
	left := b.create("user", `{"name":"left","email":"left@example.com"}`).ID
	for typ, id := range map[string]entity.ID{"table": gone, "user": left} {
		if _, err := b.e.Delete(t.Context(), b.admin, b.typ(typ), engine.ByID(id), engine.DeleteOptions{}, engine.View{}); err != nil {
			t.Fatal(err)
		}
	}
	team := b.get(b.admin, "team", "Organization", "").ID
	nobody := entity.NewID()
	for _, tc := range []struct {
		name     string
		by       entity.Principal
		id, user entity.ID
		kind     entity.Kind
		part     string
	}{
		{"somebody else", b.plain, table, b.admin.UserID, entity.KindForbidden, "only an administrator"},
		{"nobody", b.admin, table, nobody, entity.KindNotFound, "user instance for " + nobody.String() + " not found"},
		{"a team", b.admin, table, team, entity.KindNotFound, "user instance for " + team.String() + " not found"},
		{"a deleted user", b.admin, table, left, entity.KindNotFound, "user instance for " + left.String() + " not found"},
		{"of a deleted table", b.plain, gone, b.plain.UserID, entity.KindNotFound, "table instance for " + gone.String() + " not found"},
		{"of another type", b.plain, b.plain.UserID, b.plain.UserID, entity.KindNotFound, "table instance for"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := b.e.Follow(t.Context(), tc.by, typ, tc.id, tc.user)
			wantKind(t, err, tc.kind, tc.part)
			_, err = b.e.Unfollow(t.Context(), tc.by, typ, tc.id, tc.user)
			wantKind(t, err, tc.kind, tc.part)
		})
	}
	for _, by := range []entity.Principal{b.admin, b.bot, b.plain} {
		if _, err := b.e.Follow(t.Context(), by, typ, table, b.plain.UserID); err != nil {
			t.Errorf("%s cannot make plain a follower: %v", by.Name, err)
		}
	}
	wantOne(t, "followers", b.get(b.admin, "table", "svc.db.sales.orders", "followers").Followers, b.plain.UserID, "plain", false)
	_, err := b.e.Vote(t.Context(), b.plain, typ, table, "sideways")
	wantKind(t, err, entity.KindBadRequest, `"sideways" is not a vote`)
	_, err = b.e.Vote(t.Context(), b.plain, typ, gone, "votedUp")
	wantKind(t, err, entity.KindNotFound, "table instance for "+gone.String()+" not found")
}

// opinions is what a table's votes and followers should be.
type opinions struct {
	votes   map[string]string
	follows map[string]bool
}

func (o opinions) with(vote string) []string {
	names := []string{}
	for name, v := range o.votes {
		if v == vote {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func namesOf(refs []entity.Ref) []string {
	names := []string{}
	for _, ref := range refs {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return names
}

// TestOpinionsAddUp lets people vote and follow at random: each has one vote at
// most, and none of it makes a version of the table.
func TestOpinionsAddUp(t *testing.T) {
	b := tableBed(t)
	typ, tables := b.typ("table"), 0
	people := []entity.Principal{b.admin, b.bot, b.plain}
	rapid.Check(t, func(rt *rapid.T) {
		tables++
		table := b.create("table", tableRequest(fmt.Sprintf("t%d", tables), "", idColumn))
		want := opinions{votes: map[string]string{}, follows: map[string]bool{}}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			who := rapid.SampledFrom(people).Draw(rt, "who")
			what := rapid.SampledFrom([]string{"votedUp", "votedDown", "unVoted", "follow", "unfollow"}).Draw(rt, "what")
			var err error
			switch what {
			case "follow":
				_, err = b.e.Follow(t.Context(), who, typ, table.ID, who.UserID)
				want.follows[who.Name] = true
			case "unfollow":
				_, err = b.e.Unfollow(t.Context(), who, typ, table.ID, who.UserID)
				delete(want.follows, who.Name)
			default:
				_, err = b.e.Vote(t.Context(), who, typ, table.ID, what)
				want.votes[who.Name] = what
			}
			if err != nil {
				rt.Fatalf("%s by %s: %v", what, who.Name, err)
			}
		}
		got := b.get(b.plain, "table", table.FullyQualifiedName, "votes,followers")
		if got.Version != entity.FirstVersion {
			rt.Errorf("opinions made version %s", got.Version)
		}
		follows := []string{}
		for name := range want.follows {
			follows = append(follows, name)
		}
		slices.Sort(follows)
		if d := cmp.Diff(follows, namesOf(got.Followers)); d != "" {
			rt.Errorf("followers (-want +got):\n%s", d)
		}
		votes := got.Votes
		if votes == nil {
			votes = &entity.Votes{}
		}
		if d := cmp.Diff([][]string{want.with("votedUp"), want.with("votedDown")}, [][]string{namesOf(votes.UpVoters), namesOf(votes.DownVoters)}); d != "" {
			rt.Errorf("voters (-want +got):\n%s", d)
		}
		if up, down := len(want.with("votedUp")), len(want.with("votedDown")); votes.UpVotes != up || votes.DownVotes != down {
			rt.Errorf("%d votes for and %d against, want %d and %d", votes.UpVotes, votes.DownVotes, up, down)
		}
	})
}

// The change feed tells of opinions with the version the entity had.
func TestOpinionsAreInTheChangeFeed(t *testing.T) {
	b := tableBed(t)
	typ, table := b.typ("table"), b.create("table", tableRequest("orders", "", idColumn)).ID
	answered, err := b.e.Follow(t.Context(), b.plain, typ, table, b.plain.UserID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.Vote(t.Context(), b.plain, typ, table, "votedDown"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.Unfollow(t.Context(), b.admin, typ, table, b.plain.UserID); err != nil {
		t.Fatal(err)
	}
	events, err := b.e.Changes(t.Context(), entity.System(), store.EventQuery{EntityID: table}, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, ev := range events {
		line := ev.EventType + " by " + ev.UserName + " at " + ev.CurrentVersion.String()
		if c := ev.ChangeDescription; c != nil {
			for _, f := range c.FieldsAdded {
				line += " +" + f.Name
			}
			for _, f := range c.FieldsUpdated {
				line += " " + f.Name + "=" + string(f.NewValue)
			}
			for _, f := range c.FieldsDeleted {
				line += " -" + f.Name
			}
		}
		got = append(got, line)
	}
	want := []string{
		"entityCreated by root at 0.1", "entityUpdated by plain at 0.1 +followers",
		`entityUpdated by plain at 0.1 votes="votedDown"`, "entityUpdated by root at 0.1 -followers",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if answered.EntityID != table || answered.EntityFullyQualifiedName != "svc.db.sales.orders" || len(answered.ChangeDescription.FieldsAdded) != 1 {
		t.Errorf("following answers %+v", answered)
	}
}
