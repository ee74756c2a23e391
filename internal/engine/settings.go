package engine

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// A server setting has no schema: what is secret in it goes by the names of its
// members. It is sealed in the store and masked for everybody.

// SealSetting seals the secrets of a setting. A masked one stays as it was in old,
// the setting as it is stored; nil if there is none.
func (e *Engine) SealSetting(name string, old, next jsontext.Value) (jsontext.Value, error) {
	kept := map[string]keptSecret{}
	if old != nil {
		var err error
		if kept, err = keptSecrets(e.settingSecrets, map[string]jsontext.Value{"": old}, map[string]jsontext.Value{"": next}); err != nil {
			return nil, err
		}
	}
	place := "setting/" + name + "/"
	return e.schemas.VisitOpenSecrets(next, func(path, secret string) (string, error) {
		before, had := kept[path]
		switch {
		case secret == Mask && had:
			return e.resealed(before, place+before.path, place+path)
		case secret == Mask:
			return "", entity.BadRequest("%s is a masked secret, and there is no earlier value to keep: send the value itself", path)
		case e.isSealed(secret):
			return "", entity.BadRequest("%s holds text in the form of a sealed secret", path)
		}
		return e.sealer.Seal(secret, place+path)
	})
}

// settingSecrets finds the secrets of a setting, which is the one member of a document.
func (e *Engine) settingSecrets(doc map[string]jsontext.Value, visit func(path, value string) (string, error)) error {
	value, err := e.schemas.VisitOpenSecrets(doc[""], visit)
	doc[""] = value
	return err
}

// MaskSetting hides the secrets of a setting.
func (e *Engine) MaskSetting(value jsontext.Value) (jsontext.Value, error) {
	return e.schemas.VisitOpenSecrets(value, func(string, string) (string, error) { return Mask, nil })
}
