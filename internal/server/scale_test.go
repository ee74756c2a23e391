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

// TestL02L06CostAmongMany: neither a round trip to the identity provider, of somebody
// who was there before and of a newcomer, nor the doctor runs more statements among
// many people and bots than among few. That an address is not searched for among all
// people is held by TestPlans of the store; `make bench` measures the time.
func TestL02L06CostAmongMany(t *testing.T) {
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
	measure := func(people, bots int) (signIns, doctored int64) {
		order := replicaOrder{Data: t.TempDir(), Env: env}
		cfg, err := order.config()
		if err != nil {
			t.Fatal(err)
		}
		if err := start(t, cfg, false).stop(); err != nil {
			t.Fatal(err)
		}
		err = onDataDir(t.Context(), cfg, false, func(a *assembly) error {
			if err := a.populate(t.Context(), people, bots); err != nil {
				return err
			}
			refused, err := a.usableSignOn(t.Context(), fixed(cfg))
			if err == nil && refused != nil {
				err = refused
			}
			if err != nil {
				return fmt.Errorf("the settings cannot be used: %w", err)
			}
			signIns, err = a.signInAll(t.Context(), p, "mail-1@example.com", "mail-1@example.com", "newcomer@example.com")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return signIns, examined(t, cfg, bots)
	}
	fewSignIns, fewDoctored := measure(3, 2)
	signIns, doctored := measure(200, 25)
	// The trail sheds what is too old once in a while, which is a statement more.
	if more := signIns - fewSignIns; more < -3 || more > 3 || signIns == 0 {
		t.Errorf("L02: three sign-ins run %d statements among few people and %d among many", fewSignIns, signIns)
	}
	if fewDoctored != doctored || doctored == 0 {
		t.Errorf("L06: the doctor runs %d statements with few bots and people and %d with many", fewDoctored, doctored)
	}
}

// examined is how many statements the doctor runs, who must know all bots.
func examined(t *testing.T, cfg *config.Config, bots int) int64 {
	t.Helper()
	ctx, counted := store.WithStatements(t.Context())
	report, err := Doctor(ctx, cfg, nil, fixed(cfg))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range report.Checks {
		if c.Area == doctor.AreaBots && c.Status == doctor.Warning && c.Detail != "" {
			found++ // its token ends within the hour
		}
	}
	if found < bots {
		t.Errorf("L06: the doctor names %d bots whose token ends soon, not %d", found, bots)
	}
	return counted.Count()
}

// signInAll lets people with these addresses sign in at the provider, one after the
// other, and counts the statements.
func (a *assembly) signInAll(ctx context.Context, p *authtest.BadProvider, addresses ...string) (int64, error) {
	ctx, counted := store.WithStatements(ctx)
	for _, address := range addresses {
		p.SetUser(map[string]any{"sub": address, "email": address, "email_verified": true})
		if err := a.signInOnce(ctx); err != nil {
			return 0, fmt.Errorf("%s: %w", address, err)
		}
	}
	return counted.Count(), nil
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
