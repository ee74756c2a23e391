package alert

import (
	"bytes"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Bounds of what a subscription may say.
const (
	maxDestinations = 25
	maxReceivers    = 100
	maxHeaders      = 30
	maxHeaderBytes  = 8192
	maxSeconds      = 60
	maxChoices      = 50
)

// Check refuses a subscription that could not be worked on. What did not change since
// old is not looked at again; old is nil for a new one.
func Check(old, ent *entity.Entity) error {
	changed := func(name string) bool { return old == nil || !bytes.Equal(old.Rest[name], ent.Rest[name]) }
	d, err := read(ent)
	if err != nil {
		return err
	}
	if changed("filteringRules") || changed("input") {
		if err := d.checkFiltering(); err != nil {
			return err
		}
	}
	if changed("trigger") && d.Trigger != nil {
		if err := d.Trigger.check(); err != nil {
			return err
		}
	}
	for _, number := range []struct {
		name      string
		value     *int
		low, high int
	}{{"batchSize", d.BatchSize, 1, maxBatch}, {"retries", d.Retries, 0, maxRetries}} {
		if n := number.value; n != nil && changed(number.name) && (*n < number.low || *n > number.high) {
			return entity.BadRequest("%s must be between %d and %d", number.name, number.low, number.high)
		}
	}
	if !changed("destinations") {
		return nil
	}
	return CheckDestinations(d.Destinations)
}

func (d *document) checkFiltering() error {
	if d.Input != nil {
		all := rules()
		choices := append(append([]Choice(nil), d.Input.Filters...), d.Input.Actions...)
		if len(choices) > maxChoices {
			return entity.BadRequest("input has more than %d filters and actions", maxChoices)
		}
		for _, choice := range choices {
			if _, ok := all[choice.Name]; !ok {
				return entity.BadRequest("%q is no filter or action of alerts; GET /v1/events/subscriptions/{alertType}/resources lists them", entity.Shorten(choice.Name, 60))
			}
		}
	}
	if d.Filtering == nil {
		return nil
	}
	if len(d.Filtering.Rules)+len(d.Filtering.Actions) > maxChoices {
		return entity.BadRequest("filteringRules has more than %d rules and actions", maxChoices)
	}
	for _, rule := range append(append([]Rule(nil), d.Filtering.Rules...), d.Filtering.Actions...) {
		if rule.Condition == "" {
			continue
		}
		if _, err := rule.parsed(); err != nil {
			return err
		}
	}
	return nil
}

// CheckDestinations refuses destinations that nothing could be sent to.
func CheckDestinations(list []Destination) error {
	if len(list) > maxDestinations {
		return entity.BadRequest("an alert has at most %d destinations", maxDestinations)
	}
	seen := map[entity.ID]bool{}
	for i := range list {
		d := &list[i]
		if d.ID != entity.NilID && seen[d.ID] {
			return entity.BadRequest("two destinations have the id %s", d.ID)
		}
		seen[d.ID] = true
		if err := d.check(); err != nil {
			return entity.BadRequest("destinations[%d]: %s", i, err)
		}
	}
	return nil
}

func (d *Destination) check() error {
	for name, seconds := range map[string]*int{"timeout": d.Timeout, "readTimeout": d.ReadTimeout} {
		if seconds != nil && (*seconds < 1 || *seconds > maxSeconds) {
			return entity.BadRequest("%s must be between 1 and %d seconds", name, maxSeconds)
		}
	}
	if len(d.Config.Receivers) > maxReceivers {
		return entity.BadRequest("at most %d receivers", maxReceivers)
	}
	switch {
	case !d.Sends():
		return nil
	case d.Category == External && d.Type == Email:
		return d.checkReceivers()
	case d.Category == External:
		return d.checkEndpoint()
	case d.Type != Email:
		return entity.BadRequest("%s are told by %s only at an address of the destination's own: choose the category %s, or the type %s", strings.ToLower(d.Category), d.Type, External, Email)
	case !slices.Contains([]string{Users, Teams, Admins, Owners, Followers, Mentions, Assignees}, d.Category):
		return entity.BadRequest("%q is no category of destinations", entity.Shorten(d.Category, 40))
	case (d.Category == Users || d.Category == Teams) && len(d.Config.Receivers) == 0:
		return entity.BadRequest("config.receivers must name at least one of the %s", strings.ToLower(d.Category))
	}
	return nil
}

func (d *Destination) checkReceivers() error {
	to := d.Config
	if len(to.Receivers) == 0 && !to.SendToAdmins && !to.SendToOwners && !to.SendToFollowers {
		return entity.BadRequest("config.receivers must hold at least one email address")
	}
	for _, receiver := range to.Receivers {
		if address, err := netmail.ParseAddress(receiver); err != nil || address.Address != receiver {
			return entity.BadRequest("%q is not an email address", entity.Shorten(receiver, 100))
		}
	}
	return nil
}

func (d *Destination) checkEndpoint() error {
	u, err := url.Parse(d.Config.Endpoint)
	switch {
	case d.Config.Endpoint == "":
		return entity.BadRequest("config.endpoint is missing: the address to send to")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return entity.BadRequest("config.endpoint must be an absolute https address")
	case u.User != nil:
		return entity.BadRequest("config.endpoint holds credentials: put them into config.headers")
	case u.Fragment != "":
		return entity.BadRequest("config.endpoint has a fragment, which is never sent")
	}
	if len(d.Config.Headers) > maxHeaders || len(d.Config.QueryParams) > maxHeaders {
		return entity.BadRequest("at most %d headers and query parameters", maxHeaders)
	}
	for name, value := range d.Config.Headers {
		if err := checkHeader(name, value); err != nil {
			return err
		}
	}
	for name, value := range d.Config.QueryParams {
		if _, err := Text(value); err != nil {
			return entity.BadRequest("the query parameter %s must be a text, a number, true or false", entity.Shorten(name, 60))
		}
	}
	return nil
}

// Text is a scalar as it is sent.
func Text(raw jsontext.Value) (string, error) {
	switch raw.Kind() {
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case 't', 'f', '0':
		return string(raw), nil
	}
	return "", entity.BadRequest("not a text")
}

// reserved are headers that frame a request, or say who sends it.
func reserved(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
		"x-om-signature":
		return true
	}
	return strings.HasPrefix(strings.ToLower(name), "proxy-")
}

func checkHeader(name string, value jsontext.Value) error {
	text, err := Text(value)
	switch {
	case err != nil:
		return entity.BadRequest("the header %s must be a text, a number, true or false", entity.Shorten(name, 60))
	case name == "" || strings.ContainsFunc(name, notInToken):
		return entity.BadRequest("%q is no name of a header", entity.Shorten(name, 60))
	case reserved(name):
		return entity.BadRequest("the header %s is set by the server itself", name)
	case len(text) > maxHeaderBytes || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return entity.BadRequest("the header %s must be one line of at most %d bytes", entity.Shorten(name, 60), maxHeaderBytes)
	}
	return nil
}

func notInToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
