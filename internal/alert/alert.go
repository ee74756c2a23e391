package alert

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds of destinations that something is sent to. Others are written by the
// server itself, or not at all.
const (
	Webhook = "Webhook"
	Slack   = "Slack"
	MsTeams = "MsTeams"
	GChat   = "GChat"
	Email   = "Email"
)

// The categories of destinations: who is told.
const (
	External  = "External" // the address of the destination
	Users     = "Users"    // the users that its receivers name
	Teams     = "Teams"    // the teams that its receivers name
	Admins    = "Admins"
	Owners    = "Owners"
	Followers = "Followers"
	Mentions  = "Mentions"  // whom the newest words of a thread mention
	Assignees = "Assignees" // whom a task asks
)

// Alert is an event subscription as it is worked on.
type Alert struct {
	ID           entity.ID
	Name         string
	DisplayName  string
	UpdatedBy    string
	Type         string
	Enabled      bool
	BatchSize    int
	Retries      int
	Trigger      Trigger
	Filtering    *Filtering
	Destinations []Destination
	Template     entity.ID // NilID for none
}

// Trigger says when an alert tells: at once, or at times.
type Trigger struct {
	Kind     string `json:"triggerType"`
	Schedule string `json:"scheduleInfo"`
	Cron     string `json:"cronExpression"`
}

// Filtering is which events an alert asks for.
type Filtering struct {
	Resources []string `json:"resources"`
	Rules     []Rule   `json:"rules"`
	Actions   []Rule   `json:"actions"`
}

// Destination is who is told, and how.
type Destination struct {
	ID       entity.ID `json:"id,omitzero"`
	Category string    `json:"category"`
	Type     string    `json:"type"`
	// Seconds to wait for a connection, and for an answer.
	Timeout     *int   `json:"timeout,omitzero"`
	ReadTimeout *int   `json:"readTimeout,omitzero"`
	Enabled     *bool  `json:"enabled,omitzero"`
	Config      Config `json:"config,omitzero"`
}

// Config is the configuration of a destination of any kind.
type Config struct {
	Receivers       []string                  `json:"receivers,omitzero"`
	Endpoint        string                    `json:"endpoint,omitzero"`
	SecretKey       string                    `json:"secretKey,omitzero"`
	Headers         map[string]jsontext.Value `json:"headers,omitzero"`
	QueryParams     map[string]jsontext.Value `json:"queryParams,omitzero"`
	Method          string                    `json:"httpMethod,omitzero"`
	SendToAdmins    bool                      `json:"sendToAdmins,omitzero"`
	SendToOwners    bool                      `json:"sendToOwners,omitzero"`
	SendToFollowers bool                      `json:"sendToFollowers,omitzero"`
}

// On tells whether the destination is switched on.
func (d *Destination) On() bool { return d.Enabled == nil || *d.Enabled }

// Sends tells whether something is sent to destinations of this kind.
func (d *Destination) Sends() bool {
	return slices.Contains([]string{Webhook, Slack, MsTeams, GChat, Email}, d.Type)
}

// Bounds and defaults of an alert.
const (
	maxBatch       = 1000
	defaultBatch   = 100
	maxRetries     = 20
	defaultRetries = 3
)

// document is the part of an event subscription that is read here.
type document struct {
	AlertType    string        `json:"alertType"`
	Enabled      *bool         `json:"enabled"`
	BatchSize    *int          `json:"batchSize"`
	Retries      *int          `json:"retries"`
	Trigger      *Trigger      `json:"trigger"`
	Filtering    *Filtering    `json:"filteringRules"`
	Destinations []Destination `json:"destinations"`
	Template     *entity.Ref   `json:"notificationTemplate"`
	Input        *struct {
		Filters []Choice `json:"filters"`
		Actions []Choice `json:"actions"`
	} `json:"input"`
}

