package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/sight"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// searchable keeps the index up to date as the server does.
func (h *harness) searchable() {
	h.t.Helper()
	var types []string
	for _, t := range h.engine.Registry().All() {
		types = append(types, t.Name)
	}
	indexer := search.NewIndexer(h.api.index, h.store, sight.Source{Engine: h.engine}, types, h.api.log)
	h.store.OnCommit(func(store.Commit) { indexer.Wake() })
	h.api.indexer = indexer
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = indexer.Run(ctx) // ends with the context
	}()
	h.t.Cleanup(func() { cancel(); <-ended })
}

// aviary is a server with a secret in every place that there is for one.
type aviary struct {
	*rightsWorld
	*canaries
	sampler *sampler
	made    []planted
}

type planted struct {
	typ     *registry.Type
	id, fqn string
}

// TestT41NoSecretIsShown plants secrets wherever secrets can be kept, and calls every
// GET route there is as a plain user, a data steward and an administrator. None of
// them may be in any answer, these and those to the writes, nor in an event, the
// search index, the log at its most talkative, or in clear in a file.
func TestT41NoSecretIsShown(t *testing.T) {
	c := newCanaries(t)
	log := new(logged)
	h := newHarnessWith(t, slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := filepath.Dir(h.file)
	c.ownKeys(dir)
	var bot atomicText
	c.listen(h, bot.get)
	h.searchable()
	a := &aviary{rightsWorld: newRightsWorldOn(t, h), canaries: c, sampler: newSampler(t, c.plant)}
	bot.set(a.callers["bot"].token)

	a.plantServices()
	a.plantSettings()
	t.Run("routes", func(t *testing.T) {
		for _, u := range a.units() {
			t.Run(u.name, func(t *testing.T) {
				t.Parallel()
				a.sweep(t, u)
			})
		}
	})
	a.handle()
	a.find()
	a.mistakes()
	a.signOn()

	if n := c.count.Load(); n < 2000 {
		t.Errorf("only %d secrets were planted", n)
	}
	if n := c.looks.Load(); n < 5000 {
		t.Errorf("only %d texts were looked at", n)
	}
	exact, err := h.api.indexer.CatchUp(t.Context(), time.Minute)
	check(t, err)
	if !exact {
		t.Error("the index does not catch up")
	}
	a.lookAtIndex()
	a.lookAtEvents()
	written := log.String()
	if !strings.Contains(written, "level=DEBUG msg=request") {
		t.Error("the log is not at its most talkative")
	}
	for line := range strings.Lines(written) {
		c.look("the log", []byte(line), true)
	}
	for _, name := range []string{"catalpa.db", "catalpa.db-wal", "search.db", "search.db-wal"} {
		c.lookAtFile(filepath.Join(dir, name))
	}
}

// atomicText is a text that is set later.
type atomicText struct {
	mu   sync.Mutex
	text string
}

func (a *atomicText) get() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text
}

func (a *atomicText) set(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text = text
}

// plantServices makes services of every product, as often as there are ways to put
// secrets into their connection.
func (a *aviary) plantServices() {
	a.t.Helper()
	s, _ := sharedParts()
	for _, typ := range a.engine.Registry().All() {
		kinds, ok := s.schemas.Property(typ.Schema, "serviceType")
		if !ok || !strings.HasSuffix(typ.Name, "Service") {
			continue
		}
		for _, product := range kinds.Enum {
			for i, config := range a.connections(typ, product) {
				name := fmt.Sprintf("cage_%s_%d", product, i)
				got := a.do("POST", strings.TrimPrefix(typ.Collection, "/v1"), map[string]any{
					"name": name, "serviceType": product, "connection": map[string]any{"config": config},
				}, 201)
				a.made = append(a.made, planted{typ, got.id(), name})
			}
		}
	}
}

// connections are settings of a product with secrets in them.
func (a *aviary) connections(typ *registry.Type, product string) []any {
	a.t.Helper()
	s, _ := sharedParts()
	file, err := s.schemas.ConnectionSchema(typ.Name, product)
	check(a.t, err)
	if file == "" {
		return []any{map[string]any{"password": a.plant()}}
	}
	return a.sampler.of(file)
}

// plantSettings keeps secrets of the server.
func (a *aviary) plantSettings() {
	a.t.Helper()
	put := func(name string, value map[string]any) {
		a.t.Helper()
		a.do("PUT", "/system/settings", map[string]any{"config_type": name, "config_value": value}, 200)
		a.do("PATCH", "/system/settings/"+name, `[{"op":"add","path":"/enabled","value":true}]`, 200)
		a.do("GET", "/system/settings/"+name, nil, 200)
	}
	put("emailConfiguration", map[string]any{"userName": "mail", "password": a.plant()})
	put("slackAppConfiguration", map[string]any{"clientId": "c", "clientSecret": a.plant(), "signingSecret": a.plant()})
	put("authenticationConfiguration", map[string]any{"dnAdminPassword": a.plant(), "trustStoreConfig": map[string]any{"customTrustManagerConfig": map[string]any{"trustStoreFilePassword": a.plant()}}})
	put("securityConfiguration", map[string]any{"security": map[string]any{"keyStorePassword": a.plant(), "spPrivateKey": a.plant()}})
	put("slackBot", map[string]any{"tokens": []any{a.plant()}, "fernetKey": a.plant()})
}

