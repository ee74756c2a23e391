package engine_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const plainSecret = "tr0ub4dor-and-horse"

func serviceRequest(extra, password string) string {
	return `{"name":"svc","serviceType":"Postgres",` + extra +
		`"connection":{"config":{"type":"Postgres","scheme":"postgresql+psycopg2","username":"u","hostPort":"h:5432","database":"d","authType":{"password":"` + password + `"}}}}`
}

// wantHidden checks that an answer shows the mask, and neither the secret nor its
// sealed form.
func wantHidden(t *testing.T, what, answer string) {
	t.Helper()
	if strings.Contains(answer, plainSecret) || strings.Contains(answer, "second-"+plainSecret) {
		t.Errorf("%s shows the secret: %s", what, answer)
	}
	if strings.Contains(answer, secret.Prefix) {
		t.Errorf("%s shows the sealed secret: %s", what, answer)
	}
	if !strings.Contains(answer, engine.Mask) {
		t.Errorf("%s has no mask in the place of the secret: %s", what, answer)
	}
}

func (b *bed) wantRevealed(what, want string) {
	b.t.Helper()
	if got := asJSON(b.t, b.get(b.bot, "databaseService", "svc", "")); !strings.Contains(got, `"password":"`+want+`"`) {
		b.t.Errorf("%s: the ingestion bot does not get the password %q: %s", what, want, got)
	}
}

func TestSecretsAreSeenByBotsOnly(t *testing.T) {
	b := newBed(t)
	typ := b.typ("databaseService")
	created := b.mustPut(b.admin, "databaseService", serviceRequest("", plainSecret))
	wantHidden(t, "the answer to the first PUT", asJSON(t, created.Entity))
	b.wantRevealed("after the first PUT", plainSecret)

	id := created.Entity.ID
	wantHidden(t, "GET by the administrator", asJSON(t, b.get(b.admin, "databaseService", "svc", "*")))
	wantHidden(t, "GET by a plain user", asJSON(t, b.get(b.plain, "databaseService", "svc", "owners")))
	raw, _, err := b.e.GetJSON(t.Context(), b.plain, typ, engine.ByID(id), engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "GET as JSON", string(raw))
	// What one caller was shown is kept for the next, but not for who may see more.
	raw, _, err = b.e.GetJSON(t.Context(), b.bot, typ, engine.ByID(id), engine.View{})
	if err != nil || !strings.Contains(string(raw), plainSecret) {
		t.Errorf("GET as JSON by the bot: %v %s", err, raw)
	}
	raw, _, err = b.e.GetJSON(t.Context(), b.plain, typ, engine.ByID(id), engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "GET as JSON after the bot's", string(raw))
	wantHidden(t, "PATCH by a plain user", asJSON(t, b.mustPatch(b.plain, "databaseService", id, `[{"op":"add","path":"/description","value":"d"}]`).Entity))
	wantHidden(t, "PATCH by the bot", asJSON(t, b.mustPatch(b.bot, "databaseService", id, `[{"op":"add","path":"/description","value":"e"}]`).Entity))
	b.wantRevealed("after PATCHes that did not name it", plainSecret)

	page, err := b.e.List(t.Context(), b.admin, typ, engine.ListRequest{Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d services, %v", len(page.Items), err)
	}
	wantHidden(t, "a list", asJSON(t, page.Items[0]))
	changed := b.mustPut(b.admin, "databaseService", serviceRequest(`"description":"e",`, "second-"+plainSecret))
	if changed.Event != entity.EventUpdated {
		t.Fatalf("a new password is no change: %s", changed.Event)
	}
	wantHidden(t, "the answer to a new password", asJSON(t, changed.Entity))
	b.wantRevealed("after a new password", "second-"+plainSecret)

	states, err := b.e.Versions(t.Context(), b.admin, typ, id, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		wantHidden(t, "version "+state.Version.String(), asJSON(t, state))
	}
	one, err := b.e.Version(t.Context(), b.bot, typ, id, entity.FirstVersion, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "one version", asJSON(t, one))
	b.wantHiddenAround(id)

	deleted, err := b.e.Delete(t.Context(), b.admin, typ, engine.ByID(id), engine.DeleteOptions{}, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "DELETE", asJSON(t, deleted.Entity))
	restored, err := b.e.Restore(t.Context(), b.admin, typ, id, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "restore", asJSON(t, restored.Entity))
	b.wantRevealed("after restoring", "second-"+plainSecret)
	gone, err := b.e.Delete(t.Context(), b.admin, typ, engine.ByID(id), engine.DeleteOptions{Hard: true}, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "hard DELETE", asJSON(t, gone.Entity))
	b.wantHiddenAround(id)
}

// wantHiddenAround looks at events, at what the index gets, and at the files.
func (b *bed) wantHiddenAround(id entity.ID) {
	b.t.Helper()
	events, err := b.e.Changes(b.t.Context(), entity.System(), store.EventQuery{EntityID: id}, "")
	if err != nil || len(events) == 0 {
		b.t.Fatalf("%d events, %v", len(events), err)
	}
	for _, event := range events {
		if event.Entity != nil {
			wantHidden(b.t, "event "+event.EventType, string(event.Entity))
		}
		if c := event.ChangeDescription; c != nil {
			for _, f := range c.FieldsUpdated {
				if text := string(f.OldValue) + string(f.NewValue); strings.Contains(text, plainSecret) || strings.Contains(text, secret.Prefix) {
					b.t.Errorf("the change of event %s shows a secret: %s", event.EventType, text)
				}
			}
		}
	}
	loaded, err := b.e.Load(b.t.Context(), []entity.ID{id})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, l := range loaded {
		wantHidden(b.t, "what is indexed", asJSON(b.t, l.Entity))
	}
	for _, file := range []string{b.path, b.path + "-wal"} {
		data, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			b.t.Fatal(err)
		}
		if bytes.Contains(data, []byte(plainSecret)) {
			b.t.Errorf("%s holds the secret in clear", file)
		}
	}
}

