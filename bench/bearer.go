package main

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// What judging a bearer token may cost.
const (
	minBearers = 5_000            // a second and core: 20,000 on a machine of four
	maxBearer  = time.Millisecond // p99
	newTokens  = 2_000            // that were not seen before
)

// lone is the directory of one bot.
type lone struct{ auth.User }

// ByID finds the bot.
func (l lone) ByID(_ context.Context, id entity.ID) (auth.User, error) { return l.match(id == l.ID) }

// ByName finds the bot.
func (l lone) ByName(_ context.Context, name string) (auth.User, error) {
	return l.match(name == l.Name)
}

// ByEmail finds nobody.
func (l lone) ByEmail(context.Context, string) (auth.User, error) { return l.match(false) }

func (l lone) match(ok bool) (auth.User, error) {
	if !ok {
		return auth.User{}, entity.NotFound("user", "?")
	}
	return l.User, nil
}

// bearers judges RS256 tokens in this process, without HTTP around it: one that was
// seen before, as nearly all are, and such that were not, where only the key is warm.
func (o *signOn) bearers(ctx context.Context, dir string) error {
	ring, err := key.Open(filepath.Join(dir, "keys"), key.Options{})
	if err != nil {
		return err
	}
	sealer, _, err := secret.OpenDir(dir)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, filepath.Join(dir, "catalpa.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	bot := auth.User{ID: entity.NewID(), Name: "bot", Email: "bot@example.com", IsBot: true}
	service, err := auth.New(ctx, auth.Options{Store: db, Users: lone{bot}, Keys: ring, Sealer: sealer})
	if err != nil {
		return err
	}
	issued, err := service.AddBotToken(ctx, entity.System(), bot.ID, auth.ExpireOneHour)
	if err != nil {
		return err
	}
	_, private := ring.Signer()
	fresh, err := resigned(issued.Token, private)
	if err != nil {
		return err
	}
	judge := func(token string) error {
		_, err := service.Authenticate(ctx, "Bearer "+token)
		return err
	}
	self := &process{} // this one
	clients := runtime.GOMAXPROCS(0)
	seen, err := load{name: "bearer, seen before", server: self, clients: clients, period: o.s.period, op: func(context.Context, int) error { return judge(issued.Token) }}.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(seen)
	unseen, err := load{name: "bearer, warm key only", server: self, clients: clients, count: newTokens, op: func(_ context.Context, n int) error {
		// The signature is right and the record is another token's: all checks but the
		// last one pass.
		if e := entity.AsError(judge(fresh[n])); e == nil || e.Code != auth.CodeBotStale {
			return fmt.Errorf("a token that is not on record: %w", errors.Join(e))
		}
		return nil
	}}.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(unseen)
	for _, r := range []result{seen, unseen} {
		each := r.rate() / float64(clients)
		o.goal("L01 "+r.name, each >= minBearers && r.p99 <= maxBearer, "%.0f/s a core, p99 %v; goal %d/s and %v", each, r.p99, minBearers, maxBearer)
	}
	return service.Close(ctx)
}

// resigned makes other tokens of the same claims: each has one more that nobody reads.
func resigned(token string, private *rsa.PrivateKey) ([]string, error) {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	fresh := make([]string, newTokens)
	for n := range fresh {
		body := fmt.Sprintf("%s,\"n\":%d}", strings.TrimSuffix(string(claims), "}"), n)
		signed := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
		signature, err := jwt.SigningMethodRS256.Sign(signed, private)
		if err != nil {
			return nil, err
		}
		fresh[n] = signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	return fresh, nil
}
