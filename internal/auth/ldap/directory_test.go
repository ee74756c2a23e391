package ldap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	ldapv3 "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

var _ auth.PasswordProvider = (*Directory)(nil)

func codeOf(err error) string {
	if refusal := entity.AsError(err); refusal != nil {
		return refusal.Code
	}
	return ""
}

func claimsOf(who auth.Identity) map[string]string {
	claims := map[string]string{}
	for claim, value := range who.Claims {
		claims[claim] = string(value)
	}
	return claims
}

func TestCheckFindsThePerson(t *testing.T) {
	d := startServer(t).directory(t, nil)
	for _, name := range []string{"ada", "ada@example.org", "ADA@EXAMPLE.ORG"} {
		who, err := d.Check(context.Background(), name, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"sub": `"0f9b6e3c-1111-4c4b-9c6b-3f1d2f6a0001"`, "email": `"ada@example.org"`, "email_verified": "true",
			"preferred_username": `"ada"`, "name": `"Ada Lovelace (staff)"`, "displayName": `"Ada Lovelace (staff)"`,
		}
		if diff := cmp.Diff(want, claimsOf(who)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if who.Subject != "0f9b6e3c-1111-4c4b-9c6b-3f1d2f6a0001" || who.Issuer != "ldap:"+peopleBase || who.Issuer != d.Issuer() {
			t.Errorf("%s: %+v", name, who)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	cases := []struct{ name, user, password string }{
		{"wrong password", "ada", "wrong"},
		{"unknown name", "nobody", "correct horse"},
		{"two entries of one email", "twin@example.org", "twin password"},
		{"empty password", "ada", ""},
		{"empty password, unknown", "nobody", ""},
		{"empty name", "", "correct horse"},
		{"password with NUL", "ada", "correct horse\x00"},
		{"name with NUL", "ada\x00", "correct horse"},
		{"not UTF-8", "ada\xff", "correct horse"},
		{"long name", strings.Repeat("a", maxName+1), "correct horse"},
		{"long password", "ada", strings.Repeat("a", maxPassword+1)},
		{"group instead of a person", "stewards", "x"},
		{"service account", "service", adminPass},
		{"star", "*", "correct horse"},
		{"beginning and star", "ad*", "correct horse"},
		{"star of an email", "*@example.org", "correct horse"},
		{"closed filter", "ada)(uid=*", "correct horse"},
		{"or everybody", "x)(|(uid=*", "correct horse"},
		{"or everybody, closed", "*)(uid=*))(|(uid=*", "correct horse"},
		{"not", "x)(!(uid=x)", "correct horse"},
		{"escape", `\61\64\61`, "correct horse"},
		{"escaped star", `\2a`, "star battery"},
		{"DN", "uid=ada," + peopleBase, "correct horse"},
		{"present", "ada)(objectClass=*", "correct horse"},
		{"ampersand", "&", "correct horse"},
		{"brackets", "()", "correct horse"},
	}
	want := auth.Refuse(auth.CodeLogin)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			who, err := d.Check(context.Background(), c.user, c.password)
			refusal := entity.AsError(err)
			if refusal == nil || refusal.Code != want.Code || refusal.Message != want.Message || refusal.Hint != want.Hint || refusal.Kind != want.Kind {
				t.Fatalf("granted %+v, error %v", who, err)
			}
			if c.password != "" && strings.Contains(refusal.Error(), c.password) {
				t.Errorf("the error tells the password: %v", refusal)
			}
		})
	}
	who, err := d.Check(context.Background(), "st*r", "star battery")
	if err != nil || !strings.Contains(who.Subject, "2222") {
		t.Errorf("a name with a star of its own: %+v, %v", who, err)
	}
}

// TestEmptyPasswordIsNotAsked keeps unauthenticated binds away from the directory,
// which would answer them with success.
func TestEmptyPasswordIsNotAsked(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	if _, err := d.Check(context.Background(), "ada", ""); codeOf(err) != auth.CodeLogin {
		t.Fatalf("error %v", err)
	}
	if s.binds.Load() != 0 {
		t.Errorf("%d binds", s.binds.Load())
	}
}

