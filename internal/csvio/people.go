package csvio

import (
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// rootTeam is the team everybody is in.
const rootTeam = "Organization"

// teamSheet is the sheet of the teams below a team.
func teamSheet() *sheet {
	return &sheet{
		about: "The teams below a team that exists, each after the teams it is part of.",
		rows:  []string{"team"}, begin: beginTeam,
		place:   func(in *change) error { in.typ, in.fqn = "team", entity.QuoteName(in.cell("name")); return nil },
		aliases: map[string]string{"owners": "Owner"},
		fields: []field{
			nameField("The name of the team.", "Marketing"),
			displayNameField(), descriptionField(),
			func() field {
				f := textMember("teamType", "Group, Department, Division or BusinessUnit.", "Group").as("teamType")
				f.required = true
				return f
			}(),
			parentsField(), ownersField("Owner"),
			flagMember("isJoinable", "Whether anybody may join."),
			refsMember("defaultRoles", "defaultRoles", "role", "Roles that all members have, separated by semicolons.", "DataConsumer;DataSteward"),
			refsMember("policies", "policies", "policy", "Policies that hold for all members, separated by semicolons.", "TeamOnlyPolicy"),
		},
	}
}

// parentsField holds the teams above. A team cannot be taken out of the teams an
// import is about, which is what keeps an import within them.
func parentsField() field {
	f := refsMember("parents", "parents", "team", "The teams it is part of, separated by semicolons.", "Engineering")
	f.required = true
	set := f.set
	f.set = func(in *change, text string) error {
		names := splitList(text)
		if len(names) == 0 {
			return entity.BadRequest("a team needs a parent")
		}
		for _, name := range names {
			if err := in.within(name); err != nil {
				return err
			}
		}
		return set(in, text)
	}
	return f
}

// within checks that a team is the one an import is about, or lies below it.
func (in *change) within(team string) error {
	ref, err := in.one(team, "team")
	if err != nil {
		return err
	}
	if !in.under.teams[ref.ID] && !in.under.made[ref.FullyQualifiedName] {
		return entity.BadRequest("the team %s is not below %s", entity.Shorten(team, 200), in.under.fqn)
	}
	return nil
}

func beginTeam(in *change) error {
	in.ent.Name = in.cell("name")
	return nil
}

// userSheet is the sheet of the users of a team and of the teams below it.
func userSheet() *sheet {
	return &sheet{
		about: "The users of a team that exists, and of the teams below it.",
		rows:  []string{"user"}, begin: beginTeam,
		place: func(in *change) error { in.typ, in.fqn = "user", entity.QuoteName(in.cell("name")); return nil },
		fields: []field{
			nameField("The name the user signs in with.", "john"),
			displayNameField(), descriptionField(),
			func() field {
				f := textMember("email", "The address of the user.", "john@example.org")
				f.required = true
				return f
			}(),
			textMember("timezone", "The time zone of the user.", "Europe/Vienna"),
			adminField(), userTeamsField(),
			refsMember("Roles", "roles", "role", "Roles the user has, separated by semicolons.", "DataSteward"),
		},
	}
}

// adminField lets nobody but administrators make administrators.
func adminField() field {
	f := flagMember("isAdmin", "Whether the user is an administrator; only an administrator can change it.")
	set := f.set
	f.set = func(in *change, text string) error {
		before := f.show(&in.subject) == "true"
		if err := set(in, text); err != nil {
			return err
		}
		if after := f.show(&in.subject) == "true"; after != before && !in.by.IsAdmin {
			return entity.Forbidden("only an administrator can say who is one")
		}
		return nil
	}
	return f
}

func userTeamsField() field {
	f := refsMember("teams", "teams", "team", "The teams the user is in, separated by semicolons.", "Marketing;Finance")
	f.required = true
	set := f.set
	f.set = func(in *change, text string) error {
		before := map[string]bool{}
		for _, name := range ownNames(refsOf(in.ent.Rest["teams"])) {
			before[name] = true
		}
		for _, name := range splitList(text) {
			if before[entity.QuoteName(name)] {
				continue // who is in a team already may stay
			}
			if err := in.within(name); err != nil {
				return err
			}
		}
		return set(in, text)
	}
	return f
}
