package saml

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
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
const warnBefore = 30 * 24 * time.Hour

// Diagnose looks at what makes sign-ins fail: certificates, addresses, clocks.
func (p *Provider) Diagnose(ctx context.Context) []Step {
	var steps []Step
	try := func(name, remedy string, work func() (string, error)) {
		begin := time.Now()
		detail, err := work()
		step := Step{Name: name, OK: err == nil, Detail: detail, Took: time.Since(begin)}
		if err != nil {
			step.Detail, step.Remedy = err.Error(), remedy
		}
		steps = append(steps, step)
	}
	for _, cert := range p.keys.trusted {
		try("certificate of the identity provider", "Copy the provider's current signing certificate into idp.idpX509Certificate; during a change of keys both, one PEM block after the other.",
			func() (string, error) { return validity(cert, p.clock()) })
	}
	if p.keys.own != nil {
		try("certificate of this server", "Make a new key and certificate, set sp.spPrivateKey and sp.spX509Certificate, and import the metadata at the provider again.",
			func() (string, error) { return validity(p.keys.own, p.clock()) })
	}
	try("addresses", "Set sp.acs and sp.entityId to the addresses that browsers use, and register the same ones at the provider.", p.addresses)
	if p.config.Client != nil {
		try("identity provider and its clock", "Check idp.ssoLoginUrl, DNS, TLS and firewall; let both clocks follow NTP.",
			func() (string, error) { return p.askTime(ctx) })
	}
	return steps
}

func validity(cert *x509.Certificate, now time.Time) (string, error) {
	end := cert.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.Before(cert.NotBefore):
		return "", fmt.Errorf("not valid before %s", cert.NotBefore.UTC().Format(time.RFC3339))
	case now.After(cert.NotAfter):
		return "", fmt.Errorf("ended on %s", end)
	case cert.NotAfter.Sub(now) < warnBefore:
		return "", fmt.Errorf("ends on %s", end)
	}
	return "valid until " + end, nil
}

func (p *Provider) addresses() (string, error) {
	for _, place := range []struct{ setting, address string }{{"sp.acs", p.config.ACSURL}, {"idp.ssoLoginUrl", p.config.IDPLoginURL}} {
		address, err := url.Parse(place.address)
		if err != nil {
			return "", err
		}
		if address.Scheme != "https" && !isLoopback(address.Hostname()) {
			return "", fmt.Errorf("%s is not https", place.setting)
		}
	}
	return fmt.Sprintf("register entity id %s and address %s at the provider", p.config.SPEntityID, p.config.ACSURL), nil
}

// askTime compares the Date of any answer of the provider with our clock.
func (p *Provider) askTime(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, p.config.IDPLoginURL, nil)
	if err != nil {
		return "", err
	}
	client := *p.config.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return "reached; it does not tell the time", nil
	}
	apart := p.clock().Sub(theirs).Abs().Round(time.Second)
	if apart > p.config.Skew {
		return "", errors.New("reached, but the clocks are " + apart.String() + " apart")
	}
	return "reached; the clocks are " + apart.String() + " apart", nil
}
