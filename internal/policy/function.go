package policy

import (
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Function is a question a condition can ask.
type Function string

// The functions.
const (
	FuncHasAnyRole            Function = "hasAnyRole"
	FuncHasDomain             Function = "hasDomain"
	FuncInAnyTeam             Function = "inAnyTeam"
	FuncIsOwner               Function = "isOwner"
	FuncIsReviewer            Function = "isReviewer"
	FuncMatchAllTags          Function = "matchAllTags"
	FuncMatchAnyCertification Function = "matchAnyCertification"
	FuncMatchAnyTag           Function = "matchAnyTag"
	FuncMatchTeam             Function = "matchTeam"
	FuncNoDomain              Function = "noDomain"
	FuncNoOwner               Function = "noOwner"
)

// FunctionInfo describes a function to people who write conditions.
type FunctionInfo struct {
	Name        Function `json:"name"`
	Input       string   `json:"input"`
	Description string   `json:"description"`
	Examples    []string `json:"examples"`
}

// Functions lists what conditions can ask, by name.
func Functions() []FunctionInfo {
	return []FunctionInfo{
		{FuncHasAnyRole, "Names of roles, separated by commas", "The user holds at least one of the roles, directly or through a team.", []string{"hasAnyRole('DataSteward', 'DataEngineer')"}},
		{FuncHasDomain, "none", "The user and the resource share a domain, or neither has one.", []string{"hasDomain()", "!hasDomain()"}},
		{FuncInAnyTeam, "Names of teams, separated by commas", "The user is in one of the teams, or in a team below one of them.", []string{"inAnyTeam('Marketing')"}},
		{FuncIsOwner, "none", "The user, or a team the user is in, owns the resource.", []string{"isOwner()", "noOwner() || isOwner()"}},
		{FuncIsReviewer, "none", "The user, or a team the user is in, is a reviewer of the resource.", []string{"isReviewer()", "isOwner() || isReviewer()"}},
		{FuncMatchAllTags, "Fully qualified names of tags or glossary terms, separated by commas", "The resource carries every one of the tags.", []string{"matchAllTags('PersonalData.Personal', 'Tier.Tier1')"}},
		{FuncMatchAnyCertification, "Fully qualified names of certifications, separated by commas", "The certification of the resource is one of those named.", []string{"matchAnyCertification('Certification.Gold')"}},
		{FuncMatchAnyTag, "Fully qualified names of tags or glossary terms, separated by commas", "The resource carries at least one of the tags.", []string{"matchAnyTag('PersonalData.Personal', 'Tier.Tier1')"}},
		{FuncMatchTeam, "none", "The policy hangs on a team, and both the user and an owner of the resource belong to that team or to one below it.", []string{"matchTeam()"}},
		{FuncNoDomain, "none", "The resource is in no domain.", []string{"noDomain()", "!noDomain()"}},
		{FuncNoOwner, "none", "Nobody owns the resource.", []string{"noOwner()", "noOwner() || isOwner()"}},
	}
}

// known tells whether the language has the function.
func (fn Function) known() bool {
	switch fn {
	case FuncHasDomain, FuncIsOwner, FuncIsReviewer, FuncMatchTeam, FuncNoDomain, FuncNoOwner:
		return true
	}
	return fn.argument() != ""
}

// argument is the type of the names the function takes, "" when it takes none.
func (fn Function) argument() string {
	switch fn {
	case FuncHasAnyRole:
		return "role"
	case FuncInAnyTeam:
		return "team"
	case FuncMatchAllTags, FuncMatchAnyTag, FuncMatchAnyCertification:
		return "tag"
	}
	return ""
}

// evaluate answers the question; a function that is not known answers no.
func (fn Function) evaluate(args []string, f *Facts) bool {
	s, r := f.Subject, f.Resource
	switch fn {
	case FuncHasAnyRole:
		return anyNamed(args, s.Rules.Roles())
	case FuncHasDomain:
		return hasDomain(s, r)
	case FuncInAnyTeam:
		return inAnyTeam(args, s)
	case FuncIsOwner:
		return s.among(r.Owners)
	case FuncIsReviewer:
		return s.among(r.Reviewers)
	case FuncMatchAllTags:
		return matchAllTags(args, r.Tags)
	case FuncMatchAnyCertification:
		return slices.Contains(args, r.Certification)
	case FuncMatchAnyTag:
		return matchAnyTag(args, r.Tags)
	case FuncMatchTeam:
		return f.Team != "" && len(r.Owners) > 0 && slices.Contains(r.Teams, f.Team) && s.Under(f.Team)
	case FuncNoDomain:
		return len(r.Domains) == 0
	case FuncNoOwner:
		return len(r.Owners) == 0
	}
	return false
}

// among tells whether the subject, or a team it is in directly, is one of the
// references.
func (s *Subject) among(refs []entity.Ref) bool {
	for i := range refs {
		switch refs[i].Type {
		case "user":
			if refs[i].ID == s.ID && s.ID != entity.NilID {
				return true
			}
		case "team":
			if s.memberOf(refs[i].ID) {
				return true
			}
		}
	}
	return false
}

func (s *Subject) memberOf(team entity.ID) bool {
	for i := range s.Teams {
		if s.Teams[i].ID == team && team != entity.NilID {
			return true
		}
	}
	return false
}

// hasDomain lets a whole type pass, since its members are filtered one by one,
// and types that stand outside of domains.
func hasDomain(s *Subject, r *Resource) bool {
	if r.ID == entity.NilID || outsideDomains(r.Type) {
		return true
	}
	if len(s.Domains) == 0 || len(r.Domains) == 0 {
		return len(s.Domains) == len(r.Domains)
	}
	for i := range s.Domains {
		for k := range r.Domains {
			if sameDomain(&s.Domains[i], &r.Domains[k]) {
				return true
			}
		}
	}
	return false
}

func sameDomain(a, b *entity.Ref) bool {
	return a.ID != entity.NilID && a.ID == b.ID ||
		a.FullyQualifiedName != "" && a.FullyQualifiedName == b.FullyQualifiedName
}

// outsideDomains tells of the types that people and the server itself need
// whatever their domain is.
func outsideDomains(typ string) bool {
	return strings.EqualFold(typ, "user") || strings.EqualFold(typ, "team") || strings.EqualFold(typ, "role") ||
		strings.EqualFold(typ, "policy") || strings.EqualFold(typ, "bot") || strings.EqualFold(typ, "persona") ||
		strings.EqualFold(typ, "domain") || strings.EqualFold(typ, "type")
}

func inAnyTeam(args []string, s *Subject) bool {
	for _, arg := range args {
		if s.Under(arg) || isQuoted(arg) && s.Under(entity.UnquoteName(arg)) {
			return true
		}
	}
	return false
}

func anyNamed(args, names []string) bool {
	for _, arg := range args {
		if slices.Contains(names, arg) || isQuoted(arg) && slices.Contains(names, entity.UnquoteName(arg)) {
			return true
		}
	}
	return false
}

// isQuoted tells of a name in its fully qualified spelling, as people copy it.
func isQuoted(name string) bool { return strings.HasPrefix(name, `"`) }

func matchAllTags(args []string, tags []entity.TagLabel) bool {
	for _, arg := range args {
		if !hasTag(arg, tags) {
			return false
		}
	}
	return len(args) > 0
}

func matchAnyTag(args []string, tags []entity.TagLabel) bool {
	for _, arg := range args {
		if hasTag(arg, tags) {
			return true
		}
	}
	return false
}

func hasTag(fqn string, tags []entity.TagLabel) bool {
	for i := range tags {
		if tags[i].TagFQN == fqn {
			return true
		}
	}
	return false
}