// plantIn puts secrets into an entity, in every member and every way its schema knows.
func (a *aviary) plantIn(t *testing.T, typ *registry.Type, id, name string) {
	t.Helper()
	members := map[string][]any{}
	if s, _ := sharedParts(); s.schemas.Has(typ.Schema, "serviceType") && strings.HasSuffix(typ.Name, "Service") {
		product := a.do("GET", strings.TrimPrefix(typ.Collection, "/v1")+"/"+id, nil, 200).at("serviceType")
		for _, config := range a.connections(typ, product)[:1] {
			members["connection"] = append(members["connection"], map[string]any{"config": config})
		}
	} else {
		members = newSampler(t, a.plant).members(typ.Schema)
	}
	done := false
	for member, values := range members {
		for _, value := range values {
			if member == "destinations" {
				value = a.outside(value)
			}
			got := a.as(a.admin, "PATCH", strings.TrimPrefix(typ.Collection, "/v1")+"/"+id, []any{map[string]any{"op": "add", "path": "/" + member, "value": value}})
			if got.status != http.StatusOK {
				t.Errorf("%s of %s takes no secrets: %d %s", member, typ.Name, got.status, entity.Shorten(string(got.body), 500))
				continue
			}
			done = done || strings.Contains(fmt.Sprint(value), canaryWord)
		}
	}
	uid, err := entity.ParseID(id)
	check(t, err)
	check(t, a.store.View(t.Context(), func(r store.Reader) error {
		row, err := r.Entity(t.Context(), uid)
		if done && err == nil && !bytes.Contains(row.Doc, []byte(secret.Prefix)) {
			t.Errorf("%s %s holds no sealed secret", typ.Name, name)
		}
		return err
	}))
}

// outside makes destinations of alerts addresses of their own, which is the kind that
// takes secrets.
func (a *aviary) outside(destinations any) any {
	list, _ := destinations.([]any)
	for _, item := range list {
		if destination, ok := item.(map[string]any); ok {
			destination["category"], destination["type"] = "External", "Webhook"
			if config, ok := destination["config"].(map[string]any); ok {
				config["endpoint"] = "https://hooks.example.org/services/" + a.plant()
				config["headers"], config["queryParams"] = map[string]any{"Authorization": a.plant()}, map[string]any{"token": a.plant()}
			}
		}
	}
	return list
}

// sweep calls the GET routes of a unit.
func (a *aviary) sweep(t *testing.T, u *rightsUnit) {
	const began = "1"
	for _, name := range []string{"consumer", "steward", "admin"} {
		vars, err := a.specimen(t, u.typ, "cage_"+strings.Trim(strings.NewReplacer("/", "_", ".", "_").Replace(u.name), "_")+"_"+name)
		check(t, err)
		a.plantIn(t, u.typ, vars["id"], vars["name"])
		vars["me"], vars["myname"], vars["began"] = a.callers[name].id.String(), a.callers[name].name, began
		s := &scene{t: t, w: a.rightsWorld, typ: u.typ, who: a.callers[name], vars: vars}
		for _, r := range u.routes {
			if r.Method != http.MethodGet {
				continue
			}
			tries, ok := triesOf(r.Method, r.Path)
			if !ok && u.base != "" {
				tries = a.genericTries(u.typ, r.Method, strings.TrimPrefix(r.Path, u.base))
			}
			if len(tries) == 0 {
				t.Errorf("rightsTries does not say how to call %s %s", r.Method, r.Path)
			}
			answered := 0
			for _, try := range tries {
				for _, query := range []string{try.query, wider(try.query, "fields=*", "include=all", "limit=1000")} {
					try.query = query
					if cell, _ := s.call(r, try); cell == cellPast || cell == cellNothing || try.why != "" {
						answered++
					}
				}
			}
			if answered == 0 && name == "admin" {
				t.Errorf("%s shows nothing to an administrator, so that nothing can be hidden", r.Path)
			}
		}
	}
}

// wider returns a query with other parameters.
func wider(query string, parameters ...string) string {
	kept := slices.DeleteFunc(strings.FieldsFunc(query, func(r rune) bool { return r == '&' }), func(have string) bool {
		name, _, _ := strings.Cut(have, "=")
		return slices.ContainsFunc(parameters, func(p string) bool { return strings.HasPrefix(p, name+"=") })
	})
	return strings.Join(append(kept, parameters...), "&")
}

// handle has an administrator write what holds secrets in every way there is: the
// answers are masked too.
func (a *aviary) handle() {
	a.t.Helper()
	for _, m := range a.made {
		if !strings.HasSuffix(m.fqn, "_0") {
			continue // one a product is enough
		}
		path := strings.TrimPrefix(m.typ.Collection, "/v1")
		by := path + "/" + m.id
		a.do("PATCH", by, `[{"op":"add","path":"/description","value":"d"}]`, 200)
		a.do("PATCH", by, `[{"op":"test","path":"/connection/config/password","value":"x"}]`, 400)
		shown := a.do("GET", path+"/name/"+esc(m.fqn)+"?fields=*", nil, 200)
		a.do("PUT", path, map[string]any{"name": m.fqn, "serviceType": shown.at("serviceType"), "connection": shown.member("connection"), "displayName": "n"}, 200)
		a.do("PATCH", by, `[{"op":"copy","from":"/connection","path":"/displayName"}]`, 400)
		for _, who := range []string{"consumer", "steward"} {
			a.as(a.callers[who], "GET", by+"?fields=*", nil).want(200, 403)
			a.as(a.callers[who], "GET", by+"/versions", nil).want(200, 403)
			a.as(a.callers[who], "PATCH", by, `[{"op":"add","path":"/displayName","value":"m"}]`).want(200, 403)
		}
		a.do("DELETE", by, nil, 200)
		a.do("GET", by+"?include=deleted", nil, 200)
		a.do("PUT", path+"/restore", map[string]any{"id": m.id}, 200)
		if m.fqn == "cage_Mysql_0" {
			a.do("PATCH", by, `[{"op":"copy","from":"/connection/config/authType/password","path":"/description"}]`, 200)
			continue
		}
		a.do("DELETE", by+"?hardDelete=true&recursive=true", nil, 200)
	}
}
