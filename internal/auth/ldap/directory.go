package ldap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"

	ldapv3 "github.com/go-ldap/ldap/v3"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// Bounds of what a person may enter.
const (
	maxName     = 320
	maxPassword = 1024
)

// Directory checks passwords at an LDAP directory. It is safe for concurrent use.
type Directory struct {
	config Config
	pool   *pool
	roles  *roleMap
	issuer string
	log    *slog.Logger
}

// New checks the configuration; it does not connect. Errors name the settings.
func New(config Config, log *slog.Logger) (*Directory, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	tlsConfig, err := config.tlsConfig()
	if err != nil {
		return nil, err
	}
	roles, err := newRoleMap(config)
	if err != nil {
		return nil, err
	}
	base, err := normalDN(config.UserBaseDN)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Directory{config: config, pool: newPool(config, tlsConfig), roles: roles, issuer: "ldap:" + base, log: log}, nil
}

// Issuer is the issuer of the identities: ldap: and the base DN in normal form.
func (d *Directory) Issuer() string { return d.issuer }

// Close closes idle connections; checks under way end by themselves.
func (d *Directory) Close() { d.pool.close() }

// Check returns the identity of whoever has this name (or email) and password. It
// implements auth.PasswordProvider.
func (d *Directory) Check(ctx context.Context, name, password string) (auth.Identity, error) {
	// An empty password would be an unauthenticated bind (RFC 4513 §5.1.2), which
	// directories answer with success.
	if !acceptable(name, maxName) || !acceptable(password, maxPassword) {
		return auth.Identity{}, auth.Refuse(auth.CodeLogin)
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	var who auth.Identity
	err := d.pool.use(ctx, func(c *conn) (bool, error) {
		var keep bool
		var err error
		who, keep, err = d.checkOn(c, name, password)
		return keep, err
	})
	if err == nil {
		return who, nil
	}
	var wrong *wrongPassword
	if errors.As(err, &wrong) {
		return auth.Identity{}, auth.RefuseFor(auth.CodeLogin, err)
	}
	cause := errors.New(describe(err))
	d.log.WarnContext(ctx, "The directory could not be asked.", "cause", cause.Error())
	return auth.Identity{}, auth.RefuseFor(auth.CodeDirectory, cause)
}

// checkOn does the work of Check on one connection. Whether or not the person
// exists, it is one search, one bind that decides and one bind back, so that neither
// answers nor times tell.
func (d *Directory) checkOn(c *conn, name, password string) (who auth.Identity, keep bool, err error) {
	entry, err := d.find(c, name)
	if err != nil {
		return who, false, err
	}
	dn := d.nobody()
	if entry != nil {
		dn = entry.DN
	}
	refused := judgeBind(c.Bind(dn, password))
	var wrong *wrongPassword
	if refused != nil && !errors.As(refused, &wrong) {
		return who, false, refused
	}
	if err := d.pool.bindService(c); err != nil {
		return who, false, err
	}
	switch {
	case entry == nil:
		return who, true, &wrongPassword{reason: "no entry, or more than one, has this name"}
	case refused != nil:
		return who, true, refused
	}
	roles, err := d.rolesOf(c, entry)
	if err != nil {
		return who, false, err
	}
	who, err = d.identity(entry, roles)
	return who, true, err
}

// find returns the one entry of the name, nil when there is none or several.
func (d *Directory) find(c *conn, name string) (*ldapv3.Entry, error) {
	value := ldapv3.EscapeFilter(name)
	filter := fmt.Sprintf("(%s=%s)", d.config.MailAttribute, value)
	if d.config.UsernameAttribute != "" {
		filter = fmt.Sprintf("(|%s(%s=%s))", filter, d.config.UsernameAttribute, value)
	}
	const two = 2 // enough to know that it is not one
	result, err := c.Search(d.request(d.config.UserBaseDN, ldapv3.ScopeWholeSubtree, two, filter, d.attributes()...))
	if ldapv3.IsErrorAnyOf(err, ldapv3.LDAPResultSizeLimitExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(result.Entries) != 1 || result.Entries[0].DN == "" {
		return nil, nil
	}
	return result.Entries[0], nil
}

func (d *Directory) request(base string, scope, size int, filter string, attributes ...string) *ldapv3.SearchRequest {
	seconds := max(int(d.config.Timeout.Seconds()), 1)
	return ldapv3.NewSearchRequest(base, scope, ldapv3.NeverDerefAliases, size, seconds, false, filter, attributes, nil)
}

// nobody is a DN that does not exist, to bind when the name is unknown.
func (d *Directory) nobody() string {
	return "cn=" + strings.ToLower(rand.Text()) + "," + d.config.UserBaseDN
}

// acceptable tells whether the text can be a name or password at all.
func acceptable(text string, limit int) bool {
	return text != "" && len(text) <= limit && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// wrongPassword is the answer to a wrong name, a wrong password, a locked account.
type wrongPassword struct{ reason string }

func (w *wrongPassword) Error() string { return w.reason }

// judgeBind tells refusals of the person from failures of the directory.
func judgeBind(err error) error {
	if err == nil {
		return nil
	}
	if ldapv3.IsErrorAnyOf(err, ldapv3.LDAPResultInvalidCredentials, ldapv3.LDAPResultNoSuchObject,
		ldapv3.LDAPResultUnwillingToPerform, ldapv3.LDAPResultConstraintViolation,
		ldapv3.LDAPResultInappropriateAuthentication, ldapv3.LDAPResultInsufficientAccessRights,
		ldapv3.LDAPResultInvalidDNSyntax, ldapv3.LDAPResultNamingViolation) {
		return &wrongPassword{reason: describe(err)}
	}
	return err
}

// activeDirectoryCode is the reason that Active Directory hides in its message, such
// as 775 for a locked account.
var activeDirectoryCode = regexp.MustCompile(`\bdata ([0-9a-fA-F]{1,8})\b`)

// describe says what happened without the directory's free text, which may repeat
// names.
func describe(err error) string {
	var service *serviceError
	if errors.As(err, &service) {
		return "service account: " + describe(service.cause)
	}
	var refused *ldapv3.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	text := fmt.Sprintf("result %d (%s)", refused.ResultCode, ldapv3.LDAPResultCodeMap[refused.ResultCode])
	if refused.Err == nil {
		return text
	}
	if found := activeDirectoryCode.FindStringSubmatch(refused.Err.Error()); found != nil {
		return text + ", Active Directory code " + found[1]
	}
	if refused.ResultCode >= ldapv3.ErrorNetwork {
		return text + ": " + refused.Err.Error()
	}
	return text
}
