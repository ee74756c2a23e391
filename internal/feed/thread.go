package feed

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds of threads.
const (
	Conversation = "Conversation"
	TaskThread   = "Task"
	Announcement = "Announcement"
	Chatbot      = "Chatbot"
)

// MaxPosts bounds the posts of one thread.
const MaxPosts = 500

// Thread is a conversation, a task or an announcement about an entity.
type Thread struct {
	ID           entity.ID      `json:"id"`
	Type         string         `json:"type"`
	Href         string         `json:"href,omitzero"`
	At           int64          `json:"threadTs"`
	About        string         `json:"about"`
	Entity       *entity.Ref    `json:"entityRef,omitzero"`
	AddressedTo  string         `json:"addressedTo,omitzero"`
	CreatedBy    string         `json:"createdBy"`
	UpdatedAt    int64          `json:"updatedAt"`
	UpdatedBy    string         `json:"updatedBy"`
	ActingBot    string         `json:"impersonatedBy,omitzero"` // of the last change
	Resolved     bool           `json:"resolved"`
	Message      string         `json:"message"`
	PostsCount   int            `json:"postsCount"`
	Posts        []Post         `json:"posts"`
	Reactions    []Reaction     `json:"reactions"`
	Task         *Task          `json:"task,omitzero"`
	Announcement *Period        `json:"announcement,omitzero"`
	Chatbot      jsontext.Value `json:"chatbot,omitzero"`
	Domains      []entity.ID    `json:"domains,omitzero"`
}

// Post is an answer in a thread.
type Post struct {
	ID        entity.ID  `json:"id"`
	Message   string     `json:"message"`
	At        int64      `json:"postTs"`
	From      string     `json:"from"`
	Reactions []Reaction `json:"reactions"`
}

// Reaction is what somebody thinks of a thread or a post.
type Reaction struct {
	Type string     `json:"reactionType"`
	User entity.Ref `json:"user"`
}

// Period is when an announcement holds.
type Period struct {
	Description string `json:"description,omitzero"`
	Start       int64  `json:"startTime"`
	End         int64  `json:"endTime"`
}

// Task asks somebody for a change.
type Task struct {
	ID         int64        `json:"id"`
	Type       string       `json:"type"`
	Assignees  []entity.Ref `json:"assignees"`
	Status     string       `json:"status"`
	OldValue   string       `json:"oldValue,omitzero"`
	Suggestion string       `json:"suggestion,omitzero"`
	NewValue   string       `json:"newValue,omitzero"`
	ClosedAt   int64        `json:"closedAt,omitzero"`
	ClosedBy   string       `json:"closedBy,omitzero"`
	// Of a task about feedback: what was said, and what had found the label.
	Feedback   jsontext.Value `json:"feedback,omitzero"`
	Recognizer jsontext.Value `json:"recognizer,omitzero"`
}

// The kinds of tasks this package knows how to resolve.
const (
	requestDescription = "RequestDescription"
	updateDescription  = "UpdateDescription"
	requestTag         = "RequestTag"
	updateTag          = "UpdateTag"
	generic            = "Generic"

	// RequestApproval asks reviewers to approve or reject what the task is about.
	RequestApproval = "RequestApproval"

	// FeedbackApproval asks the reviewers of a tag whether a label that was found by a
	// machine is wrong, as somebody says.
	FeedbackApproval = "RecognizerFeedbackApproval"
)

// AsksForDescription tells whether resolving the task writes a description.
func (t *Task) AsksForDescription() bool {
	return t.Type == requestDescription || t.Type == updateDescription
}

// AsksForTags tells whether resolving the task writes tags.
func (t *Task) AsksForTags() bool { return t.Type == requestTag || t.Type == updateTag }

// Known tells whether the task can be resolved at all.
func (t *Task) Known() bool {
	return t.AsksForDescription() || t.AsksForTags() || t.Type == generic || t.Type == RequestApproval || t.Type == FeedbackApproval
}

// Resolution is the change that resolving the task with a value makes. Tags come
// as a JSON array of labels.
func (t *Task) Resolution(value string) (Change, error) {
	if t.AsksForDescription() {
		return Change{Description: &value}, nil
	}
	var labels []entity.TagLabel
	if err := json.Unmarshal([]byte(value), &labels); err != nil {
		return Change{}, entity.BadRequest("newValue must be a JSON array of tag labels")
	}
	return Change{Tags: labels, SetTags: true}, nil
}