// TestUnknownNamesTakeTheSameWork counts what the directory is asked.
func TestUnknownNamesTakeTheSameWork(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	work := func(name string) int64 {
		before := s.binds.Load()
		if _, err := d.Check(context.Background(), name, "wrong"); codeOf(err) != auth.CodeLogin {
			t.Fatalf("error %v", err)
		}
		return s.binds.Load() - before
	}
	work("ada") // opens the connection
	known, unknown, several := work("ada"), work("nobody"), work("twin@example.org")
	if known != unknown || known != several || known != 2 {
		t.Errorf("%d binds for a known name, %d for an unknown one, %d for an ambiguous one", known, unknown, several)
	}
}

func TestAnyNameIsOneValueOfTheFilter(t *testing.T) {
	d := &Directory{config: Config{MailAttribute: "mail", UsernameAttribute: "uid", GroupMemberAttribute: "member"}, roles: &roleMap{}}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		entry := &ldapv3.Entry{DN: name, Attributes: []*ldapv3.EntryAttribute{{Name: "uid", Values: []string{name}}}}
		filter, err := ldapv3.CompileFilter(d.groupFilter(entry))
		if err != nil {
			t.Fatal(err)
		}
		if name == "" {
			return
		}
		if len(filter.Children) != 2 {
			t.Fatalf("%d parts", len(filter.Children))
		}
		for _, part := range filter.Children {
			if part.Tag != ldapv3.FilterEqualityMatch || textOf(part.Children[1]) != name {
				t.Fatalf("part %v has %q", part.Tag, textOf(part.Children[1]))
			}
		}
	})
}

func TestBindAnswers(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	cases := map[int]string{
		ldapv3.LDAPResultInvalidCredentials:          auth.CodeLogin,
		ldapv3.LDAPResultUnwillingToPerform:          auth.CodeLogin,
		ldapv3.LDAPResultConstraintViolation:         auth.CodeLogin,
		ldapv3.LDAPResultInappropriateAuthentication: auth.CodeLogin,
		ldapv3.LDAPResultBusy:                        auth.CodeDirectory,
		ldapv3.LDAPResultUnavailable:                 auth.CodeDirectory,
		ldapv3.LDAPResultOther:                       auth.CodeDirectory,
		ldapv3.LDAPResultReferral:                    auth.CodeDirectory,
		ldapv3.LDAPResultStrongAuthRequired:          auth.CodeDirectory,
	}
	for result, code := range cases {
		s.bindAs.Store(int64(result))
		_, err := d.Check(context.Background(), "ada", "correct horse")
		if codeOf(err) != code {
			t.Errorf("result %d: %v", result, err)
		}
		if result == ldapv3.LDAPResultInvalidCredentials && (!strings.Contains(err.Error(), "775") || strings.Contains(err.Error(), "for ada")) {
			t.Errorf("reason %v", err)
		}
	}
}

