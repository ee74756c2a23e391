package feed_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/feed"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

func topicType() *registry.Type {
	return &registry.Type{Name: "topic", Nested: []registry.Nested{{Path: []string{"messageSchema", "schemaFields"}, Children: "children", FQN: true}}}
}

func topic(t *testing.T) *entity.Entity {
	t.Helper()
	ent := new(entity.Entity)
	err := json.Unmarshal([]byte(`{"id":"11111111-2222-4333-8444-555555555555","name":"mails","messageSchema":{"schemaType":"JSON","schemaFields":[
		{"name":"head","dataType":"RECORD","children":[{"name":"to.all","dataType":"STRING","tags":[{"tagFQN":"PII.None","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]}]}}`), ent)
	if err != nil {
		t.Fatal(err)
	}
	return ent
}

func TestApply(t *testing.T) {
	text := "Who gets it."
	tag := []entity.TagLabel{{TagFQN: "PII.Sensitive", Source: "Classification"}}
	for _, test := range []struct {
		name   string
		link   entity.Link
		change feed.Change
		want   string
		kind   entity.Kind
	}{
		{"entity", entity.Link{Type: "topic", FQN: "bus.mails"}, feed.Change{Description: &text}, `"description":"Who gets it."`, 0},
		{"entity field", entity.Link{Type: "topic", FQN: "bus.mails", Field: "description"}, feed.Change{Description: &text}, `"description":"Who gets it."`, 0},
		{"part", entity.Link{Field: "messageSchema", Item: "head"}, feed.Change{Description: &text}, `"schemaFields":[{"name":"head","description":"Who gets it."`, 0},
		{"inner part", entity.Link{Field: "schemaFields", Item: `head."to.all"`}, feed.Change{Tags: tag}, `{"tagFQN":"PII.None"`, 0},
		{"tags replaced", entity.Link{Field: "schemaFields", Item: `head."to.all"`}, feed.Change{Tags: tag, SetTags: true}, `"tags":[{"tagFQN":"PII.Sensitive"`, 0},
		{"no such part", entity.Link{Field: "messageSchema", Item: "foot"}, feed.Change{Description: &text}, "", entity.KindNotFound},
		{"no such array", entity.Link{Field: "columns", Item: "x"}, feed.Change{Description: &text}, "", entity.KindBadRequest},
		{"bad name", entity.Link{Field: "messageSchema", Item: `a."b`}, feed.Change{Description: &text}, "", entity.KindBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			ent := topic(t)
			err := feed.Apply(topicType(), ent, test.link, test.change)
			if test.want == "" {
				if err == nil || entity.KindOf(err) != test.kind {
					t.Fatalf("%v", err)
				}
				return
			}
			raw, encodeErr := json.Marshal(ent, json.Deterministic(true))
			if err != nil || encodeErr != nil || !strings.Contains(string(raw), test.want) {
				t.Errorf("%v: %s", err, raw)
			}
			if !strings.Contains(string(raw), `"schemaType":"JSON"`) {
				t.Errorf("lost members: %s", raw)
			}
		})
	}
}

func TestSettleSuggestions(t *testing.T) {
	const link = "<#E::table::a.b.c.d>"
	tags := []entity.TagLabel{{TagFQN: "Tier.Tier1"}}
	for _, test := range []struct {
		in   feed.Suggestion
		want string
	}{
		{feed.Suggestion{Description: "x", Link: link}, feed.SuggestDescription},
		{feed.Suggestion{Tags: tags, Link: link}, feed.SuggestTags},
		{feed.Suggestion{Type: feed.SuggestTags, Description: "x", Link: link}, ""},
		{feed.Suggestion{Type: feed.SuggestDescription, Tags: tags, Link: link}, ""},
		{feed.Suggestion{Description: "x", Link: "table"}, ""},
	} {
		got := test.in
		if err := got.Settle(); (err == nil) != (test.want != "") || err == nil && got.Type != test.want {
			t.Errorf("%+v: %q %v", test.in, got.Type, err)
		}
	}
}

