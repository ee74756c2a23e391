package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// What rights may cost.
const (
	maxDecision = 5 * time.Microsecond  // with warm facts
	maxFilter   = 1.2                   // searches with a filter, as a multiple of those without
	maxExplain  = 20 * time.Millisecond // p99 of asking why

	ruledTables = 20_000
	rounds      = 21 // of which the first warms up
	perRound    = 50
)

// measureRights compares somebody who sees everything with people who see what a
// condition leaves, on the same catalog, in turns.
func measureRights(ctx context.Context, s settings, dir string) error {
	o := &signOn{s: s}
	printShare()
	decision := timeDecision()
	o.goal("decision", decision <= maxDecision, "%v, goal %v", decision, maxDecision)
	var err error
	if o.server, err = o.begin(ctx, filepath.Join(dir, "data")); err != nil {
		return err
	}
	defer func() { o.server.stop() }()
	t, err := o.signIn(ctx, "192.0.2.1")
	if err != nil {
		return err
	}
	o.admin = newClient(o.server.url, t.Access)
	if err := o.fillRuled(ctx); err != nil {
		return fmt.Errorf("filling the catalog: %w", err)
	}
	everything, err := o.person(ctx, "everything", "")
	if err != nil {
		return err
	}
	for _, who := range []struct{ name, rule string }{
		{"notSensitive", `{"name":"r","effect":"deny","resources":["table"],"operations":["ViewBasic","ViewAll"],"condition":"matchAnyTag('PII.Sensitive')"}`},
		{"ownDomain", `{"name":"r","effect":"deny","resources":["All"],"operations":["All"],"condition":"!hasDomain()"}`},
	} {
		token, err := o.person(ctx, who.name, who.rule)
		if err != nil {
			return err
		}
		for _, ask := range []struct{ what, path string }{
			{"search", "/api/v1/search/query?q=ledger&index=table_search_index&from=0&size=10"},
			{"search and count", "/api/v1/search/query?q=customer&index=all&from=0&size=10"},
		} {
			with, without, err := o.inTurns(ctx, ask.path, token, everything)
			if err != nil {
				return err
			}
			ratio := with.cpu.Seconds() / without.cpu.Seconds()
			o.goal(ask.what+", "+who.name, ratio <= maxFilter, "%.2f times the CPU without a filter (%v against %v), goal %.1f; %.2f times the time (%v against %v)",
				ratio, with.cpu, without.cpu, maxFilter, with.wall.Seconds()/without.wall.Seconds(), with.wall, without.wall)
		}
		with, without, err := o.inTurns(ctx, "/api/v1/tables?limit=50&databaseSchema=bench.shop.public", token, everything)
		if err != nil {
			return err
		}
		fmt.Printf("list of 50, %s: %v of CPU against %v without a filter\n", who.name, with.cpu, without.cpu)
	}
	if err := o.explain(ctx); err != nil {
		return err
	}
	return o.verdict()
}

// timeDecision is the CPU of one decision as they come: 37 rules through a role, most
// with conditions, the last of which allows; a table with owners, tags and a domain.
func timeDecision() time.Duration {
	rule := func(effect policy.Effect, operation policy.Operation, resource, condition string) policy.Rule {
		return policy.Rule{Name: "r", Effect: effect, Operations: []policy.Operation{operation}, Resources: []string{resource}, Condition: condition}
	}
	ref := func(typ, name string) entity.Ref { return entity.Ref{ID: entity.NewID(), Type: typ, Name: name} }
	ann := ref("user", "ann")
	subject := &policy.Subject{ID: ann.ID, Name: ann.Name, Domains: []entity.Ref{ref("domain", "Sales")}}
	var policies []policy.Policy
	for n := range 12 {
		policies = append(policies, policy.Policy{Name: fmt.Sprint("p", n), Enabled: true, Rules: []policy.Rule{
			rule(policy.Deny, policy.EditAll, "all", fmt.Sprintf("matchAnyTag('PII.T%d') && !isOwner()", n)),
			rule(policy.Allow, policy.EditTags, "topic", ""),
			rule(policy.Allow, policy.EditTags, "all", fmt.Sprintf("inAnyTeam('t%d') || hasAnyRole('r%d')", n, n)),
		}})
	}
	policies = append(policies, policy.Policy{Name: "own", Enabled: true, Rules: []policy.Rule{rule(policy.Allow, policy.All, "all", "isOwner()")}})
	subject.Grants = []policy.Grant{{Role: "r", Policies: policies}}
	subject.Compile()
	resource := &policy.Resource{
		Type: "table", FQN: "a.b.c.d", Owners: []entity.Ref{ref("user", "bob"), ann}, Domains: []entity.Ref{ref("domain", "Finance")},
		Tags: []entity.TagLabel{{TagFQN: "Tier.Tier1"}, {TagFQN: "PII.None"}},
	}
	const times = 1_000_000
	self := &process{}
	begun := self.cpu()
	for range times {
		if !policy.Decide(subject, resource, policy.EditTags).Allowed {
			return time.Hour // it measures the wrong thing
		}
	}
	return (self.cpu() - begun) / times
}

