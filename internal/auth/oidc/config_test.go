package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// valid is a configuration whose provider does not answer.
func valid() Config {
	return Config{Kind: KindCustom, Issuer: "https://issuer.example", ClientID: "c", ClientSecret: "s", UseNonce: true,
		CallbackURL: "https://catalpa.example/callback", ServerURL: "https://catalpa.example"}
}

func TestT66Configuration(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		field  string // "" for valid
	}{
		"complete":                   {func(*Config) {}, ""},
		"unknown kind":               {func(c *Config) { c.Kind = "basic" }, fieldKind},
		"no issuer":                  {func(c *Config) { c.Issuer = "" }, fieldAuthority},
		"issuer of discoveryUri":     {func(c *Config) { c.Issuer, c.DiscoveryURI = "", "https://issuer.example/realm"+wellKnown }, ""},
		"issuer is no address":       {func(c *Config) { c.Issuer = "issuer.example" }, fieldAuthority},
		"issuer with a query":        {func(c *Config) { c.Issuer += "?a=b" }, fieldAuthority},
		"issuer with credentials":    {func(c *Config) { c.Issuer = "https://u:p@issuer.example" }, fieldAuthority},
		"issuer is a file":           {func(c *Config) { c.Issuer = "file:///etc/passwd" }, fieldAuthority},
		"discovery elsewhere":        {func(c *Config) { c.DiscoveryURI = "https://other.example" + wellKnown }, fieldDiscovery},
		"no client id":               {func(c *Config) { c.ClientID = "" }, fieldClientID},
		"public with secret":         {func(c *Config) { c.Public = true }, fieldSecret},
		"public":                     {func(c *Config) { c.Public, c.ClientSecret = true, "" }, ""},
		"confidential without":       {func(c *Config) { c.ClientSecret = "" }, fieldSecret},
		"unknown method":             {func(c *Config) { c.AuthMethod = "tls_client_auth" }, fieldMethod},
		"no method":                  {func(c *Config) { c.AuthMethod = AuthNone }, fieldMethod},
		"private_key_jwt, no key":    {func(c *Config) { c.AuthMethod = AuthPrivateJWT }, fieldMethod},
		"scope without openid":       {func(c *Config) { c.Scope = "email" }, fieldScope},
		"prompt none":                {func(c *Config) { c.Prompt = "none" }, fieldPrompt},
		"two prompts":                {func(c *Config) { c.Prompt = "login consent" }, ""},
		"reserved parameter":         {func(c *Config) { c.CustomParams = map[string]string{"State": "x"} }, fieldCustom},
		"reserved request_uri":       {func(c *Config) { c.CustomParams = map[string]string{"request_uri": "x"} }, fieldCustom},
		"custom parameter":           {func(c *Config) { c.CustomParams = map[string]string{"audience": "x"} }, ""},
		"callback of another origin": {func(c *Config) { c.CallbackURL = "https://evil.example/callback" }, fieldServer},
		"default ports are equal":    {func(c *Config) { c.ServerURL = "https://Catalpa.example:443" }, ""},
		"no callback":                {func(c *Config) { c.CallbackURL = "" }, fieldCallback},
		"HS256":                      {func(c *Config) { c.Algorithms = []string{"HS256"} }, fieldAlgorithm},
		"alg none":                   {func(c *Config) { c.Algorithms = []string{"RS256", "none"} }, fieldAlgorithm},
		"negative skew":              {func(c *Config) { c.Skew = -1 }, fieldSkew},
		"skew of an hour":            {func(c *Config) { c.Skew = time.Hour }, fieldSkew},
		"negative age":               {func(c *Config) { age := -time.Second; c.MaxAge = &age }, fieldMaxAge},
		"keys are a file":            {func(c *Config) { c.PublicKeyURLs = []string{"file:///etc/keys"} }, fieldKeys},
		"Azure for everybody":        {func(c *Config) { c.Kind, c.Issuer = KindAzure, "https://login.microsoftonline.com/common/v2.0" }, fieldAuthority},
		"Azure without tenant":       {func(c *Config) { c.Kind, c.Issuer = KindAzure, "" }, fieldTenant},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			c.change(&cfg)
			err := cfg.complete()
			var fault *ConfigError
			switch {
			case c.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.field != "" && (!errors.As(err, &fault) || fault.Field != c.field):
				t.Errorf("got %v, want a fault of %s", err, c.field)
			}
		})
	}
}

