package entity

import "strings"

// A fully qualified name joins the names on the way from the root to an entity
// with dots. A name that holds a dot or a double quote stands in double quotes;
// a quote inside is doubled. The grammar:
//
//	fqn    = part { "." part }
//	part   = bare | quoted
//	bare   = one or more characters, none of them "." or `"`
//	quoted = `"` { any character but `"` | `""` } `"`

// Limits of names, in characters.
const (
	MaxName = 256
	MaxFQN  = 3072
)

// QuoteName returns the name as it stands in a fully qualified name. A name
// that already is a well-formed quoted part is taken as it is, or unquoted when
// it needs no quotes.
func QuoteName(name string) string {
	if len(name) > 2 && name[0] == '"' && name[len(name)-1] == '"' {
		inner := name[1 : len(name)-1]
		if !strings.ContainsAny(strings.ReplaceAll(inner, `""`, ""), `"`) {
			if !strings.ContainsAny(inner, `."`) {
				return inner
			}
			return name
		}
	}
	return quotePlain(name)
}

// quotePlain is QuoteName for a name that is not in quotes already.
func quotePlain(name string) string {
	if !strings.ContainsAny(name, `."`) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// UnquoteName returns the plain name of one part of a fully qualified name.
func UnquoteName(part string) string {
	if len(part) >= 2 && part[0] == '"' && part[len(part)-1] == '"' {
		return strings.ReplaceAll(part[1:len(part)-1], `""`, `"`)
	}
	return part
}

// JoinFQN appends the quoted name to the parent's fully qualified name; an
// empty parent gives the quoted name alone.
func JoinFQN(parent, name string) string {
	if parent == "" {
		return QuoteName(name)
	}
	return parent + "." + QuoteName(name)
}

// BuildFQN joins plain names.
func BuildFQN(names ...string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = QuoteName(name)
	}
	return strings.Join(parts, ".")
}

// SplitFQN returns the parts of a fully qualified name, still quoted where they
// were. The error is a KindBadRequest that says what is wrong and where.
func SplitFQN(fqn string) ([]string, error) {
	if fqn == "" {
		return nil, BadRequest("a fully qualified name must not be empty")
	}
	if len(fqn) > 4*MaxFQN {
		return nil, BadRequest("a fully qualified name has at most %d characters", MaxFQN)
	}
	parts := make([]string, 0, 5)
	for pos := 0; ; {
		end, err := partEnd(fqn, pos)
		if err != nil {
			return nil, err
		}
		parts = append(parts, fqn[pos:end])
		if end == len(fqn) {
			return parts, nil
		}
		pos = end + 1
	}
}

// partEnd returns the offset just past the part that starts at pos.
func partEnd(fqn string, pos int) (int, error) {
	if pos >= len(fqn) || fqn[pos] == '.' {
		return 0, BadRequest("the fully qualified name %q has an empty part at offset %d", Shorten(fqn, 200), pos)
	}
	if fqn[pos] != '"' {
		end := len(fqn)
		if dot := strings.IndexByte(fqn[pos:], '.'); dot >= 0 {
			end = pos + dot
		}
		if quote := strings.IndexByte(fqn[pos:end], '"'); quote >= 0 {
			return 0, BadRequest("the fully qualified name %q has a stray quote at offset %d", Shorten(fqn, 200), pos+quote)
		}
		return end, nil
	}
	for i := pos + 1; i < len(fqn); i++ {
		if fqn[i] != '"' {
			continue
		}
		if i+1 < len(fqn) && fqn[i+1] == '"' {
			i++
			continue
		}
		if i == pos+1 {
			return 0, BadRequest("the fully qualified name %q has an empty part at offset %d", Shorten(fqn, 200), pos)
		}
		if i+1 < len(fqn) && fqn[i+1] != '.' {
			return 0, BadRequest("the fully qualified name %q needs a dot at offset %d", Shorten(fqn, 200), i+1)
		}
		return i + 1, nil
	}
	return 0, BadRequest("the fully qualified name %q has a quote at offset %d that is never closed", Shorten(fqn, 200), pos)
}

// ParentFQN returns the name without its last part, "" for a single part or a
// malformed name.
func ParentFQN(fqn string) string {
	parts, err := SplitFQN(fqn)
	if err != nil || len(parts) < 2 {
		return ""
	}
	return fqn[:len(fqn)-len(parts[len(parts)-1])-1]
}

// CanonicalFQN rewrites a well-formed name so that exactly the parts that need
// quotes have them; a malformed one is returned as it is (it will not be found).
func CanonicalFQN(fqn string) string {
	if strings.IndexByte(fqn, '"') < 0 {
		return fqn
	}
	parts, err := SplitFQN(fqn)
	if err != nil {
		return fqn
	}
	for i, part := range parts {
		parts[i] = quotePlain(UnquoteName(part))
	}
	return strings.Join(parts, ".")
}

// Under tells whether fqn names something below ancestor.
func Under(fqn, ancestor string) bool {
	return len(fqn) > len(ancestor) && fqn[len(ancestor)] == '.' && fqn[:len(ancestor)] == ancestor
}
