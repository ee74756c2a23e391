package server

import (
	"context"
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// populate adds people and bots, each bot with a token, without the cost of requests.
func (a *assembly) populate(ctx context.Context, people, bots int) error {
	var users []entity.ID // of bots
	err := a.store.Update(ctx, func(tx store.Tx) error {
		users = nil
		add := func(typ, name, doc string) (entity.ID, error) {
			id := entity.NewID()
			row := store.Row{ID: id, Type: typ, Name: name, FQN: name, Doc: fmt.Appendf(nil, doc, id, name)}
			return id, tx.Insert(ctx, row)
		}
		for n := range people {
			// The address does not begin with the name: it has to be looked for.
			if _, err := add("user", fmt.Sprintf("person-%d", n), `{"id":%q,"name":%q,"email":"`+fmt.Sprintf("mail-%d@example.com", n)+`"}`); err != nil {
				return err
			}
		}
		for n := range bots {
			user, err := add("user", fmt.Sprintf("robot-%d", n), `{"id":%q,"name":%q,"email":"`+fmt.Sprintf("robot-%d@example.com", n)+`","isBot":true}`)
			if err != nil {
				return err
			}
			bot, err := add("bot", fmt.Sprintf("robot-%d", n), `{"id":%q,"name":%q}`)
			if err != nil {
				return err
			}
			if err := tx.Relate(ctx, store.Relation{From: user, FromType: "user", To: bot, ToType: "bot", Kind: "botUser"}); err != nil {
				return err
			}
			users = append(users, user)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, user := range users {
		if _, err := a.auth.AddBotToken(ctx, entity.System(), user, auth.ExpireOneHour); err != nil {
			return err
		}
	}
	return nil
}

// inTwoSizes runs a call on a small and on a populated data directory with the same
// settings and returns how many statements each took.
func inTwoSizes(t *testing.T, env map[string]string, call func(ctx context.Context, cfg *config.Config, people, bots int) error) (small, large int64) {
	t.Helper()
	measure := func(people, bots int) int64 {
		cfg := settings(t, t.TempDir())
		if err := start(t, cfg, false).stop(); err != nil {
			t.Fatal(err)
		}
		if err := onDataDir(t.Context(), cfg, false, func(a *assembly) error { return a.populate(t.Context(), people, bots) }); err != nil {
			t.Fatal(err)
		}
		if env != nil {
			order := replicaOrder{Data: cfg.DataDir, Env: env}
			var err error
			if cfg, err = order.config(); err != nil {
				t.Fatal(err)
			}
		}
		ctx, counted := store.WithStatements(t.Context())
		if err := call(ctx, cfg, people, bots); err != nil {
			t.Fatal(err)
		}
		return counted.Count()
	}
	return measure(3, 2), measure(400, 50)
}

// TestL06DoctorWithManyUsers: the doctor reads bots and their tokens in pages, so its
// statements do not become more with bots and people. `make bench` measures the time it
// takes with 1,000 bots and 10,000 people.
func TestL06DoctorWithManyUsers(t *testing.T) {
	small, large := inTwoSizes(t, nil, func(ctx context.Context, cfg *config.Config, _, bots int) error {
		report, err := Doctor(ctx, cfg, nil, fixed(cfg))
		found := 0
		for _, c := range report.Checks {
			if c.Area == doctor.AreaBots && c.Status == doctor.Warning && c.Detail != "" {
				found++ // its token ends within the hour
			}
		}
		if err == nil && found < bots {
			err = fmt.Errorf("the doctor names %d bots whose token ends soon, not %d", found, bots)
		}
		return err
	})
	if small != large || small == 0 {
		t.Errorf("L06: the doctor runs %d statements with few bots and people and %d with many", small, large)
	}
}

// TestL02SignInAmongManyPeople: a round trip to the identity provider costs no more
// statements among many people, for somebody who was there before and for a newcomer.
// That an address is not searched for among all people is held by TestPlans of the store;
// `make bench` measures the time.
func TestL02SignInAmongManyPeople(t *testing.T) {
	p := authtest.NewBadProvider(t)
	env := map[string]string{
		"CATALPA_MODE": "development", "AUTHORIZER_ADMIN_PRINCIPALS": "[admin]", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com",
		"AUTHENTICATION_ENABLE_SELF_SIGNUP": "true", "OIDC_SERVER_URL": publicAddress, "OIDC_CALLBACK": publicAddress + "/callback",
		"AUTHENTICATION_CALLBACK_URL": publicAddress + "/callback",
		"AUTHENTICATION_PROVIDER":     "custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Plain", "AUTHENTICATION_CLIENT_TYPE": "confidential",
		"AUTHENTICATION_AUTHORITY": p.Issuer(), "AUTHENTICATION_CLIENT_ID": p.ClientID, "AUTHENTICATION_PUBLIC_KEYS": "[" + p.JWKS() + "]",
		"OIDC_TYPE": "custom", "OIDC_CLIENT_ID": p.ClientID, "OIDC_CLIENT_SECRET": p.ClientSecret,
		"OIDC_DISCOVERY_URI": p.Issuer() + "/.well-known/openid-configuration", "OIDC_SCOPE": "openid email profile",
	}
	small, large := inTwoSizes(t, env, func(ctx context.Context, cfg *config.Config, _, _ int) error {
		return onDataDir(ctx, cfg, false, func(a *assembly) error {
			refused, err := a.usableSignOn(ctx, fixed(cfg))
			if err == nil && refused != nil {
				err = refused
			}
			if err != nil {
				return fmt.Errorf("the settings cannot be used: %w", err)
			}
			for _, address := range []string{"mail-1@example.com", "mail-1@example.com", "newcomer@example.com"} {
				p.SetUser(map[string]any{"sub": address, "email": address, "email_verified": true})
				if err := a.signInOnce(ctx); err != nil {
					return fmt.Errorf("%s: %w", address, err)
				}
			}
			return nil
		})
	})
	if small != large || small == 0 {
		t.Errorf("L02: three sign-ins run %d statements among few people and %d among many", small, large)
	}
}

// signInOnce makes one round trip to the identity provider.
func (a *assembly) signInOnce(ctx context.Context) error {
	begun, err := a.auth.BeginLogin(ctx, auth.LoginStart{Return: "/", Address: "192.0.2.7"})
	if err != nil {
		return err
	}
	back, err := authtest.Visit(ctx, begun.URL, publicAddress)
	if err != nil {
		return err
	}
	done, err := a.auth.FinishLogin(ctx, auth.LoginReturn{Params: back.Query(), Cookies: map[string]string{begun.Cookie: begun.Value}, Address: "192.0.2.7"})
	if err != nil {
		return err
	}
	_, err = a.auth.SessionToken(ctx, done.Session)
	return err
}
