package server

import (
	"context"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// accounts works on the accounts of a data directory.
func accounts(t *testing.T, cfg *config.Config, work func(context.Context, *Accounts) error) {
	t.Helper()
	ctx := t.Context()
	if err := LookAfterAccounts(ctx, cfg, fixed(cfg), func(c *Accounts) error { return work(ctx, c) }); err != nil {
		t.Fatal(err)
	}
}

// adminNames lists who is an administrator and not deactivated.
func adminNames(t *testing.T, cfg *config.Config) string {
	t.Helper()
	var names []string
	accounts(t, cfg, func(ctx context.Context, c *Accounts) error {
		list, err := c.Admins(ctx)
		for _, a := range list {
			if !a.Deleted {
				names = append(names, a.Name)
			}
		}
		return err
	})
	return strings.Join(names, " ")
}

// make adds a user to the catalog.
func (c *Accounts) make(ctx context.Context, request string) (auth.User, error) {
	t, _ := c.a.engine.Registry().ByName("user")
	made, err := c.a.engine.Create(ctx, entity.System(), t, []byte(request), engine.View{})
	if err != nil {
		return auth.User{}, err
	}
	return c.a.people().ByID(ctx, made.Entity.ID)
}

// TestT43EditOfAdminPrincipals: a list that names all administrators demotes the
// others at the next start, but never the last one.
func TestT43EditOfAdminPrincipals(t *testing.T) {
	dir := t.TempDir()
	cfg := settings(t, dir)
	if err := start(t, cfg, false).stop(); err != nil {
		t.Fatal(err)
	}
	accounts(t, cfg, func(ctx context.Context, c *Accounts) error {
		for _, email := range []string{"ann@example.com", "bob@example.com"} {
			if _, _, err := c.CreateAdmin(ctx, NewAdmin{Email: email}); err != nil {
				return err
			}
		}
		_, _, err := c.SetAdmin(ctx, "bob", false)
		return err
	})
	for _, step := range []struct {
		principals    []string
		authoritative bool
		want, says    string
	}{
		{[]string{"ann"}, false, "admin ann", ""},
		{[]string{"Ann@Example.com"}, true, "ann", "admin is no administrator any more: adminPrincipals does not name the user"},
		{[]string{"bob"}, true, "ann", "adminPrincipals does not name ann, who stays an administrator as the last one"},
		{[]string{"bob", "eve"}, true, "eve", "ann is no administrator any more"},
	} {
		cfg := settings(t, dir)
		cfg.Authorizer.AdminPrincipals, cfg.Authorizer.AdminPrincipalsAuthoritative = step.principals, step.authoritative
		s := start(t, cfg, false)
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if got := adminNames(t, cfg); got != step.want {
			t.Errorf("T43 %v: administrators are %q, want %q", step.principals, got, step.want)
		}
		if !strings.Contains(s.out.String(), step.says) {
			t.Errorf("T43 %v: the start does not say %q:\n%s", step.principals, step.says, s.out)
		}
	}
}

// TestT43Directory: what the provider's roles say can demote while there is somebody
// else to administer; bots and people who were deactivated are nobody.
func TestT43Directory(t *testing.T) {
	cfg := settings(t, t.TempDir())
	if err := start(t, cfg, false).stop(); err != nil {
		t.Fatal(err)
	}
	accounts(t, cfg, func(ctx context.Context, c *Accounts) error {
		people := c.a.people()
		ann, err := c.make(ctx, `{"name":"ann","email":"ann@example.com","isAdmin":true}`)
		if err != nil {
			return err
		}
		gone, err := c.make(ctx, `{"name":"gone","email":"gone@example.com","isAdmin":true}`)
		if err != nil {
			return err
		}
		if _, err := c.make(ctx, `{"name":"robot","email":"robot@example.com","isAdmin":true,"isBot":true}`); err != nil {
			return err
		}
		users, _ := c.a.engine.Registry().ByName("user")
		if _, err := c.a.engine.Delete(ctx, entity.System(), users, engine.ByID(gone.ID), engine.DeleteOptions{}, engine.View{}); err != nil {
			return err
		}
		admin, err := people.ByName(ctx, defaultAdmin)
		if err != nil {
			return err
		}
		if err := people.SetAdmin(ctx, admin.ID, false); err != nil {
			t.Errorf("one of two administrators cannot be demoted: %v", err)
		}
		if err := people.SetAdmin(ctx, ann.ID, false); entity.KindOf(err) != entity.KindConflict {
			t.Errorf("T43 demoting the last administrator gives %v", err)
		}
		if _, _, err := c.SetAdmin(ctx, "gone", true); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("making somebody who was deactivated an administrator gives %v", err)
		}
		return nil
	})
	if got := adminNames(t, cfg); got != "ann" {
		t.Errorf("administrators are %q", got)
	}
}

// TestNewAdminNeedsAnAddress where no domain is configured for names.
func TestNewAdminNeedsAnAddress(t *testing.T) {
	cfg := settings(t, t.TempDir())
	if err := start(t, cfg, false).stop(); err != nil {
		t.Fatal(err)
	}
	cfg.Authorizer.PrincipalDomain = ""
	accounts(t, cfg, func(ctx context.Context, c *Accounts) error {
		if _, _, err := c.CreateAdmin(ctx, NewAdmin{Name: "carl"}); err == nil || !strings.Contains(err.Error(), "catalpa admin create carl --email ADDRESS") {
			t.Errorf("a name without an address gives %v", err)
		}
		user, once, err := c.CreateAdmin(ctx, NewAdmin{Name: "Carl", Email: "C.Holt@Example.com"})
		if err == nil && (user.Name != "carl" || user.Email != "c.holt@example.com" || len(once) < 20) {
			t.Errorf("%+v, %d characters", user, len(once))
		}
		return err
	})
}