func TestMaskSentBackKeepsTheSecret(t *testing.T) {
	b := newBed(t)
	created := b.mustPut(b.admin, "databaseService", serviceRequest("", plainSecret))
	again := b.mustPut(b.admin, "databaseService", serviceRequest("", engine.Mask))
	if again.Event != entity.EventNoChange {
		t.Errorf("the mask is a change: %s %v", again.Event, again.Entity.ChangeDescription)
	}
	b.wantRevealed("after a PUT with the mask", plainSecret)
	if same := b.mustPut(b.bot, "databaseService", serviceRequest("", plainSecret)); same.Event != entity.EventNoChange {
		t.Errorf("the same secret again is a change: %s", same.Event)
	}
	b.mustPut(b.bot, "databaseService", `{"name":"svc","serviceType":"Postgres"}`)
	b.wantRevealed("after a PUT without connection", plainSecret)

	id := created.Entity.ID
	b.mustPatch(b.admin, "databaseService", id, `[{"op":"replace","path":"/connection/config/hostPort","value":"other:1"}]`)
	b.wantRevealed("after a PATCH beside it", plainSecret)
	b.mustPatch(b.admin, "databaseService", id, `[{"op":"replace","path":"/connection/config/authType/password","value":"`+engine.Mask+`"}]`)
	b.wantRevealed("after a PATCH with the mask", plainSecret)
	b.mustPatch(b.admin, "databaseService", id, `[{"op":"replace","path":"/connection/config/authType/password","value":"new one"}]`)
	b.wantRevealed("after a PATCH with a new one", "new one")

	_, err := b.put(b.admin, "databaseService", strings.Replace(serviceRequest("", engine.Mask), `"svc"`, `"other"`, 1))
	wantKind(t, err, entity.KindBadRequest, "masked")
	_, err = b.put(b.admin, "databaseService", serviceRequest("", secret.Prefix+"AAAA"))
	wantKind(t, err, entity.KindBadRequest, "sealed")
}

func TestMaskedSecretsAreNotSentElsewhere(t *testing.T) {
	b := newBed(t)
	id := b.mustPut(b.admin, "databaseService", serviceRequest(`"owners":[{"id":"`+b.plain.UserID.String()+`","type":"user"}],`, plainSecret)).Entity.ID
	elsewhere := `{"op":"replace","path":"/connection/config/hostPort","value":"elsewhere:5432"}`
	_, err := b.patch(b.plain, "databaseService", id, `[`+elsewhere+`]`)
	wantKind(t, err, entity.KindBadRequest, "send the secrets too")
	_, err = b.put(b.plain, "databaseService", strings.Replace(serviceRequest("", engine.Mask), "h:5432", "elsewhere:5432", 1))
	wantKind(t, err, entity.KindBadRequest, "send the secrets too")
	b.wantRevealed("after attempts to redirect it", plainSecret)

	b.mustPatch(b.plain, "databaseService", id, `[{"op":"add","path":"/description","value":"mine"}]`)
	b.mustPatch(b.admin, "databaseService", id, `[`+elsewhere+`]`)
	b.wantRevealed("after the administrator moved it", plainSecret)
	b.mustPatch(b.plain, "databaseService", id, `[{"op":"replace","path":"/connection/config/hostPort","value":"h:1"},{"op":"replace","path":"/connection/config/authType/password","value":"second-`+plainSecret+`"}]`)
	b.wantRevealed("after the owner moved it with a new secret", "second-"+plainSecret)
}