// fillRuled adds tables of which every third is sensitive, and half in a domain.
func (o *signOn) fillRuled(ctx context.Context) error {
	if err := o.admin.prepare(ctx); err != nil {
		return err
	}
	for _, domain := range []string{"Sales", "Finance"} {
		if err := o.send(ctx, http.MethodPut, "/api/v1/domains", fmt.Sprintf(`{"name":%q,"domainType":"Aggregate","description":""}`, domain), nil); err != nil {
			return err
		}
	}
	const bulk = 200
	r, err := load{name: "put 200 tables", server: o.server, clients: 4, count: ruledTables / bulk, op: func(ctx context.Context, n int) error {
		rows := make([]string, bulk)
		for i := range rows {
			at := n*bulk + i
			extra := ""
			if at%3 == 0 {
				extra = `,"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
			}
			if at%2 == 0 {
				extra += fmt.Sprintf(`,"domains":[%q]`, []string{"Sales", "Finance"}[at/2%2])
			}
			rows[i] = strings.TrimSuffix(string(table(at)), "}") + extra + "}"
		}
		_, err := o.admin.do(ctx, http.MethodPut, "/api/v1/tables/bulk?async=false", jsonType, []byte("["+strings.Join(rows, ",")+"]"))
		return err
	}}.measure(ctx)
	fmt.Println(r)
	return err
}

// person adds a user with a rule of their own, in the domain Sales, and signs in.
func (o *signOn) person(ctx context.Context, name, rule string) (token string, err error) {
	const password = "Benchmark-Person-77" //nolint:gosec // of a server that ends with the run
	role := ""
	if rule != "" {
		if err := o.send(ctx, http.MethodPost, "/api/v1/policies", fmt.Sprintf(`{"name":%q,"rules":[%s]}`, name, rule), nil); err != nil {
			return "", err
		}
		var made struct {
			ID string `json:"id"`
		}
		if err := o.send(ctx, http.MethodPost, "/api/v1/roles", fmt.Sprintf(`{"name":%q,"policies":[%q]}`, name, name), &made); err != nil {
			return "", err
		}
		role = fmt.Sprintf(`,"roles":[%q]`, made.ID)
	}
	user := fmt.Sprintf(`{"name":%q,"email":"%s@example.com","isBot":false,"createPasswordType":"ADMIN_CREATE","password":%q,"confirmPassword":%q,"domains":["Sales"]%s}`,
		strings.ToLower(name), strings.ToLower(name), password, password, role)
	if err := o.send(ctx, http.MethodPost, "/api/v1/users", user, nil); err != nil {
		return "", err
	}
	answer, err := newClient(o.server.url, "").do(ctx, http.MethodPost, "/api/v1/users/login", jsonType, loginBody(strings.ToLower(name)+"@example.com", password))
	if err != nil {
		return "", err
	}
	var t tokens
	err = json.Unmarshal(answer, &t)
	return t.Access, err
}

// asking is what a request takes on average.
type asking struct{ cpu, wall time.Duration }

// inTurns asks the same of the server as one person and as another, in turns so
// that both meet the same machine, and returns what a request of each takes.
func (o *signOn) inTurns(ctx context.Context, path, a, b string) (first, second asking, err error) {
	for round := range rounds {
		for _, who := range []struct {
			token string
			sum   *asking
		}{{a, &first}, {b, &second}} {
			begun, before := time.Now(), o.server.cpu()
			for range perRound {
				if _, err := o.admin.as(ctx, who.token, http.MethodGet, path); err != nil {
					return first, second, err
				}
			}
			if round > 0 {
				who.sum.wall += time.Since(begun)
				who.sum.cpu += o.server.cpu() - before
			}
		}
	}
	const times = (rounds - 1) * perRound
	each := func(a asking) asking {
		return asking{(a.cpu / times).Round(time.Microsecond), (a.wall / times).Round(time.Microsecond)}
	}
	return each(first), each(second), nil
}

// explain asks why somebody may not see a table.
func (o *signOn) explain(ctx context.Context) error {
	path := "/api/v1/permissions/debug/evaluate?user=notsensitive&resource=table&operation=ViewAll&resourceName=bench.shop.public.t_000003"
	r, err := load{name: "explain", server: o.server, clients: 1, count: 500, op: func(ctx context.Context, _ int) error {
		_, err := o.admin.do(ctx, http.MethodGet, path, "", nil)
		return err
	}}.measure(ctx)
	if err != nil {
		return err
	}
	o.goal("explain", r.p99 <= maxExplain, "p99 %v, goal %v", r.p99, maxExplain)
	return nil
}
