package api

import (
	"strings"
	"testing"
)

const smtpSetting = `{"config_type":"emailConfiguration","config_value":{"userName":"mail","password":"s3cr3t-mail","nested":[{"clientSecret":"s3cr3t-client","port":25}],"privateKey":""}}`

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
			"config_value.password", mask, "config_value.nested.0.clientSecret", mask, "config_value.nested.0.port", "25", "config_value.privateKey", "")
	}
	h.do("GET", "/system/settings", nil, 200).lacks("s3cr3t").shows("data.0.config_value.password", mask, "paging.total", "1")
	// The change of one member kept the secret of another.
	rec, err := (&call{API: h.api, r: requestOf(t)}).readSetting("emailConfiguration")
	check(t, err)
	if !strings.Contains(string(rec.Value), `"s3cr3t-mail"`) || !strings.Contains(string(rec.Value), `"s3cr3t-client"`) {
		t.Errorf("a patch lost a secret: %s", rec.Value)
	}
}

func TestMaskedSecretsAreNotStored(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/system/settings", smtpSetting, 200)
	shown := h.do("GET", "/system/settings/emailConfiguration", nil, 200)
	refused := h.do("PUT", "/system/settings", string(shown.body), 400)
	if !strings.Contains(refused.at("message"), "masked secret") {
		t.Errorf("the refusal says %q", refused.at("message"))
	}
	h.do("PATCH", "/system/settings/emailConfiguration", `[{"op":"replace","path":"/password","value":"`+mask+`"}]`, 400)
	h.do("PATCH", "/system/settings/emailConfiguration", `[{"op":"test","path":"/password","value":"s3cr3t-mail"}]`, 200)
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
		{"PUT", "/system/settings", `{"config_type":"x"}`, 400, "config_value must be an object"},
		{"PUT", "/system/settings", `{"config_type":"x","config_value":[]}`, 400, "config_value must be an object"},
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
