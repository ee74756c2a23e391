package api

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/engine"
)

const mask = engine.Mask

const smtpSetting = `{"config_type":"emailConfiguration","config_value":{"userName":"mail","password":"s3cr3t-mail","tokenUrl":"http://mail/token","nested":[{"clientSecret":"s3cr3t-client","port":25}],"privateKey":""}}`

func TestSecretsOfSettingsAreNeverShown(t *testing.T) {
	h := newHarness(t)
	answers := []answer{
		h.do("PUT", "/system/settings", smtpSetting, 200),
		h.do("GET", "/system/settings/emailConfiguration", nil, 200),
		h.as(h.bot(), "GET", "/system/settings/emailConfiguration", nil).want(200),
		h.do("PATCH", "/system/settings/emailConfiguration", `[{"op":"replace","path":"/userName","value":"post"}]`, 200),
	}
	for i, a := range answers {
		user := "mail"
		if i == 3 {
			user = "post"
		}
		a.lacks("s3cr3t").shows("config_type", "emailConfiguration", "config_value.userName", user,
			"config_value.password", mask, "config_value.nested.0.clientSecret", mask, "config_value.nested.0.port", "25", "config_value.tokenUrl", "http://mail/token", "config_value.privateKey", "")
	}
	h.do("GET", "/system/settings", nil, 200).lacks("s3cr3t").shows("data.0.config_value.password", mask, "paging.total", "1")
}

// stored returns what the store holds of a setting.
func (h *harness) stored(name string) string {
	h.t.Helper()
	rec, err := (&call{API: h.api, r: requestOf(h.t)}).readSetting(name)
	check(h.t, err)
	check(h.t, rec.Value.Canonicalize())
	return string(rec.Value)
}

// T65: the mask sent back means the secret that is there, and no patch finds it out.
func TestT65MaskedSecretsOfSettings(t *testing.T) {
	h := newHarness(t)
	const email = "/system/settings/emailConfiguration"
	h.do("PUT", "/system/settings", smtpSetting, 200)
	before := h.stored("emailConfiguration")
	if strings.Contains(before, "s3cr3t") || !strings.Contains(before, secret.Prefix) {
		t.Errorf("the secrets are not sealed: %s", before)
	}
	h.do("PUT", "/system/settings", string(h.do("GET", email, nil, 200).body), 200)
	h.do("PATCH", email, `[{"op":"replace","path":"/password","value":"`+mask+`"}]`, 200)
	if after := h.stored("emailConfiguration"); after != before {
		t.Errorf("the mask changed something:\n%s\n%s", before, after)
	}
	h.do("PATCH", email, `[{"op":"test","path":"/password","value":"s3cr3t-mail"}]`, 400)
	h.do("PATCH", email, `[{"op":"copy","from":"/password","path":"/userName"}]`, 200).shows("config_value.userName", mask)
	h.do("PATCH", email, `[{"op":"move","from":"/password","path":"/clientSecret"}]`, 400)
	h.do("PUT", "/system/settings", `{"config_type":"emailConfiguration","config_value":{"password":"`+secret.Prefix+`AAAA"}}`, 400)
	h.do("PATCH", email, `[{"op":"replace","path":"/password","value":"another"}]`, 200)
	if after := h.stored("emailConfiguration"); after == before || strings.Contains(after, "another") {
		t.Errorf("a new secret: %s", after)
	}
	h.do("PUT", "/system/settings", `{"config_type":"slackBot","config_value":{"token":"`+mask+`"}}`, 400)
}

func TestSettingsRefuse(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/system/settings", smtpSetting, 200)
	const email = "/system/settings/emailConfiguration"
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"PUT", "/system/settings", `{"config_value":{}}`, 400, "config_type"},
		{"PUT", "/system/settings", `{"config_type":"a/b","config_value":{}}`, 400, "config_type"},
		{"PUT", "/system/settings", `{"config_type":"` + strings.Repeat("x", 101) + `","config_value":{}}`, 400, "config_type"},
		{"PUT", "/system/settings", `{"config_type":"nothing","config_value":{}}`, 400, "config_type must name a setting"},
		{"PUT", "/system/settings", `{"config_type":"slackBot"}`, 400, "config_value must be an object"},
		{"PUT", "/system/settings", `{"config_type":"slackBot","config_value":[]}`, 400, "config_value must be an object"},
		{"PUT", "/system/settings", `{"config_type":"x","config_value":{},"more":1}`, 400, `Unrecognized field "more"`},
		{"PUT", "/system/settings", `{"config_type":"x","config_type":"y","config_value":{}}`, 400, "twice"},
		{"PUT", "/system/settings", `{"config_type":7,"config_value":{}}`, 400, "/config_type has a value of the wrong kind"},
		{"PUT", "/system/settings", `{"config_type":`, 400, "not valid JSON"},
		{"PUT", "/system/settings", `[]`, 400, "not of the form"},
		{"PATCH", "/system/settings/nothing", `[]`, 404, "nothing"},
		{"PATCH", email, `{}`, 400, ""},
		{"PATCH", email, `[{"op":"remove","path":"/absent"}]`, 400, ""},
		{"PATCH", email, `[{"op":"replace","path":"","value":[1]}]`, 400, "replaces the whole document"},
		{"GET", "/system/settings/nothing", "", 404, "nothing"},
	} {
		var body any
		if test.body != "" {
			body = test.body
		}
		got := h.as(h.admin, test.method, test.path, body)
		if got.status != test.status || !strings.Contains(got.at("message"), test.says) {
			t.Errorf("%s %s with %.60s answers %d %q, want %d and %q", test.method, test.path, test.body, got.status, got.at("message"), test.status, test.says)
		}
	}
	h.do("GET", email, nil, 200).shows("config_value.userName", "mail")
	h.do("GET", "/system/settings", nil, 200).shows("paging.total", "1")
}

func TestSettingsAreForAdministratorsAndBots(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/system/settings", smtpSetting, 200)
	for _, who := range []caller{h.nobody, h.bot()} {
		h.as(who, "GET", "/system/settings", nil).want(403).lacks("userName")
		h.as(who, "PUT", "/system/settings", smtpSetting).want(403)
		h.as(who, "PATCH", "/system/settings/emailConfiguration", `[]`).want(403)
	}
	h.as(h.nobody, "GET", "/system/settings/emailConfiguration", nil).want(403).lacks("userName")
	// Whether a setting exists is none of their business either.
	h.as(h.nobody, "GET", "/system/settings/nothing", nil).want(403)
}

func TestProfilersAlwaysFindTheirConfiguration(t *testing.T) {
	h := newHarness(t)
	const path = "/system/settings/profilerConfiguration"
	h.as(h.bot(), "GET", path, nil).want(200).shows("config_type", "profilerConfiguration", "config_value.metricConfiguration", "[]")
	h.do("PUT", "/system/settings", `{"config_type":"profilerConfiguration","config_value":{"metricConfiguration":[{"dataType":"INT","metrics":["mean"]}]}}`, 200)
	h.as(h.bot(), "GET", path, nil).want(200).shows("config_value.metricConfiguration.0.dataType", "INT")
}