func TestSearchFails(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	for _, result := range []int64{ldapv3.LDAPResultNoSuchObject, ldapv3.LDAPResultInsufficientAccessRights, ldapv3.LDAPResultTimeLimitExceeded, ldapv3.LDAPResultReferral} {
		s.refuse.Store(result)
		_, err := d.Check(context.Background(), "ada", "correct horse")
		if codeOf(err) != auth.CodeDirectory || entity.KindOf(err) != entity.KindUnavailable {
			t.Errorf("result %d: %v", result, err)
		}
	}
	s.refuse.Store(0)
	if _, err := d.Check(context.Background(), "ada", "correct horse"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestServiceAccountRefused(t *testing.T) {
	var log bytes.Buffer
	config := startServer(t).config()
	config.AdminPassword = "not the service password"
	d, err := New(config, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	_, err = d.Check(context.Background(), "ada", "correct horse")
	if codeOf(err) != auth.CodeDirectory || !strings.Contains(err.Error(), "service account") {
		t.Errorf("error %v", err)
	}
	for _, secret := range []string{config.AdminPassword, "correct horse"} {
		if strings.Contains(log.String(), secret) || strings.Contains(err.Error(), secret) {
			t.Error("a password is told")
		}
	}
	if !strings.Contains(log.String(), "service account") {
		t.Errorf("log %q", log.String())
	}
}

func TestDirectoryDown(t *testing.T) {
	config := Config{Host: "127.0.0.1", Port: freePort(t), AdminDN: adminDN, AdminPassword: adminPass, UserBaseDN: peopleBase, MailAttribute: "mail"}
	d, err := New(config, nil)
	must(t, err)
	if _, err := d.Check(context.Background(), "ada", "x"); codeOf(err) != auth.CodeDirectory {
		t.Errorf("error %v", err)
	}
}

func TestDirectorySlow(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, func(c *Config) { c.Timeout, c.MaxPoolSize = 200*time.Millisecond, 1 })
	s.block.Store(make(chan struct{}))
	begin := time.Now()
	var waiting sync.WaitGroup
	for range 4 { // three of them wait for the only connection
		waiting.Go(func() {
			if _, err := d.Check(context.Background(), "ada", "correct horse"); codeOf(err) != auth.CodeDirectory {
				t.Errorf("error %v", err)
			}
		})
	}
	waiting.Wait()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	s.unblock()
	if _, err := s.directory(t, nil).Check(context.Background(), "ada", "correct horse"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Check(ctx, "ada", "correct horse"); codeOf(err) != auth.CodeDirectory {
		t.Errorf("cancelled: %v", err)
	}
}

// TestDirectoryFloods answers the bind with bytes that never end.
func TestDirectoryFloods(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	sent := make(chan int64, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		// A message of a gigabyte, of which the client should read only a little.
		_, _ = c.Write([]byte{0x30, 0x84, 0x40, 0, 0, 0, 0x04, 0x84, 0x3f, 0xff, 0xff, 0xf0}) // shows in the count
		n, _ := io.Copy(c, io.LimitReader(zeros{}, 256<<20))                                  // ends when the client closes
		sent <- n
	}()
	port := listener.Addr().(*net.TCPAddr).Port
	d, err := New(Config{Host: "127.0.0.1", Port: port, AdminDN: adminDN, AdminPassword: adminPass, UserBaseDN: peopleBase, MailAttribute: "mail"}, nil)
	must(t, err)
	if _, err := d.Check(context.Background(), "ada", "x"); codeOf(err) != auth.CodeDirectory {
		t.Errorf("error %v", err)
	}
	if n := <-sent; n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { clear(into); return len(into), nil }

func TestPoolIsBounded(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, func(c *Config) {
		c.MaxPoolSize = 3
		c.RolesMapping = `{"cn=stewards,` + groupsBase + `":["DataSteward"]}`
	})
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			for range 5 {
				name, password, want := "ada", "correct horse", ""
				if i%2 == 1 {
					password, want = "wrong", auth.CodeLogin
				}
				who, err := d.Check(context.Background(), name, password)
				if codeOf(err) != want || want == "" && (err != nil || who.Text("preferred_username") != "ada") {
					t.Errorf("granted %+v, error %v", who, err)
				}
			}
		})
	}
	all.Wait()
	if most := s.most.Load(); most > 3 {
		t.Errorf("%d connections at once", most)
	}
	if open := s.open.Load(); open > 3 {
		t.Errorf("%d connections are kept", open)
	}
}

// TestDeadConnectionIsReplaced closes what the pool kept.
func TestDeadConnectionIsReplaced(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	for range 3 {
		if _, err := d.Check(context.Background(), "ada", "correct horse"); err != nil {
			t.Fatal(err)
		}
		d.pool.mu.Lock()
		if len(d.pool.idle) != 1 {
			t.Errorf("%d idle", len(d.pool.idle))
		}
		for _, c := range d.pool.idle {
			must(t, c.budget.Conn.Close())
		}
		d.pool.mu.Unlock()
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	s := startServer(t)
	d := s.directory(t, nil)
	if _, err := d.Check(context.Background(), "ada", "correct horse"); err != nil {
		t.Fatal(err)
	}
	old := d.pool.idle[0]
	old.since = time.Now().Add(-2 * maxIdle)
	if _, err := d.Check(context.Background(), "ada", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if !old.IsClosing() || len(d.pool.idle) != 1 {
		t.Error("an old connection was used")
	}
	d.Close()
	if len(d.pool.idle) != 0 {
		t.Error("connections are kept after Close")
	}
}

func TestDescribeHidesWords(t *testing.T) {
	err := ldapv3.NewError(ldapv3.LDAPResultInvalidCredentials, errors.New("invalid password for uid=ada"))
	if got := describe(err); strings.Contains(got, "ada") || !strings.Contains(got, "49") {
		t.Errorf("%q", got)
	}
}
