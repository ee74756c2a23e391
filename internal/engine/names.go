package engine

import (
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// buildFQN names an entity below its parent, which is nil at the root.
func (s *shape) buildFQN(ent, parent *entity.Entity) (string, error) {
	var fqn string
	switch {
	case s.t.FQN != nil:
		var err error
		if fqn, err = s.t.FQN(ent, parent); err != nil {
			return "", err
		}
	case parent == nil || s.t.FlatFQN:
		fqn = entity.QuoteName(ent.Name)
	case s.t.FQNInfix != "":
		fqn = entity.JoinFQN(parent.FullyQualifiedName+"."+s.t.FQNInfix, ent.Name)
	default:
		fqn = entity.JoinFQN(parent.FullyQualifiedName, ent.Name)
	}
	if s.t.LowerFQN {
		fqn = strings.ToLower(fqn)
	}
	return fqn, checkFQN(fqn)
}

func checkFQN(fqn string) error {
	if len(fqn) > entity.MaxFQN && utf8.RuneCountInString(fqn) > entity.MaxFQN {
		return entity.BadRequest("[fullyQualifiedName size must be between 1 and %d]: %s", entity.MaxFQN, entity.Shorten(fqn, 120))
	}
	return nil
}

// nameParts sets the FQN of parts below prefix.
func nameParts(parts []part, prefix string, depth int) error {
	if depth > maxDepth {
		return entity.BadRequest("parts are nested deeper than %d levels", maxDepth)
	}
	for i := range parts {
		fqn := entity.JoinFQN(prefix, parts[i].Name)
		if err := checkFQN(fqn); err != nil {
			return err
		}
		parts[i].FullyQualifiedName = fqn
		if err := nameParts(parts[i].Children, fqn, depth+1); err != nil {
			return err
		}
	}
	return nil
}