// Close ends the task of a thread. The error is a KindBadRequest when it is over.
func (t *Thread) Close(by, value string, now int64) error {
	if t.Task == nil {
		return entity.BadRequest("thread %s is no task", t.ID)
	}
	if t.Task.Status == Closed {
		return entity.BadRequest("task %d is closed already", t.Task.ID)
	}
	t.Task.Status, t.Task.NewValue, t.Task.ClosedBy, t.Task.ClosedAt = Closed, value, by, now
	t.Resolved, t.UpdatedAt, t.UpdatedBy = true, now, by
	return nil
}

// AddPost adds an answer.
func (t *Thread) AddPost(by, message string, now int64) error {
	if len(t.Posts) >= MaxPosts {
		return entity.BadRequest("the thread has %d posts; begin a new one", MaxPosts)
	}
	t.Posts = append(t.Posts, Post{ID: entity.NewID(), Message: message, At: now, From: by, Reactions: []Reaction{}})
	t.PostsCount = len(t.Posts)
	t.UpdatedAt, t.UpdatedBy = now, by
	return nil
}

// Shorten leaves the newest posts only; the count says how many there are.
func (t *Thread) Shorten(posts int) {
	if len(t.Posts) > posts {
		t.Posts = t.Posts[len(t.Posts)-posts:]
	}
}

// Check says what is wrong with a thread that was just made or changed.
func (t *Thread) Check() error {
	switch {
	case t.Message == "":
		return entity.BadRequest("[message must not be empty]")
	case t.Type == Announcement && (t.Announcement == nil || t.Announcement.Start >= t.Announcement.End):
		return entity.BadRequest("Announcement needs a startTime that lies before its endTime")
	case t.Type == TaskThread && (t.Task == nil || len(t.Task.Assignees) == 0):
		return entity.BadRequest("Task needs details with at least one assignee")
	case t.Type == TaskThread && !t.Task.Known():
		return entity.Errorf(entity.KindNotImplemented, "Catalpa does not serve tasks of type %s yet", entity.Shorten(t.Task.Type, 60))
	}
	return nil
}

// Patched takes over from a patched copy of a document what the caller may
// change: everybody their own reactions, the author also the members named. The
// error is a KindForbidden when anything else differs.
func Patched(old, next jsontext.Value, user entity.ID, author bool, members ...string) (jsontext.Value, error) {
	var before, after map[string]jsontext.Value
	if json.Unmarshal(old, &before) != nil || json.Unmarshal(next, &after) != nil {
		return nil, entity.BadRequest("the JSON Patch leaves no object behind")
	}
	for name := range allNames(before, after) {
		same, err := equal(before[name], after[name])
		if err != nil {
			return nil, err
		}
		switch {
		case same:
		case name == "reactions":
			if err := ownReactions(before[name], after[name], user); err != nil {
				return nil, err
			}
		case author && slices.Contains(members, name):
		default:
			return nil, entity.Forbidden("you may not change %s", entity.Shorten(name, 60))
		}
	}
	return encode(after)
}

func allNames(objects ...map[string]jsontext.Value) map[string]bool {
	names := map[string]bool{}
	for _, m := range objects {
		for name := range maps.Keys(m) {
			names[name] = true
		}
	}
	return names
}

// equal compares values without regard to their layout.
func equal(a, b jsontext.Value) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	a, b = a.Clone(), b.Clone()
	if a.Canonicalize() != nil || b.Canonicalize() != nil {
		return false, entity.BadRequest("the JSON Patch leaves invalid JSON behind")
	}
	return bytes.Equal(a, b), nil
}

// ownReactions makes sure that only reactions of the user come and go.
func ownReactions(old, next jsontext.Value, user entity.ID) error {
	var before, after []Reaction
	if old != nil && json.Unmarshal(old, &before) != nil || next != nil && json.Unmarshal(next, &after) != nil {
		return entity.BadRequest("reactions cannot be read")
	}
	others := func(all []Reaction) []Reaction {
		return slices.DeleteFunc(slices.Clone(all), func(r Reaction) bool { return r.User.ID == user })
	}
	if !slices.EqualFunc(others(before), others(after), func(a, b Reaction) bool { return a.Type == b.Type && a.User.ID == b.User.ID }) {
		return entity.Forbidden("you may change your own reactions only")
	}
	return nil
}
