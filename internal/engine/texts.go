package engine

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/richtext"
)

// cleanTexts takes what is active out of the descriptions of a new state, those of its
// columns and other parts too. Which members are such texts, the schema tells.
func (w *write) cleanTexts() error {
	ent := w.in.ent
	ent.Description = richtext.Clean(ent.Description)
	for name, value := range ent.Rest {
		if !richtext.Suspect(value) {
			continue
		}
		clean, err := w.e.schemas.VisitMemberTexts(w.t.Schema, name, value, cleanText)
		if err != nil {
			return entity.Internal(err)
		}
		ent.Rest[name] = clean
	}
	return nil
}

// cleanBody does the same with a document that is no entity.
func (e *Engine) cleanBody(schema string, body []byte) ([]byte, error) {
	if !richtext.Suspect(body) {
		return body, nil
	}
	clean, err := e.schemas.VisitTexts(schema, body, cleanText)
	if err != nil {
		return nil, entity.Internal(err)
	}
	return clean, nil
}

func cleanText(_, text string) (string, error) { return richtext.Clean(text), nil }

// cleanValue does it with the value of a custom property.
func cleanValue(value jsontext.Value) jsontext.Value {
	if !richtext.Suspect(value) {
		return value
	}
	return quoted(richtext.Clean(text(value)))
}
