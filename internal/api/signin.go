package api

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// smallBody is enough for every body of a sign-in.
const smallBody = 64 << 10

// authRoutes are the routes of signing in, of credentials, and those of users
// that differ from the generic ones.
func (a *API) authRoutes() []Route {
	const users = "/api/v1/users"
	return []Route{
		{Method: http.MethodPost, Path: users + "/login", Access: Public, MaxBody: smallBody, Handle: (*call).login},
		{Method: http.MethodPost, Path: users + "/refresh", Access: Public, MaxBody: smallBody, Handle: (*call).refresh},
		{Method: http.MethodPost, Path: users + "/logout", Access: Authenticated, OneTime: true, MaxBody: smallBody, Handle: (*call).logout},
		{Method: http.MethodGet, Path: users + "/loggedInUser", Access: Authenticated, OneTime: true, Handle: (*call).loggedInUser},
		{Method: http.MethodGet, Path: users + "/loggedInUser/groupTeams", Access: Authenticated, Handle: (*call).groupTeams},
		{Method: http.MethodPut, Path: users + "/changePassword", Access: Authenticated, OneTime: true, MaxBody: smallBody, Handle: (*call).changePassword},
		{Method: http.MethodGet, Path: users + "/generateRandomPwd", Access: AdminOnly, Handle: (*call).randomPassword},
		{Method: http.MethodPost, Path: users, Access: Authenticated, Handle: (*call).createUser},
		{Method: http.MethodPut, Path: users, Access: Authenticated, Handle: (*call).putUser},
		{Method: http.MethodPut, Path: users + "/generateToken/{id}", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).generateToken},
		{Method: http.MethodPut, Path: users + "/revokeToken", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).revokeToken},
		{Method: http.MethodGet, Path: users + "/token/{id}", Access: AdminOnly, Handle: (*call).botToken},
		{Method: http.MethodGet, Path: users + "/auth-mechanism/{id}", Access: AdminOnly, Handle: (*call).authMechanism},
		{Method: http.MethodGet, Path: users + "/security/token", Access: Authenticated, Handle: (*call).personalTokens},
		{Method: http.MethodPut, Path: users + "/security/token", Access: Authenticated, MaxBody: smallBody, Handle: (*call).createPersonalToken},
		{Method: http.MethodPut, Path: users + "/security/token/revoke", Access: Authenticated, MaxBody: smallBody, Handle: (*call).revokePersonalTokens},
	}
}

func (c *call) login() error {
	var body struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if _, err := base64.StdEncoding.DecodeString(body.Password); err != nil {
		return entity.BadRequest("Password need to be encoded in Base-64.")
	}
	tokens, err := c.auth.Login(c.ctx(), auth.LoginRequest{Name: body.Email, Password: body.Password, Address: c.address()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, tokens)
}

func (c *call) refresh() error {
	var body struct {
		RefreshToken string `json:"refreshToken"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	tokens, err := c.auth.Refresh(c.ctx(), body.RefreshToken)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, tokens)
}

func (c *call) logout() error {
	if err := c.auth.Logout(c.ctx(), c.by); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"message": "Logout Successful"})
}

// userType is the registry's entry for users.
func (c *call) userType() (*registry.Type, error) { return c.entityType("user") }

func (c *call) loggedInUser() error {
	t, err := c.userType()
	if err != nil {
		return err
	}
	view, err := c.view(t)
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(c.by.UserID), view)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, ent)
}

func (c *call) groupTeams() error {
	t, err := c.userType()
	if err != nil {
		return err
	}
	fields, err := c.engine.ParseFields(t, "teams")
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(c.by.UserID), engine.View{Fields: fields, Base: c.base()})
	if err != nil {
		return err
	}
	teams := ent.Rest["teams"]
	if teams == nil {
		teams = jsontext.Value("[]")
	}
	return c.raw(http.StatusOK, teams)
}

func (c *call) changePassword() error {
	var body struct {
		Username        string `json:"username"`
		RequestType     string `json:"requestType"`
		OldPassword     string `json:"oldPassword"`
		NewPassword     string `json:"newPassword"`
		ConfirmPassword string `json:"confirmPassword"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.NewPassword != body.ConfirmPassword {
		return entity.BadRequest("Password and Confirm Password should match")
	}
	if body.RequestType != "USER" {
		if err := c.auth.ChangePassword(c.ctx(), c.by, body.OldPassword, body.NewPassword); err != nil {
			return err
		}
		return c.json(http.StatusOK, map[string]string{"message": "Password Updated Successfully"})
	}
	if !c.by.IsAdmin {
		return entity.Forbidden("only an administrator can set somebody else's password")
	}
	if !c.auth.SignOn().Basic {
		return auth.Refuse(auth.CodeBasicOff)
	}
	t, err := c.userType()
	if err != nil {
		return err
	}
	user, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(body.Username), engine.View{})
	if err != nil {
		return err
	}
	if err := c.auth.SetPassword(c.ctx(), c.by, user.ID, body.NewPassword, true); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"message": "Password Updated Successfully"})
}