func read(ent *entity.Entity) (document, error) {
	var d document
	raw, err := json.Marshal(ent.Rest)
	if err == nil {
		err = json.Unmarshal(raw, &d)
	}
	if err != nil {
		return d, entity.BadRequest("the event subscription cannot be read")
	}
	return d, nil
}

// FromEntity reads an event subscription.
func FromEntity(ent *entity.Entity) (*Alert, error) {
	d, err := read(ent)
	if err != nil {
		return nil, err
	}
	a := &Alert{
		ID: ent.ID, Name: ent.Name, DisplayName: ent.DisplayName, UpdatedBy: ent.UpdatedBy, Type: d.AlertType, Enabled: d.Enabled == nil || *d.Enabled,
		BatchSize: defaultBatch, Retries: defaultRetries, Filtering: d.Filtering, Destinations: d.Destinations,
	}
	if d.BatchSize != nil {
		a.BatchSize = min(max(*d.BatchSize, 1), maxBatch)
	}
	if d.Retries != nil {
		a.Retries = min(max(*d.Retries, 0), maxRetries)
	}
	if d.Trigger != nil {
		a.Trigger = *d.Trigger
	}
	if d.Template != nil {
		a.Template = d.Template.ID
	}
	return a, nil
}

// Destination returns the destination with the id.
func (a *Alert) Destination(id entity.ID) (*Destination, error) {
	for i := range a.Destinations {
		if a.Destinations[i].ID == id {
			return &a.Destinations[i], nil
		}
	}
	return nil, entity.NotFound("destination", id.String())
}

// Prepare completes a new state: the rules follow from what the request watches and
// from its input, and each destination has an id. It is a hook of the registry.
func Prepare(ent, _ *entity.Entity) error {
	if err := prepareFiltering(ent); err != nil {
		return err
	}
	return prepareDestinations(ent)
}

// member reads a member; absent and null leave v alone.
func member(ent *entity.Entity, name string, v any) error {
	raw := ent.Rest[name]
	if raw == nil || raw.Kind() == 'n' {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return entity.BadRequest("%s cannot be read", name)
	}
	return nil
}

func setMember(ent *entity.Entity, name string, v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	ent.Rest[name] = raw
	return nil
}

func prepareFiltering(ent *entity.Entity) error {
	d, err := read(ent)
	if err != nil {
		return err
	}
	var resources []string
	if err := member(ent, "resources", &resources); err != nil {
		return err
	}
	delete(ent.Rest, "resources")
	filtering := d.Filtering
	if filtering == nil {
		filtering = &Filtering{}
	}
	if len(resources) > 0 {
		filtering.Resources = resources
	}
	if d.Input != nil {
		filtering.Rules, filtering.Actions = build(d.Input.Filters, prefixAnd), build(d.Input.Actions, prefixOr)
	}
	if d.Filtering == nil && len(filtering.Resources) == 0 && d.Input == nil || d.Filtering != nil && d.Input == nil && len(resources) == 0 {
		return nil
	}
	if filtering.Resources == nil {
		filtering.Resources = []string{All}
	}
	return setMember(ent, "filteringRules", filtering)
}

// prepareDestinations gives an id to destinations without one, the same for the same
// place, so that a request that is sent again changes nothing. The state of a
// destination is the server's to say and is not kept here.
func prepareDestinations(ent *entity.Entity) error {
	var list []map[string]jsontext.Value
	if err := member(ent, "destinations", &list); err != nil || len(list) == 0 {
		return err
	}
	changed := false
	for i, d := range list {
		if d["statusDetails"] != nil {
			delete(d, "statusDetails")
			changed = true
		}
		if id := d["id"]; id == nil || id.Kind() == 'n' {
			place := ent.Name + "/" + strconv.Itoa(i) + "/" + string(d["type"]) + string(d["category"])
			d["id"] = jsontext.Value(strconv.Quote(uuid.NewSHA1(uuid.NameSpaceOID, []byte("catalpa/destination/"+place)).String()))
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return setMember(ent, "destinations", list)
}
