package ldap

import (
	"context"
	"errors"
	"fmt"
	"time"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// Step is one check of a diagnosis.
type Step struct {
	Name   string
	OK     bool
	Detail string
	Remedy string // what to do when it is not OK
	Took   time.Duration
}

// warnBefore is how long before its end a certificate is reported.
const warnBefore = 14 * 24 * time.Hour

// Diagnose tries what a sign-in needs, step by step, with a connection of its own.
// It ends at the first step without which the others cannot be tried.
func (d *Directory) Diagnose(ctx context.Context) []Step {
	ctx, cancel := context.WithTimeout(ctx, 2*d.config.Timeout)
	defer cancel()
	var steps []Step
	try := func(name, remedy string, work func() (string, error)) bool {
		begin := time.Now()
		detail, err := work()
		step := Step{Name: name, OK: err == nil, Detail: detail, Took: time.Since(begin)}
		if err != nil {
			step.Detail, step.Remedy = describe(err), remedy
		}
		steps = append(steps, step)
		return step.OK
	}
	var c *conn
	connected := try("connect", "Check host, port, firewall, sslEnabled and truststoreConfigType.", func() (detail string, err error) {
		c, err = d.pool.dial(ctx)
		return d.config.address(), err
	})
	if !connected {
		return steps
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	try("encryption", "Set sslEnabled, or renew the directory's certificate.", func() (string, error) { return d.encryption(c) })
	if !try("service account", "Check dnAdminPrincipal and dnAdminPassword.", func() (string, error) {
		return d.config.AdminDN, d.pool.bindService(c)
	}) {
		return steps
	}
	try("people", "Check userBaseDN, mailAttributeName, and that the service account may read them.", func() (string, error) {
		return d.sample(c, d.config.UserBaseDN, fmt.Sprintf("(%s=*)", d.config.MailAttribute), "entry with "+d.config.MailAttribute)
	})
	if d.config.GroupBaseDN != "" && !d.roles.empty() {
		try("groups", "Check groupBaseDN, groupAttributeName, groupAttributeValue and groupMemberAttributeName.", func() (string, error) {
			filter := fmt.Sprintf("(%s=*)", d.config.GroupMemberAttribute)
			if d.config.GroupAttribute != "" {
				filter = fmt.Sprintf("(&(%s=%s)%s)", d.config.GroupAttribute, ldapv3.EscapeFilter(d.config.GroupAttributeValue), filter)
			}
			return d.sample(c, d.config.GroupBaseDN, filter, "group with "+d.config.GroupMemberAttribute)
		})
	}
	return steps
}

func (d *Directory) encryption(c *conn) (string, error) {
	state, ok := c.TLSConnectionState()
	if !ok || len(state.PeerCertificates) == 0 {
		if isLoopback(d.config.Host) {
			return "none, on this host itself", nil
		}
		return "", errors.New("passwords cross the network in clear text")
	}
	end := state.PeerCertificates[0].NotAfter
	if left := time.Until(end); left < warnBefore {
		return "", fmt.Errorf("the certificate ends on %s", end.UTC().Format(time.DateOnly))
	}
	return fmt.Sprintf("certificate valid until %s", end.UTC().Format(time.DateOnly)), nil
}

// sample looks whether there is at least one such entry.
func (d *Directory) sample(c *conn, base, filter, what string) (string, error) {
	result, err := c.Search(d.request(base, ldapv3.ScopeWholeSubtree, 1, filter, "1.1"))
	if err != nil && !ldapv3.IsErrorAnyOf(err, ldapv3.LDAPResultSizeLimitExceeded) {
		return "", err
	}
	if err == nil && len(result.Entries) == 0 {
		return "", fmt.Errorf("no %s below %s", what, base)
	}
	return "found an " + what, nil
}
