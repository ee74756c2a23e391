package entity

import "strings"

// Link points at an entity, or at a part of one, in the text form
//
//	<#E::table::svc.db.schema.orders>
//	<#E::table::svc.db.schema.orders::columns::email>
//	<#E::table::svc.db.schema.orders::columns::email::description>
type Link struct {
	Type  string // entity type
	FQN   string // of the entity
	Field string // e.g. columns; optional
	Item  string // e.g. the column's name; optional
	Sub   string // e.g. description; optional
}

// ParseLink reads the text form. The error is a KindBadRequest.
func ParseLink(text string) (Link, error) {
	if len(text) > 2*MaxFQN || !strings.HasPrefix(text, "<#E::") || !strings.HasSuffix(text, ">") {
		return Link{}, BadRequest("%q is not an entity link such as <#E::table::service.database.schema.table>", Shorten(text, 200))
	}
	body := text[len("<#E::") : len(text)-1]
	if strings.ContainsAny(body, "<>|") {
		return Link{}, BadRequest("the entity link %q holds one of the reserved characters < > |", Shorten(text, 200))
	}
	parts := strings.Split(body, "::")
	if len(parts) < 2 || len(parts) > 5 {
		return Link{}, BadRequest("the entity link %q needs a type and a name, separated by ::", Shorten(text, 200))
	}
	for _, part := range parts {
		if part == "" {
			return Link{}, BadRequest("the entity link %q has an empty part", Shorten(text, 200))
		}
	}
	parts = append(parts, "", "", "")
	return Link{Type: parts[0], FQN: parts[1], Field: parts[2], Item: parts[3], Sub: parts[4]}, nil
}

// String returns the text form.
func (l Link) String() string {
	var b strings.Builder
	b.WriteString("<#E")
	for _, part := range []string{l.Type, l.FQN, l.Field, l.Item, l.Sub} {
		if part == "" {
			break
		}
		b.WriteString("::")
		b.WriteString(part)
	}
	b.WriteByte('>')
	return b.String()
}

// maxLinks is how many links of one text are read.
const maxLinks = 100

// Links returns the links in a text that people write. Editors put what is shown behind
// a bar: <#E::user::ann|[@ann](https://catalog/users/ann)>.
func Links(text string) []Link {
	var out []Link
	for len(out) < maxLinks {
		begin := strings.Index(text, "<#E::")
		if begin < 0 {
			return out
		}
		text = text[begin:]
		end := strings.IndexByte(text, '>')
		if end < 0 {
			return out
		}
		inner, _, _ := strings.Cut(text[:end], "|")
		if link, err := ParseLink(inner + ">"); err == nil {
			out = append(out, link)
		}
		text = text[end:]
	}
	return out
}

// Mentioned returns the links to users and teams in a text, with their plain names.
func Mentioned(text string) []Link {
	var out []Link
	for _, link := range Links(text) {
		if link.Type == "user" || link.Type == "team" {
			link.FQN = UnquoteName(link.FQN)
			out = append(out, link)
		}
	}
	return out
}
