package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// systemRoutes serve what the server says of itself, and its settings.
func (a *API) systemRoutes() []Route {
	const base = "/api/v1/system"
	return []Route{
		{Method: http.MethodGet, Path: base + "/version", Access: Public, Handle: (*call).getVersionOfServer},
		{Method: http.MethodGet, Path: base + "/health", Access: Public, Handle: (*call).health},
		{Method: http.MethodGet, Path: base + "/config/auth", Access: Public, Handle: (*call).authConfig},
		{Method: http.MethodGet, Path: base + "/config/jwks", Access: Public, Handle: (*call).jwks},
		{Method: http.MethodGet, Path: base + "/config/loginConfig", Access: Public, Handle: (*call).loginConfig},
		{Method: http.MethodGet, Path: base + "/config/customUiThemePreference", Access: Public, Handle: (*call).getTheme},
		{Method: http.MethodGet, Path: base + "/config/authorizer", Access: Authenticated, Handle: (*call).authorizerConfig},
		{Method: http.MethodGet, Path: base + "/status", Access: AdminOnly, Handle: (*call).status},
		{Method: http.MethodGet, Path: base + "/entities/count", Access: Authenticated, Handle: (*call).entityCounts},
		{Method: http.MethodGet, Path: base + "/services/count", Access: Authenticated, Handle: (*call).serviceCounts},
		{Method: http.MethodGet, Path: base + "/settings", Access: AdminOnly, Handle: (*call).listSettings},
		{Method: http.MethodPut, Path: base + "/settings", Access: AdminOnly, Handle: (*call).putSetting},
		{Method: http.MethodGet, Path: base + "/settings/{name}", Access: Authenticated, Handle: (*call).getSetting},
		{Method: http.MethodPatch, Path: base + "/settings/{name}", Access: AdminOnly, Accepts: patchTypes, Handle: (*call).patchSetting},
		{Method: http.MethodGet, Path: base + "/settings/profilerConfiguration", Access: Authenticated, Handle: (*call).getProfilerSetting},
	}
}

func (c *call) getVersionOfServer() error {
	return c.json(http.StatusOK, map[string]any{"version": c.wire, "revision": c.version, "timestamp": c.started.UnixMilli()})
}

// health answers as soon as the store does.
func (c *call) health() error {
	if err := c.storeAnswers(); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": "healthy"})
}

// storeAnswers is an error unless the store answers soon.
func (c *call) storeAnswers() error {
	ctx, cancel := context.WithTimeout(c.ctx(), 2*time.Second)
	defer cancel()
	err := c.engine.Store().View(ctx, func(r store.Reader) error {
		_, err := r.LastSeq(ctx)
		return err
	})
	if err != nil {
		return unready("the store does not answer", err)
	}
	return nil
}

// authConfig tells a sign-in page what to offer. It is written member by member,
// so that no secret of the configuration can slip in.
func (c *call) authConfig() error {
	s := c.signOn()
	c.w.Header().Set("Cache-Control", "public, max-age=60")
	return c.json(http.StatusOK, map[string]any{
		"provider": s.Provider, "providerName": s.ProviderName, "clientType": s.ClientType, "authority": s.Authority, "clientId": s.ClientID,
		"callbackUrl": s.CallbackURL, "responseType": cmp.Or(s.ResponseType, "code"), "scope": s.Scope, "publicKeyUrls": orEmpty(s.PublicKeyURLs),
		"enableSelfSignup": s.SelfSignup, "enableAutoRedirect": s.AutoRedirect, "jwtPrincipalClaims": orEmpty(s.PrincipalClaims),
		"jwtPrincipalClaimsMapping": orEmpty(s.PrincipalMapping), "jwtTeamClaimMapping": s.TeamClaim,
		"tokenValidationAlgorithm": cmp.Or(s.TokenAlgorithm, "RS256"),
	})
}