func TestTasksCloseOnce(t *testing.T) {
	thread := feed.Thread{Type: feed.TaskThread, Message: "m", Task: &feed.Task{ID: 4, Type: "UpdateDescription", Status: feed.Open, Assignees: []entity.Ref{{}}}}
	if err := thread.Check(); err != nil {
		t.Fatal(err)
	}
	if err := thread.Close("ann", "v", 7); err != nil || thread.Task.ClosedBy != "ann" || thread.Task.ClosedAt != 7 || !thread.Resolved {
		t.Errorf("%v %+v", err, thread.Task)
	}
	if err := thread.Close("bob", "w", 8); entity.KindOf(err) != entity.KindBadRequest || thread.Task.ClosedBy != "ann" {
		t.Errorf("%v %+v", err, thread.Task)
	}
	if err := (&feed.Thread{}).Close("ann", "", 1); entity.KindOf(err) != entity.KindBadRequest {
		t.Error(err)
	}
}

func TestPostsAreBounded(t *testing.T) {
	var thread feed.Thread
	for i := range feed.MaxPosts {
		if err := thread.AddPost("ann", "m", int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := thread.AddPost("ann", "m", 1); entity.KindOf(err) != entity.KindBadRequest || thread.PostsCount != feed.MaxPosts {
		t.Errorf("%d posts: %v", thread.PostsCount, err)
	}
	thread.Shorten(2)
	if len(thread.Posts) != 2 || thread.Posts[1].At != feed.MaxPosts-1 || thread.PostsCount != feed.MaxPosts {
		t.Error(thread.Posts)
	}
}

func TestPatched(t *testing.T) {
	me, other := entity.NewID(), entity.NewID()
	reaction := func(id entity.ID) string {
		return `{"reactionType":"heart","user":{"id":"` + id.String() + `","type":"user"}}`
	}
	old := `{"message":"a","createdBy":"ann","reactions":[` + reaction(other) + `]}`
	for _, test := range []struct {
		name, next string
		author, ok bool
	}{
		{"nothing", `{"createdBy":"ann","message":"a","reactions":[` + reaction(other) + `]}`, false, true},
		{"message by author", strings.Replace(old, `"a"`, `"b"`, 1), true, true},
		{"message by other", strings.Replace(old, `"a"`, `"b"`, 1), false, false},
		{"author", strings.Replace(old, `"ann"`, `"bob"`, 1), true, false},
		{"own reaction", strings.Replace(old, `[`, `[`+reaction(me)+`,`, 1), false, true},
		{"reaction of other", strings.Replace(old, `[`, `[`+reaction(entity.NewID())+`,`, 1), true, false},
		{"reaction of other gone", `{"message":"a","createdBy":"ann","reactions":[]}`, true, false},
		{"new member", strings.Replace(old, `{"m`, `{"x":1,"m`, 1), true, false},
		{"no object", `[]`, true, false},
	} {
		_, err := feed.Patched(jsontext.Value(old), jsontext.Value(test.next), me, test.author, "message")
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestResolutions(t *testing.T) {
	description := feed.Task{Type: "RequestDescription"}
	if got, err := description.Resolution("x"); err != nil || *got.Description != "x" || got.SetTags {
		t.Errorf("%+v %v", got, err)
	}
	tags := feed.Task{Type: "UpdateTag"}
	if got, err := tags.Resolution(`[{"tagFQN":"A.B"}]`); err != nil || !got.SetTags || got.Tags[0].TagFQN != "A.B" || got.Description != nil {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := tags.Resolution("A.B"); entity.KindOf(err) != entity.KindBadRequest {
		t.Error(err)
	}
	for typ, known := range map[string]bool{"Generic": true, "UpdateTag": true, "RequestDescription": true, "RequestApproval": true, "RequestTestCaseFailureResolution": false} {
		if got := (&feed.Task{Type: typ}).Known(); got != known {
			t.Errorf("%s: %v", typ, got)
		}
	}
}