func TestAzureAddresses(t *testing.T) {
	const v2 = "https://login.microsoftonline.com/t1/v2.0"
	for name, change := range map[string]func(*Config){
		"tenant alone":      func(c *Config) { c.Issuer, c.Tenant = "", "t1" },
		"tenant and host":   func(c *Config) { c.Issuer, c.Tenant = "https://login.microsoftonline.com/", "t1" },
		"authority":         func(c *Config) { c.Issuer = "https://login.microsoftonline.com/t1" },
		"authority, slash":  func(c *Config) { c.Issuer = "https://login.microsoftonline.com/t1/" },
		"authority of v2.0": func(c *Config) { c.Issuer = v2 },
		"discovery of v2.0": func(c *Config) { c.Issuer, c.DiscoveryURI = "https://login.microsoftonline.com/t1", v2+wellKnown },
		"discovery of v1": func(c *Config) {
			c.Issuer, c.DiscoveryURI = "https://login.microsoftonline.com/t1", "https://login.microsoftonline.com/t1"+wellKnown
		},
		"discovery, no more": func(c *Config) { c.Issuer, c.DiscoveryURI = "", v2+wellKnown },
	} {
		cfg := valid()
		cfg.Kind = KindAzure
		change(&cfg)
		if err := cfg.complete(); err != nil || cfg.Issuer != v2 || cfg.DiscoveryURI != v2+wellKnown {
			t.Errorf("%s: issuer %s, discovery %s, error %v", name, cfg.Issuer, cfg.DiscoveryURI, err)
		}
	}
}