// orEmpty is never null in JSON.
func orEmpty(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

// uiTheme is how the user interface looks. Only these members leave the server.
type uiTheme struct {
	Logo struct {
		Logo     string `json:"customLogoUrlPath"`
		Favicon  string `json:"customFaviconUrlPath"`
		Monogram string `json:"customMonogramUrlPath"`
	} `json:"customLogoConfig"`
	Theme struct {
		Primary  string `json:"primaryColor"`
		Hover    string `json:"hoverColor"`
		Selected string `json:"selectedColor"`
		Error    string `json:"errorColor"`
		Success  string `json:"successColor"`
		Warning  string `json:"warningColor"`
		Info     string `json:"infoColor"`
	} `json:"customTheme"`
}

// getTheme answers what a page needs before anybody has signed in: what an
// administrator saved, or nothing but empty members.
func (c *call) getTheme() error {
	s, err := c.readSetting("customUiThemePreference")
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	var theme uiTheme
	if err == nil {
		if err := json.Unmarshal(s.Value, &theme); err != nil {
			return entity.Internal(err)
		}
	}
	return c.json(http.StatusOK, theme)
}

func (c *call) jwks() error {
	c.w.Header().Set("Cache-Control", "max-age=300")
	return c.raw(http.StatusOK, c.auth.JWKS())
}

func (c *call) loginConfig() error {
	return c.json(http.StatusOK, map[string]any{
		"maxLoginFailAttempts": c.settings.MaxLoginFails, "accessBlockTime": int(c.settings.LoginBlock.Seconds()),
		"jwtTokenExpiryTime": int(c.settings.AccessLifetime.Seconds()),
	})
}

func (c *call) authorizerConfig() error {
	return c.json(http.StatusOK, map[string]any{ // clients want the names of classes that they know
		"className": "org.openmetadata.service.security.DefaultAuthorizer", "containerRequestFilter": "org.openmetadata.service.security.JwtFilter",
		"adminPrincipals": orEmpty(c.settings.AdminPrincipals), "principalDomain": c.settings.PrincipalDomain,
		"enforcePrincipalDomain": c.settings.EnforceDomain, "enableSecureSocketConnection": false,
	})
}

// step is one line of the status page.
type step struct {
	Description string `json:"description"`
	Passed      bool   `json:"passed"`
	Message     string `json:"message"`
}

func (c *call) status() error {
	ctx, cancel := context.WithTimeout(c.ctx(), 5*time.Second)
	defer cancel()
	database := step{Description: "The store answers", Passed: true, Message: "ok"}
	var last uint64
	err := c.engine.Store().View(ctx, func(r store.Reader) error {
		var err error
		last, err = r.LastSeq(ctx)
		return err
	})
	if err != nil {
		database.Passed, database.Message = false, "the store does not answer; the log has the details"
	}
	index := step{Description: "The search index is up to date", Passed: true, Message: "ok"}
	if err := c.indexer.Trouble(); err != nil {
		index.Passed, index.Message = false, troubleWith(err)
	} else if at, err := c.index.Position(ctx); err != nil || at < last {
		index.Passed, index.Message = false, "the index is behind the store and catching up"
	}
	return c.json(http.StatusOK, map[string]step{
		"database": database, "searchInstance": index,
		"jwks": {Description: "The server has a signing key", Passed: len(c.auth.JWKS()) > 0, Message: "ok"},
	})
}

// troubleWith says what keeps the search index from being written, as far as that is fit for a page.
func troubleWith(err error) string {
	if e := entity.AsError(err); e != nil && e.Kind == entity.KindUnavailable {
		return e.Message
	}
	return "the search index cannot be written; the log has the details"
}

// countNames maps members of the entity counts to types.
var countNames = map[string]string{
	"tableCount": "table", "topicCount": "topic", "dashboardCount": "dashboard", "pipelineCount": "pipeline", "mlmodelCount": "mlmodel",
	"storageContainerCount": "container", "glossaryCount": "glossary", "glossaryTermCount": "glossaryTerm",
	"userCount": "user", "teamCount": "team", "testSuiteCount": "testSuite",
}

// serviceCountNames maps members of the service counts to types.
var serviceCountNames = map[string]string{
	"databaseServiceCount": "databaseService", "messagingServiceCount": "messagingService", "dashboardServiceCount": "dashboardService",
	"pipelineServiceCount": "pipelineService", "mlModelServiceCount": "mlmodelService", "storageServiceCount": "storageService",
}

func (c *call) counts(names map[string]string) (map[string]int, error) {
	include, err := c.include()
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for member, typ := range names {
		t, err := c.entityType(typ)
		if err != nil {
			return nil, err
		}
		// A list without a page counts what the caller may see.
		got, err := c.engine.List(c.ctx(), c.by, t, engine.ListRequest{View: engine.View{Include: include}})
		if err != nil && entity.KindOf(err) != entity.KindForbidden {
			return nil, err
		}
		out[member] = got.Total
	}
	return out, nil
}

func (c *call) serviceCounts() error {
	out, err := c.counts(serviceCountNames)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (c *call) entityCounts() error {
	out, err := c.counts(countNames)
	if err != nil {
		return err
	}
	services, err := c.counts(serviceCountNames)
	if err != nil {
		return err
	}
	for _, n := range services {
		out["servicesCount"] += n
	}
	return c.json(http.StatusOK, out)
}

// SettingKind is the kind of the records that hold settings; the key is the name.
const SettingKind = "setting"

// setting is one server setting as clients know it.
type setting struct {
	Type  string         `json:"config_type"`
	Value jsontext.Value `json:"config_value"`
}

func (c *call) readSetting(name string) (setting, error) {
	var rec store.Record
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		rec, err = r.Record(c.ctx(), SettingKind, "", name)
		return err
	})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return setting{}, entity.NotFound("settings", name)
	}
	return setting{Type: name, Value: rec.Doc}, err // with its secrets sealed
}

