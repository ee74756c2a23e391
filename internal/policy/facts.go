package policy

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Team is a team somebody is in, with the names of all teams above it.
type Team struct {
	ID        entity.ID
	Name      string
	Ancestors []string
}

// Subject is what is known of a caller. Fill it, call Compile once, and share
// it between requests: Decide only reads it.
type Subject struct {
	ID      entity.ID
	Name    string
	Admin   bool
	Bot     bool
	Grants  []Grant
	Teams   []Team // the teams the user is in directly
	Domains []entity.Ref

	// Rules are the compiled Grants; without them the subject has no rights.
	Rules *Ruleset
}

// Compile sets Rules from Grants. Bots hold only what is theirs directly:
// nothing of their teams counts.
func (s *Subject) Compile() *Subject {
	grants := s.Grants
	if s.Bot {
		grants = nil
		for _, g := range s.Grants {
			if g.Source.Via == ViaUser {
				grants = append(grants, g)
			}
		}
	}
	s.Rules = Compile(grants)
	return s
}

// Under tells whether the subject is in the named team or in one below it.
func (s *Subject) Under(team string) bool {
	for i := range s.Teams {
		if s.Teams[i].Name == team {
			return true
		}
		for _, name := range s.Teams[i].Ancestors {
			if name == team {
				return true
			}
		}
	}
	return false
}

// Resource is what is known of the thing acted on. Without an ID it stands for
// its type: a list, or something yet to be created.
type Resource struct {
	Type          string
	ID            entity.ID
	FQN           string
	Owners        []entity.Ref
	Reviewers     []entity.Ref
	Domains       []entity.Ref
	Tags          []entity.TagLabel // tags, tier and glossary terms
	Certification string            // FQN of the certification tag
	Custom        jsontext.Value    // the extension, as stored

	// Teams are the names of all teams that own the resource, or that an owner
	// is in, and of all teams above them.
	Teams []string
	// Rules are the compiled policies that hang on the owning teams and on those
	// above, with ViaResource as their source; nil when there are none.
	Rules *Ruleset
}

// ResourceOf takes from an entity what it says about itself; Teams and Rules
// are left to the caller.
func ResourceOf(typ string, e *entity.Entity) Resource {
	return Resource{
		Type: typ, ID: e.ID, FQN: e.FullyQualifiedName,
		Owners: e.Owners, Reviewers: e.Reviewers, Domains: e.Domains, Tags: e.Tags,
		Custom: e.Extension, Certification: certification(e.Rest["certification"]),
	}
}

func certification(raw jsontext.Value) string {
	if len(raw) == 0 {
		return ""
	}
	var c struct {
		TagLabel struct {
			TagFQN string `json:"tagFQN"`
		} `json:"tagLabel"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return "" // a certification that cannot be read certifies nothing
	}
	return c.TagLabel.TagFQN
}

// Facts is what a condition is evaluated against.
type Facts struct {
	Subject  *Subject
	Resource *Resource
	Team     string // the team the policy hangs on; "" when it hangs on none
}