func (c *call) randomPassword() error {
	plain, err := password.Generate()
	if err != nil {
		return entity.Internal(err)
	}
	return c.json(http.StatusOK, plain)
}

// passwordOf takes the password out of a create request, so that the engine
// never sees it.
func passwordOf(body []byte) (clean []byte, plain, confirm string, err error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, "", "", entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	plain, confirm = stringMember(members["password"]), stringMember(members["confirmPassword"])
	for _, name := range []string{"password", "confirmPassword", "authenticationMechanism", "createPasswordType"} {
		delete(members, name)
	}
	clean, err = json.Marshal(members, json.Deterministic(true))
	return clean, plain, confirm, err
}

func stringMember(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return ""
	}
	return unquote(raw)
}

func (c *call) createUser() error {
	return c.saveUser(func(t *registry.Type, body []byte) (engine.Result, error) {
		return c.engine.Create(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	})
}

func (c *call) putUser() error {
	return c.saveUser(func(t *registry.Type, body []byte) (engine.Result, error) {
		return c.engine.Put(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	})
}

// saveUser writes a user and, when the request brings a password, sets it. All
// that can be wrong with the password is found before the user is written.
func (c *call) saveUser(save func(*registry.Type, []byte) (engine.Result, error)) error {
	t, err := c.userType()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	clean, plain, confirm, err := passwordOf(body)
	if err != nil {
		return err
	}
	var user struct {
		Name  string                    `json:"name"`
		Email string                    `json:"email"`
		IsBot bool                      `json:"isBot"`
		Rest  map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(clean, &user); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	if plain != "" {
		if err := c.mayGivePassword(plain, user.Name, user.Email); err != nil {
			return err
		}
		switch {
		case confirm != "" && confirm != plain:
			return entity.BadRequest("Password and Confirm Password should match")
		case user.IsBot:
			return entity.BadRequest("a bot has no password: give it a token instead")
		}
	}
	result, err := save(t, clean)
	if err != nil {
		return err
	}
	if plain != "" {
		if err := c.auth.SetPassword(c.ctx(), c.by, result.Entity.ID, plain, false); err != nil {
			return err
		}
	}
	return c.saved(result)
}

// mayGivePassword tells whether the caller can give a user this password.
func (c *call) mayGivePassword(plain, name, email string) error {
	switch {
	case !c.by.IsAdmin:
		return entity.Forbidden("only an administrator can give a user a password")
	case !c.auth.SignOn().Basic:
		return auth.Refuse(auth.CodeBasicOff)
	case strings.EqualFold(name, c.by.Name):
		return auth.NotOneself(c.by, c.by.UserID)
	}
	return c.auth.CheckPasswordRules(plain, name, email)
}

// jwtMechanism is the credential of a bot as clients know it.
type jwtMechanism struct {
	JWTToken          string `json:"JWTToken,omitzero"`
	JWTTokenExpiry    string `json:"JWTTokenExpiry"`
	JWTTokenExpiresAt *int64 `json:"JWTTokenExpiresAt,omitzero"`
}

func mechanismOf(t auth.IssuedToken) jwtMechanism {
	m := jwtMechanism{JWTToken: t.Token, JWTTokenExpiry: string(t.Expiry)}
	if !t.Expires.IsZero() {
		at := t.Expires.UnixMilli()
		m.JWTTokenExpiresAt = &at
	}
	return m
}

func (c *call) generateToken() error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	var body struct {
		Expiry string `json:"JWTTokenExpiry"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	token, err := c.auth.IssueBotToken(c.ctx(), c.by, id, auth.Expiry(body.Expiry))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, mechanismOf(token))
}

func (c *call) revokeToken() error {
	var body struct {
		ID entity.ID `json:"id"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if _, err := c.auth.RevokeBotTokens(c.ctx(), c.by, body.ID); err != nil {
		return err
	}
	t, err := c.userType()
	if err != nil {
		return err
	}
	user, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(body.ID), engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, user)
}

func (c *call) botToken() error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	token, err := c.auth.RevealBotToken(c.ctx(), c.by, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, mechanismOf(token))
}

// authMechanism tells how a bot signs in and until when, never the token itself.
func (c *call) authMechanism() error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	tokens, err := c.auth.BotTokenInfo(c.ctx(), id)
	if err != nil {
		return err
	}
	if len(tokens) == 0 {
		return entity.Errorf(entity.KindNotFound, "this bot has no token: make one with PUT /api/v1/users/generateToken/{id}")
	}
	newest := tokens[0]
	for _, t := range tokens {
		if t.Created.After(newest.Created) {
			newest = t
		}
	}
	return c.json(http.StatusOK, map[string]any{
		"authType": "JWT", "config": mechanismOf(auth.IssuedToken{Expiry: newest.Expiry, Expires: newest.Expires}),
	})
}