func (c *call) getSetting() error {
	name, err := c.param("name")
	if err != nil {
		return err
	}
	if !c.by.IsAdmin && !c.by.IsBot {
		return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not admin. Settings can be read by administrators and bots.", c.by.Name)
	}
	s, err := c.readSetting(name)
	if err != nil {
		return err
	}
	if s.Value, err = c.engine.MaskSetting(s.Value); err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

// getProfilerSetting answers an empty configuration where none was made: every
// profiler run begins by asking for it.
func (c *call) getProfilerSetting() error {
	s, err := c.readSetting("profilerConfiguration")
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	if err != nil {
		s = setting{Type: "profilerConfiguration", Value: jsontext.Value(`{"metricConfiguration":[]}`)}
	}
	if s.Value, err = c.engine.MaskSetting(s.Value); err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

func (c *call) listSettings() error {
	var records []store.Record
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		records, err = r.Records(c.ctx(), store.RecordQuery{Kind: SettingKind})
		return err
	})
	if err != nil {
		return err
	}
	out := make([]setting, 0, len(records))
	for _, rec := range records {
		value, err := c.engine.MaskSetting(rec.Doc)
		if err != nil {
			return err
		}
		out = append(out, setting{Type: rec.Key, Value: value})
	}
	return c.json(http.StatusOK, newPage(out, len(out)))
}

func (c *call) putSetting() error {
	var s setting
	if err := c.decode(&s); err != nil {
		return err
	}
	// Clients that read all settings know these names and refuse others.
	name, err := jsontext.AppendQuote(nil, s.Type)
	if err != nil || c.engine.Schemas().Validate("settings/settings.json#/$defs/settingType", name) != nil {
		return entity.BadRequest("config_type must name a setting, such as emailConfiguration or profilerConfiguration; %q is none", entity.Shorten(s.Type, 100))
	}
	return c.changeSetting(s.Type, func(jsontext.Value) (jsontext.Value, error) { return s.Value, nil })
}

// patchSetting changes members of a setting by a JSON Patch. It is applied to what
// everybody sees, so that no operation can find out a secret or move one to where it
// shows.
func (c *call) patchSetting() error {
	name, err := c.param("name")
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	return c.changeSetting(name, func(old jsontext.Value) (jsontext.Value, error) {
		if old == nil {
			return nil, entity.NotFound("settings", name)
		}
		seen, err := c.engine.MaskSetting(old)
		if err != nil {
			return nil, err
		}
		return c.engine.ApplyPatch(seen, body)
	})
}

// changeSetting stores what change makes of a setting, nil if there is none yet, and
// answers with it.
func (c *call) changeSetting(name string, change func(old jsontext.Value) (jsontext.Value, error)) error {
	value, err := c.storeSetting(name, change)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, setting{Type: name, Value: value})
}

// storeSetting stores what change makes of a setting, and returns it as it may be
// shown.
func (c *call) storeSetting(name string, change func(old jsontext.Value) (jsontext.Value, error)) (jsontext.Value, error) {
	var value jsontext.Value
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		rec, err := tx.Record(c.ctx(), SettingKind, "", name)
		if err != nil && entity.KindOf(err) != entity.KindNotFound {
			return err
		}
		next, err := change(rec.Doc)
		if err != nil {
			return err
		}
		if next.Kind() != '{' {
			return entity.BadRequest("config_value must be an object")
		}
		if err := c.checkSetting(name, next); err != nil {
			return err
		}
		if value, err = c.engine.SealSetting(name, rec.Doc, next.Clone()); err != nil {
			return err
		}
		return tx.PutRecord(c.ctx(), store.Record{Kind: SettingKind, Key: name, At: time.Now().UnixMilli(), Doc: value})
	})
	if err != nil {
		return nil, err
	}
	return c.engine.MaskSetting(value)
}
