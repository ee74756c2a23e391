package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
)

// TestPipelinesBehindTheirBotsToken: whoever replaces the token of a bot reads which
// pipelines have the old one still, until each has run with the new one.
func TestPipelinesBehindTheirBotsToken(t *testing.T) {
	c := startLoud(t)
	service := c.want(http.StatusCreated, c.admin, http.MethodPut, "/services/databaseServices", `{"name":"shop","serviceType":"Mysql"}`).text("id")
	for _, name := range []string{"nightly", "hourly"} {
		c.want(http.StatusCreated, c.admin, http.MethodPut, "/services/ingestionPipelines", `{"name":"`+name+`","pipelineType":"metadata",
			"sourceConfig":{"config":{"type":"DatabaseMetadata"}},"airflowConfig":{},"service":{"id":"`+service+`","type":"databaseService"}}`)
	}
	var bot struct {
		User struct {
			ID string `json:"id"`
		} `json:"botUser"`
	}
	c.want(http.StatusOK, c.admin, http.MethodGet, "/bots/name/ingestion-bot", nil).read(t, &bot)
	r := robot{user: bot.User.ID}
	run := func(token, pipeline, id string) {
		t.Helper()
		c.want(http.StatusOK, token, http.MethodPut, "/services/ingestionPipelines/shop."+pipeline+"/pipelineStatus",
			`{"runId":"`+id+`","pipelineState":"success","startDate":1000,"timestamp":1000}`)
	}
	behind := func() string {
		t.Helper()
		var report doctor.Report
		c.want(http.StatusOK, c.admin, http.MethodGet, "/system/security/doctor?areas=bots", nil).read(t, &report)
		for _, check := range report.Checks {
			if check.Name != "ingestion-bot, pipelines" {
				continue
			}
			if check.Code != auth.CodeBotStale || check.Status != doctor.Warning || check.Remedy == "" {
				t.Errorf("%+v", check)
			}
			_, names, _ := strings.Cut(check.Detail, ": ")
			return names
		}
		return ""
	}
	first := c.token(r)
	run(first, "nightly", "1")
	run(first, "hourly", "1")
	run(c.admin, "nightly", "by hand")
	if got := behind(); got != "" {
		t.Errorf("behind before anything was replaced: %s", got)
	}
	second := c.token(r)
	if got := behind(); got != "shop.hourly, shop.nightly" {
		t.Errorf("behind after the first was replaced: %q", got)
	}
	run(second, "hourly", "2")
	if got := behind(); got != "shop.nightly" {
		t.Errorf("behind after one ran with the new token: %q", got)
	}
	c.want(http.StatusOK, c.admin, http.MethodPut, "/users/revokeToken", map[string]string{"id": r.user})
	if got := behind(); got != "shop.hourly, shop.nightly" {
		t.Errorf("behind after revoking: %q", got)
	}
	run(c.token(r), "nightly", "3")
	c.want(http.StatusOK, c.admin, http.MethodDelete, "/services/ingestionPipelines/name/shop.hourly?hardDelete=true", nil)
	if got := behind(); got != "" {
		t.Errorf("behind though it is gone: %q", got)
	}
	c.quiet()
}