// personalToken is a personal access token as clients know it.
type personalToken struct {
	Token      string    `json:"token"` // its id
	UserID     entity.ID `json:"userId"`
	TokenName  string    `json:"tokenName"`
	TokenType  string    `json:"tokenType"`
	ExpiryDate int64     `json:"expiryDate,omitzero"`
	JWTToken   string    `json:"jwtToken,omitzero"` // only in the answer that makes it

	// Only for who asks by the parameter fields: the clients' model has no more members.
	CreatedAt  int64 `json:"createdAt,omitzero"`
	LastUsedAt int64 `json:"lastUsedAt,omitzero"` // to the hour
}

// tokenOwner is whose tokens a request is about: the caller's own, or for
// administrators those of whom the query names.
func (c *call) tokenOwner() (entity.ID, error) {
	name := c.query.Get("username")
	if name == "" || name == c.by.Name {
		return c.by.UserID, nil
	}
	if !c.by.IsAdmin {
		return entity.NilID, entity.Forbidden("only an administrator can see or end somebody else's tokens")
	}
	t, err := c.userType()
	if err != nil {
		return entity.NilID, err
	}
	other, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(name), engine.View{})
	if err != nil {
		return entity.NilID, err
	}
	return other.ID, nil
}

func (c *call) personalTokens() error {
	user, err := c.tokenOwner()
	if err != nil {
		return err
	}
	tokens, err := c.auth.PersonalTokens(c.ctx(), user)
	if err != nil {
		return err
	}
	fields := map[string]bool{}
	for field := range strings.SplitSeq(c.query.Get("fields"), ",") {
		if field = strings.TrimSpace(field); field != "" && field != "createdAt" && field != "lastUsedAt" {
			return entity.BadRequest("Invalid field name %s: there are createdAt and lastUsedAt", entity.Shorten(field, 100))
		}
		fields[field] = true
	}
	out := make([]personalToken, len(tokens))
	for i, t := range tokens {
		out[i] = personalToken{Token: t.ID, UserID: user, TokenName: t.Name, TokenType: "PERSONAL_ACCESS_TOKEN"}
		if !t.Expires.IsZero() {
			out[i].ExpiryDate = t.Expires.UnixMilli()
		}
		if fields["createdAt"] {
			out[i].CreatedAt = t.Created.UnixMilli()
		}
		if fields["lastUsedAt"] && !t.Used.IsZero() {
			out[i].LastUsedAt = t.Used.UnixMilli()
		}
	}
	return c.json(http.StatusOK, newPage(out, len(out)))
}

func (c *call) createPersonalToken() error {
	var body struct {
		TokenName string `json:"tokenName"`
		Expiry    string `json:"JWTTokenExpiry"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if c.by.IsBot {
		return entity.Forbidden("a bot cannot make personal access tokens")
	}
	t, err := c.auth.CreatePersonalToken(c.ctx(), c.by, body.TokenName, auth.Expiry(body.Expiry))
	if err != nil {
		return err
	}
	out := personalToken{Token: t.ID, UserID: c.by.UserID, TokenName: body.TokenName, TokenType: "PERSONAL_ACCESS_TOKEN", JWTToken: t.Token}
	if !t.Expires.IsZero() {
		out.ExpiryDate = t.Expires.UnixMilli()
	}
	return c.json(http.StatusOK, out)
}

func (c *call) revokePersonalTokens() error {
	var body struct {
		TokenIDs []string `json:"tokenIds"`
	}
	all, err := c.flag("removeAll", false)
	if err != nil {
		return err
	}
	if c.r.ContentLength != 0 {
		if err := c.decode(&body); err != nil {
			return err
		}
	}
	if !all && len(body.TokenIDs) == 0 {
		return entity.BadRequest("name the tokens in tokenIds, or say removeAll=true")
	}
	if all {
		body.TokenIDs = nil
	}
	owner, err := c.tokenOwner()
	if err != nil {
		return err
	}
	if _, err := c.auth.RevokePersonalTokens(c.ctx(), c.by, owner, body.TokenIDs...); err != nil {
		return err
	}
	return c.personalTokens()
}

// authorize asks policy for the caller and a whole resource type.
func (c *call) authorize(resource string, ops ...policy.Operation) error {
	return c.engine.Authorize(c.ctx(), c.by, resource, ops...)
}
