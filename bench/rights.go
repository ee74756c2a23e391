package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// What rights may cost.
const (
	maxDecision = 5 * time.Microsecond  // with warm facts
	maxFilter   = 1.2                   // searches with a filter, as a multiple of those without
	maxExplain  = 20 * time.Millisecond // p99 of asking why

	ruledTables = 20_000
	rounds      = 40
	perRound    = 25
)

// measureRights compares somebody who sees everything with people who see what a
// condition leaves, on the same catalog, in turns.
func measureRights(ctx context.Context, s settings, dir string) error {
	o := &signOn{s: s}
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
			ratio := with.Seconds() / without.Seconds()
			o.goal(ask.what+", "+who.name, ratio <= maxFilter, "%.2f times the cost without a filter (%v against %v), goal %.1f", ratio, with, without, maxFilter)
		}
		with, without, err := o.inTurns(ctx, "/api/v1/tables?limit=50&databaseSchema=bench.shop.public", token, everything)
		if err != nil {
			return err
		}
		fmt.Printf("list of 50, %s: %v against %v without a filter\n", who.name, with, without)
	}
	if err := o.explain(ctx); err != nil {
		return err
	}
	return o.verdict()
}

// timeDecision is the time of one decision over the rules of a usual user.
func timeDecision() time.Duration {
	rule := func(condition string) policy.Rule {
		return policy.Rule{Name: "r", Effect: policy.Allow, Operations: []policy.Operation{policy.EditTags}, Resources: []string{"table"}, Condition: condition}
	}
	subject := &policy.Subject{Name: "ann"}
	for _, condition := range []string{"isOwner()", "noOwner()", "matchAnyTag('A.B')", "hasDomain()", "inAnyTeam('t')", ""} {
		subject.Grants = append(subject.Grants, policy.Grant{Role: "r", Policies: []policy.Policy{{Name: "p", Enabled: true, Rules: []policy.Rule{rule(condition)}}}})
	}
	subject.Compile()
	resource := &policy.Resource{Type: "table", FQN: "a.b.c.d"}
	const times = 1_000_000
	begun := time.Now()
	for range times {
		if !policy.Decide(subject, resource, policy.EditTags).Allowed {
			return time.Hour // it measures the wrong thing
		}
	}
	return time.Since(begun) / times
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

// inTurns asks the same of the server as one person and as another, in turns so
// that both meet the same machine, and returns the mean time of each.
func (o *signOn) inTurns(ctx context.Context, path, a, b string) (first, second time.Duration, err error) {
	for round := range rounds {
		for _, who := range []struct {
			token string
			sum   *time.Duration
		}{{a, &first}, {b, &second}} {
			begun := time.Now()
			for range perRound {
				if _, err := o.admin.as(ctx, who.token, http.MethodGet, path); err != nil {
					return 0, 0, err
				}
			}
			if round > 0 { // the first one warms up
				*who.sum += time.Since(begun)
			}
		}
	}
	const times = (rounds - 1) * perRound
	return first / times, second / times, nil
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
