package server

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// directory finds the users that auth asks for among the entities.
type directory struct{ store store.Store }

// ByID implements auth.Users.
func (d directory) ByID(ctx context.Context, id entity.ID) (auth.User, error) {
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		row, err := r.Entity(ctx, id)
		if err == nil && row.Type != "user" {
			return row, entity.NotFound("user", id.String())
		}
		return row, err
	})
}

// ByName implements auth.Users.
func (d directory) ByName(ctx context.Context, name string) (auth.User, error) {
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		return r.EntityByFQN(ctx, store.Key{Type: "user", FQN: entity.QuoteName(strings.ToLower(name))})
	})
}

// ByEmail implements auth.Users. Most addresses begin with the user's name, so
// that one is tried before the list of users is searched.
func (d directory) ByEmail(ctx context.Context, email string) (auth.User, error) {
	email = strings.ToLower(email)
	if name, _, ok := strings.Cut(email, "@"); ok {
		if user, err := d.ByName(ctx, name); err == nil && strings.EqualFold(user.Email, email) {
			return user, nil
		}
	}
	return d.find(ctx, func(r store.Reader) (store.Row, error) {
		rows, err := r.List(ctx, store.ListQuery{Type: "user", Include: store.All, Members: map[string]string{"email": email}, Limit: 1})
		if err == nil && len(rows) == 0 {
			err = entity.NotFound("user", email)
		}
		if err != nil {
			return store.Row{}, err
		}
		return rows[0], nil
	})
}

func (d directory) find(ctx context.Context, read func(store.Reader) (store.Row, error)) (auth.User, error) {
	var user auth.User
	err := d.store.View(ctx, func(r store.Reader) error {
		row, err := read(r)
		if err != nil {
			return err
		}
		var doc struct {
			Email   string `json:"email"`
			IsAdmin bool   `json:"isAdmin"`
			IsBot   bool   `json:"isBot"`
		}
		if err := json.Unmarshal(row.Doc, &doc); err != nil {
			return entity.Internal(err)
		}
		user = auth.User{ID: row.ID, Name: row.Name, Email: doc.Email, IsAdmin: doc.IsAdmin, IsBot: doc.IsBot, Deleted: row.Deleted}
		if !doc.IsBot {
			return nil
		}
		return d.addBot(ctx, r, &user)
	})
	return user, err
}

// addBot finds the bot whose user this is; a deleted bot takes its user with it.
func (d directory) addBot(ctx context.Context, r store.Reader, user *auth.User) error {
	relations, err := r.RelationsFrom(ctx, []entity.ID{user.ID}, "botUser")
	if err != nil || len(relations) == 0 {
		return err
	}
	user.Bot = relations[0].To
	bot, err := r.Entity(ctx, user.Bot)
	if err != nil {
		return err
	}
	user.Deleted = user.Deleted || bot.Deleted
	return nil
}