// known makes a provider from given metadata, which no network is needed for.
func known(t *testing.T, kind string, change func(*Config, *Metadata)) *Provider {
	t.Helper()
	cfg := valid()
	cfg.Kind, cfg.Scope = kind, "openid email offline_access"
	m := &Metadata{Issuer: "https://issuer.example/", AuthorizationEndpoint: "https://issuer.example/authorize?fixed=1",
		TokenEndpoint: "https://issuer.example/token", JWKSURI: "https://issuer.example/jwks"}
	if change != nil {
		change(&cfg, m)
	}
	cfg.Cached, cfg.RetryAfter = m, time.Hour
	p, err := New(t.Context(), cfg, &http.Client{Transport: unreachable{}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network here")
}

func TestPresetRequests(t *testing.T) {
	prompts := func(_ *Config, m *Metadata) { m.Prompts = []string{"login", "select_account"} }
	for name, c := range map[string]struct {
		kind   string
		change func(*Config, *Metadata)
		want   url.Values
	}{
		"google":                  {KindGoogle, nil, url.Values{"scope": {"openid email"}, "access_type": {"offline"}, "prompt": {"select_account"}}},
		"google online":           {KindGoogle, func(c *Config, _ *Metadata) { c.Scope = "openid" }, url.Values{"scope": {"openid"}, "access_type": nil}},
		"google, by parameter":    {KindGoogle, func(c *Config, _ *Metadata) { c.CustomParams = map[string]string{"access_type": "online"} }, url.Values{"access_type": {"online"}}},
		"azure":                   {KindAzure, nil, url.Values{"scope": {"openid email offline_access"}, "prompt": {"select_account"}}},
		"cognito":                 {KindCognito, nil, url.Values{"scope": {"openid email"}, "prompt": nil}},
		"auth0":                   {KindAuth0, nil, url.Values{"scope": {"openid email offline_access"}, "prompt": nil, "fixed": {"1"}}},
		"okta":                    {KindOkta, nil, url.Values{"scope": {"openid email offline_access"}, "prompt": nil}},
		"custom, offering":        {KindCustom, prompts, url.Values{"prompt": {"select_account"}}},
		"custom, not offering":    {KindCustom, func(_ *Config, m *Metadata) { m.Prompts = []string{"login"} }, url.Values{"prompt": nil}},
		"custom, told what to do": {KindCustom, func(c *Config, _ *Metadata) { c.Prompt = "login" }, url.Values{"prompt": {"login"}}},
	} {
		p := known(t, c.kind, c.change)
		d := departure()
		address, err := p.Start(t.Context(), &d)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		for param, want := range c.want {
			if got := u.Query()[param]; strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s: %s is %q, not %q", name, param, got, want)
			}
		}
	}
}

func TestSignOutAddress(t *testing.T) {
	const back = "https://catalpa.example/signed-out"
	end := func(_ *Config, m *Metadata) { m.EndSessionEndpoint = "https://issuer.example/end" }
	for name, c := range map[string]struct {
		kind   string
		change func(*Config, *Metadata)
		want   string
	}{
		"custom":            {KindCustom, end, "https://issuer.example/end?client_id=c&id_token_hint=tok&post_logout_redirect_uri=" + url.QueryEscape(back)},
		"custom without":    {KindCustom, nil, ""},
		"google":            {KindGoogle, nil, ""},
		"auth0 without":     {KindAuth0, nil, "https://issuer.example/v2/logout?client_id=c&returnTo=" + url.QueryEscape(back)},
		"auth0":             {KindAuth0, end, "https://issuer.example/end?client_id=c&id_token_hint=tok&post_logout_redirect_uri=" + url.QueryEscape(back)},
		"cognito":           {KindCognito, end, "https://issuer.example/end?client_id=c&logout_uri=" + url.QueryEscape(back)},
		"cognito by guess":  {KindCognito, nil, "https://issuer.example/logout?client_id=c&logout_uri=" + url.QueryEscape(back)},
		"hostile endpoints": {KindCustom, func(_ *Config, m *Metadata) { m.EndSessionEndpoint = "https://issuer.example/end?a=b" }, "https://issuer.example/end?a=b&client_id=c&id_token_hint=tok&post_logout_redirect_uri=" + url.QueryEscape(back)},
	} {
		if got := known(t, c.kind, c.change).SignOut("tok", "sid", back); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := known(t, KindCustom, end).SignOut(strings.Repeat("x", 5000), "", back); strings.Contains(got, "id_token_hint") {
		t.Error("a huge ID token makes a huge address")
	}
}

func TestDiscoveryFaults(t *testing.T) {
	for name, change := range map[string]func(*Config, *Metadata){
		"foreign issuer":            func(_ *Config, m *Metadata) { m.Issuer = "https://issuer.example.evil" },
		"issuer with two slashes":   func(_ *Config, m *Metadata) { m.Issuer = "https://issuer.example//" },
		"issuer in capitals":        func(_ *Config, m *Metadata) { m.Issuer = "https://ISSUER.example" },
		"no issuer":                 func(_ *Config, m *Metadata) { m.Issuer = "" },
		"no token endpoint":         func(_ *Config, m *Metadata) { m.TokenEndpoint = "" },
		"token endpoint by http":    func(_ *Config, m *Metadata) { m.TokenEndpoint = "http://issuer.example/token" },
		"script":                    func(_ *Config, m *Metadata) { m.AuthorizationEndpoint = "javascript:alert(1)" },
		"sign-out is a script":      func(_ *Config, m *Metadata) { m.EndSessionEndpoint = "javascript:alert(1)" },
		"no keys":                   func(_ *Config, m *Metadata) { m.JWKSURI = "" },
		"method not offered":        func(c *Config, m *Metadata) { c.AuthMethod, m.AuthMethods = AuthPost, []string{AuthBasic} },
		"algorithm not offered":     func(_ *Config, m *Metadata) { m.Algorithms = []string{"ES256"} },
		"challenge with plain only": func(_ *Config, m *Metadata) { m.ChallengeMethods = []string{"plain"} },
	} {
		cfg := valid()
		m := &Metadata{Issuer: "https://issuer.example/", AuthorizationEndpoint: "https://issuer.example/authorize",
			TokenEndpoint: "https://issuer.example/token", JWKSURI: "https://issuer.example/jwks"}
		change(&cfg, m)
		cfg.Cached = m
		_, err := New(t.Context(), cfg, &http.Client{Transport: unreachable{}}, nil, nil)
		var fault *ConfigError
		if !errors.As(err, &fault) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMethodByWhatIsOffered(t *testing.T) {
	f := setup(t)
	for want, offered := range map[string][]string{AuthBasic: nil, AuthPost: {AuthPost, AuthSecretJWT}} {
		if got := f.method(&Metadata{AuthMethods: offered}); got != want {
			t.Errorf("offered %q: %s", offered, got)
		}
	}
}

func TestIssuerWithSlash(t *testing.T) {
	f := setup(t)
	f.bad.EndInSlash()
	f.connect(t, func(c *Config) { c.Issuer = strings.TrimSuffix(c.Issuer, "/") })
	if f.Issuer() != f.bad.Issuer() || !strings.HasSuffix(f.Issuer(), "/") {
		t.Errorf("issuer %s", f.Issuer())
	}
	mustSignIn(t, f.Provider)
	_, err := f.bearer(t.Context(), f.bad.Mint(map[string]any{"iss": strings.TrimSuffix(f.bad.Issuer(), "/")}, nil))
	wantCode(t, err, auth.CodeIssuer) // exact from then on
}

func TestDiscoveryInTheBackground(t *testing.T) {
	f := setup(t)
	f.bad.Break(authtest.DiscoveryDown)
	told := make(chan Metadata, 10)
	f.connect(t, func(c *Config) {
		c.RetryAfter = time.Millisecond
		c.OnMetadata = func(m Metadata) { told <- m }
	})
	wantCode(t, f.Ready(), auth.CodeUpstream)
	d := departure()
	_, err := f.Start(t.Context(), &d)
	wantCode(t, err, auth.CodeUpstream)
	_, err = f.Renew(t.Context(), "x")
	wantCode(t, err, auth.CodeUpstream)
	_, err = f.Key(t.Context(), "x", "RS256")
	wantCode(t, err, auth.CodeJWKSDown)
	if f.SignOut("", "", home) != "" {
		t.Error("there is a place to sign out at")
	}
	f.bad.Heal()
	eventually(t, "discovery", func() bool { return f.Ready() == nil })
	cached := <-told
	mustSignIn(t, f.Provider)

	// A restart while the provider is down lives on what was kept.
	f.bad.Break(authtest.DiscoveryDown)
	f.connect(t, func(c *Config) { c.Cached = &cached })
	if err := f.Ready(); err != nil {
		t.Fatal(err)
	}
	mustSignIn(t, f.Provider)
}

func TestIssuerChangesWhileRunning(t *testing.T) {
	f := setup(t)
	f.bad.Break(authtest.DiscoveryForeignIssuer)
	if err := f.refresh(t.Context()); codeOf(err) != auth.CodeDiscIssuer {
		t.Fatalf("got %v", err)
	}
	mustSignIn(t, f.Provider) // what is known stays in force
}

func TestKeysBeforeDiscovery(t *testing.T) {
	f := setup(t)
	f.bad.Break(authtest.DiscoveryHTML)
	f.connect(t, func(c *Config) { c.PublicKeyURLs = []string{f.bad.JWKS()} })
	if _, err := f.bearer(t.Context(), f.bad.Token()); err != nil {
		t.Errorf("bearers need the keys alone: %v", err)
	}
}

// TestFaultFoundLater covers a provider that turns out unfit after the server has
// started without it: people read a refusal, not an internal error.
func TestFaultFoundLater(t *testing.T) {
	for fault, code := range map[authtest.Fault]string{
		authtest.DiscoveryPlainOnly: auth.CodeUpstream, authtest.DiscoveryForeignIssuer: auth.CodeDiscIssuer, authtest.DiscoveryHTML: auth.CodeUpstream,
	} {
		f := setup(t)
		f.bad.Break(authtest.DiscoveryDown)
		f.connect(t, func(c *Config) { c.RetryAfter = time.Hour })
		f.bad.Heal()
		f.bad.Break(fault)
		if f.refresh(t.Context()) == nil {
			t.Errorf("%s: discovered", fault)
		}
		d := departure()
		_, err := f.Start(t.Context(), &d)
		wantCode(t, err, code)
		if entity.KindOf(err) != entity.KindUnavailable {
			t.Errorf("%s: kind %v", fault, entity.KindOf(err))
		}
	}
}
