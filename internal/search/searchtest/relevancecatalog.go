package searchtest

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// judged is a query with what it should find: 3 for what was meant, less for what
// helps.
type judged struct {
	kind, text string
	grades     map[entity.ID]int
}

// shop is a catalog as a company has one: sources, staging, marts and reports of
// some business areas, dashboards, terms, and a lot of tables left over.
type shop struct {
	docs    []search.Document
	queries []judged
	byFQN   map[string]entity.ID
}

// asset is what the shop has one of.
type asset struct {
	typ, path, name      string // path is what stands before the name in the full one
	display, description string
	columns              []string
	tier, certified      string
	usage, votes         int
	columnsDescribed     string
}

func (s *shop) add(a asset) entity.ID {
	id := ID(len(s.docs) + 1)
	fqn := a.path + "." + a.name
	if a.path == "" {
		fqn = a.name
	}
	source := map[string]any{
		"id": id.String(), "name": a.name, "fullyQualifiedName": fqn, "entityType": a.typ, "deleted": false, "totalVotes": a.votes,
		"usageSummary": map[string]any{"weeklyStats": map[string]any{"count": a.usage * 3, "percentileRank": float64(a.usage)}},
	}
	if a.display != "" {
		source["displayName"] = a.display
	}
	if a.description != "" {
		source["description"] = a.description
	}
	if a.tier != "" {
		source["tier"] = map[string]any{"tagFQN": "Tier." + a.tier}
		source["tags"] = []any{source["tier"]}
	}
	if a.certified != "" {
		source["certification"] = map[string]any{"tagLabel": map[string]any{"tagFQN": "Certification." + a.certified}}
	}
	if len(a.columns) > 0 {
		columns := make([]any, len(a.columns))
		for i, name := range a.columns {
			columns[i] = map[string]any{"name": name, "fullyQualifiedName": fqn + "." + name, "dataType": "VARCHAR", "description": a.columnsDescribed}
		}
		source["columns"], source["columnNames"] = columns, a.columns
	}
	raw, err := json.Marshal(source, json.Deterministic(true))
	if err != nil {
		panic(err) // maps of plain values always have a JSON form
	}
	index, _ := search.NewCatalog([]string{"table", "dashboard", "topic", "glossaryTerm", "metric"}).IndexOf(a.typ)
	s.docs = append(s.docs, search.Document{ID: id, Index: index, Source: raw})
	s.byFQN[fqn] = id
	return id
}

func (s *shop) ask(kind, text string, grades map[entity.ID]int) {
	s.queries = append(s.queries, judged{kind: kind, text: text, grades: grades})
}

// areas are business areas with the things they keep.
func areas() [][]string {
	return [][]string{
		{"sales", "customer", "order", "refund", "invoice", "quote"},
		{"marketing", "campaign", "lead", "click", "impression", "newsletter"},
		{"finance", "payment", "ledger", "budget", "expense", "tax"},
		{"people", "employee", "salary", "vacancy", "training"},
		{"logistics", "shipment", "warehouse", "carrier", "parcel", "route"},
		{"product", "product", "feature", "release", "feedback"},
		{"support", "ticket", "chat", "complaint"},
		{"web", "session", "visit", "page", "cart"},
	}
}

func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "y"):
		return noun[:len(noun)-1] + "ies"
	case strings.HasSuffix(noun, "x"):
		return noun + "es"
	}
	return noun + "s"
}

// newShop makes the catalog and its queries, always the same.
func newShop() *shop {
	s := &shop{byFQN: map[string]entity.ID{}}
	s.core()
	s.twins()
	s.reports()
	s.displayed()
	s.keptColumns()
	s.described()
	s.foreign()
	s.leftovers()
	return s
}

// core is each thing at its source, in staging and in the mart.
func (s *shop) core() {
	for _, area := range areas() {
		for i, noun := range area[1:] {
			many := plural(noun)
			columns := []string{noun + "_id", "created_at", "updated_at", "status", noun + "_name"}
			source := s.add(asset{typ: "table", path: "pg_prod.app." + area[0], name: many, columns: columns, description: "Rows of the application.", usage: 40, tier: "Tier3"})
			staged := s.add(asset{typ: "table", path: "snow.analytics.staging", name: "stg_" + many, columns: columns, description: "Cleaned copy of " + many + ".", usage: 20})
			mart := s.add(asset{typ: "table", path: "snow.analytics.mart_" + area[0], name: "dim_" + noun, columns: columns, description: "One row for each " + noun + ".", tier: "Tier1", certified: "Gold", usage: 90, votes: 7})
			s.add(asset{typ: "topic", path: "kafka", name: area[0] + "." + noun + ".changed", description: "Events about " + many + "."})
			s.ask("exact name", many, map[entity.ID]int{source: 3, mart: 2, staged: 1})
			if i == 0 {
				s.ask("full name", "pg_prod.app."+area[0]+"."+many, map[entity.ID]int{source: 3})
				s.ask("full name", area[0]+"."+many, map[entity.ID]int{source: 3})
			}
			if i < 2 {
				s.ask("spelling", "dim "+noun, map[entity.ID]int{mart: 3})
				s.ask("spelling", "Dim"+strings.ToUpper(noun[:1])+noun[1:], map[entity.ID]int{mart: 3})
			}
			if i == 2 {
				s.ask("plural", "dim "+many, map[entity.ID]int{mart: 3})
			}
		}
	}
}

// twins have the same name in several places: the one that people use is meant.
func (s *shop) twins() {
	for i, name := range []string{
		"calendar", "country_codes", "currency_rates", "exchange_calendar", "postal_areas", "brands", "stores", "suppliers", "subscriptions",
		"devices", "audit_trail", "price_list", "holidays", "regions", "vendor_master",
	} {
		sandbox := s.add(asset{typ: "table", path: "snow.sandbox.tmp", name: name, columns: []string{"id", "value"}})
		archive := s.add(asset{typ: "table", path: "snow.archive.y2019", name: name, columns: []string{"id", "value"}, usage: 3, tier: "Tier4"})
		good := asset{typ: "table", path: "snow.analytics.reference", name: name, columns: []string{"id", "value"}}
		switch i % 4 { // one reason at a time
		case 0:
			good.tier = "Tier1"
		case 1:
			good.usage = 95
		case 2:
			good.certified = "Gold"
		case 3:
			good.votes, good.usage = 30, 10
		}
		s.ask("standing", name, map[entity.ID]int{s.add(good): 3, archive: 2, sandbox: 1})
	}
}

// reports have telling names of several words.
func (s *shop) reports() {
	for i, name := range []string{
		"customer_daily_summary", "customer_churn_prediction", "order_refund_rate", "invoice_aging_report", "campaign_attribution_model",
		"lead_scoring_features", "newsletter_open_rate", "payment_failure_reasons", "ledger_monthly_closing", "budget_variance_analysis",
		"employee_turnover_yearly", "salary_bands_benchmark", "shipment_delay_forecast", "warehouse_stock_levels", "carrier_performance_weekly",
		"product_affinity_matrix", "feature_adoption_funnel", "ticket_resolution_time", "complaint_root_causes", "session_conversion_funnel",
		"visit_bounce_statistics", "cart_abandonment_hourly", "parcel_tracking_history", "route_optimization_inputs", "expense_approval_backlog",
	} {
		id := s.add(asset{typ: "table", path: "snow.analytics.reports", name: name, columns: []string{"day", "measure", "share"}, description: "Report for the weekly meeting.", usage: 30 + i})
		words := strings.Split(name, "_")
		only := map[entity.ID]int{id: 3}
		s.ask("prefix", name[:len(words[0])+4], only)
		var camel strings.Builder
		for _, word := range words {
			camel.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		spelled := []string{camel.String(), strings.Join(words, " "), strings.Join(words, "."), strings.ToUpper(name), strings.Join(words[1:], " ")}
		s.ask("spelling", spelled[i%len(spelled)], only)
		s.ask("typing error", misspell(words, i), only)
	}
}

// misspell makes one error in the longest word.
func misspell(words []string, n int) string {
	words = append([]string{}, words...)
	longest := 0
	for i, word := range words {
		if len(word) > len(words[longest]) {
			longest = i
		}
	}
	w := words[longest]
	at := 2 + n%(len(w)-3)
	switch n % 4 {
	case 0: // swapped
		w = w[:at] + w[at+1:at+2] + w[at:at+1] + w[at+2:]
	case 1: // left out
		w = w[:at] + w[at+1:]
	case 2: // doubled
		w = w[:at] + w[at:at+1] + w[at:]
	default: // another letter
		w = w[:at] + "x" + w[at+1:]
	}
	words[longest] = w
	return strings.Join(words, " ")
}

// displayed have names that say nothing and display names that do.
func (s *shop) displayed() {
	for i, title := range []string{
		"Net Promoter Score by Region", "Executive Revenue Overview", "Gross Margin Explorer", "Hiring Pipeline Health", "Fleet Utilisation",
		"Search Quality Board", "Fraud Alerts Monitor", "Store Traffic Heatmap", "Energy Consumption Tracker", "Supplier Risk Radar",
		"Cohort Retention Curves", "Checkout Latency Watch", "Returns and Exchanges", "Cash Flow Outlook", "Brand Awareness Survey",
		"Pricing Experiments Log", "Safety Incidents Register", "Loyalty Programme Insights", "Data Freshness Status", "Forecast Accuracy Review",
	} {
		id := s.add(asset{typ: "dashboard", path: "looker", name: fmt.Sprintf("d%04d", 100+i), display: title, usage: 50})
		text := title
		if i%2 == 1 { // without the last word
			text = strings.ToLower(title[:strings.LastIndexByte(title, ' ')])
		}
		s.ask("display name", text, map[entity.ID]int{id: 3})
	}
}

// keptColumns are found by columns that few tables have.
func (s *shop) keptColumns() {
	for i, column := range []string{
		"loyalty_points_balance", "iban", "vat_number", "utm_medium", "gps_latitude", "blood_type", "passport_number", "sha256_digest",
		"churn_probability", "carbon_footprint_kg", "swift_code", "consent_given_at",
	} {
		one := s.add(asset{typ: "table", path: "pg_prod.app.misc", name: fmt.Sprintf("t_%03d_main", i), columns: []string{"id", column, "note"}})
		two := s.add(asset{typ: "table", path: "pg_prod.app.misc", name: fmt.Sprintf("t_%03d_copy", i), columns: []string{"id", "note", column}})
		text := column
		if i%3 == 1 {
			text = strings.ReplaceAll(column, "_", " ")
		}
		s.ask("column", text, map[entity.ID]int{one: 3, two: 3})
	}
}

// described are found by what their descriptions say.
func (s *shop) described() {
	for i, text := range []string{
		"Reconciles acquirer settlements with bank statements", "Anonymised heart rate samples of the wellness pilot",
		"Hourly wind speed at the turbines", "Tracks embargoed countries for export control", "Deduplicated household graph",
		"Sampled packet captures of the edge routers", "Kilometres driven by leased vans", "Curated golden records of hospitals",
		"Translations of onboarding emails", "Backfilled exchange quotations from the central bank", "Snapshots of the recommendation candidates",
		"Weights of the pallet scales", "Decisions of the credit committee", "Transcripts of the voice assistant", "Permissions requested by mobile builds",
	} {
		id := s.add(asset{typ: "table", path: "lake.zone.curated", name: fmt.Sprintf("ds_%03d", i), columns: []string{"k", "v"}, description: text + ", for those who need it."})
		words := strings.Fields(text)
		s.ask("description", strings.ToLower(strings.Join(words[len(words)-2:], " ")), map[entity.ID]int{id: 3})
	}
}

// foreign are names beyond English.
func (s *shop) foreign() {
	for text, name := range map[string]string{
		"munchen umsatz": "München_Umsatz", "cafe ventes": "café_ventes", "strasse": "Straße", "Lodz": "Łódź", "smorrebrod": "smørrebrød", "señales": "SENALES",
	} {
		s.ask("diacritics", text, map[entity.ID]int{s.add(asset{typ: "table", path: "lake.zone.world", name: name, columns: []string{"k"}}): 3})
	}
	for text, name := range map[string]string{
		"客户订单": "客户订单明细", "在庫": "在庫一覧", "売上": "日次売上", "고객": "고객_정보", "注文履歴": "注文履歴", "库存": "仓库库存表",
	} {
		s.ask("chinese, japanese, korean", text, map[entity.ID]int{s.add(asset{typ: "table", path: "lake.zone.world", name: name, columns: []string{"k"}}): 3})
	}
}

// leftovers are what accumulates: copies and experiments that mention everything.
func (s *shop) leftovers() {
	var nouns []string
	for _, area := range areas() {
		nouns = append(nouns, area[1:]...)
	}
	for i := range 1500 {
		a, b := nouns[i%len(nouns)], nouns[(i*7+i/len(nouns)+3)%len(nouns)]
		name := []string{"tmp_%s_%s_%d", "%s_%s_backup_%d", "x_%s_by_%s_%d", "%s_of_%s_v%d"}[i%4]
		s.add(asset{
			typ: "table", path: fmt.Sprintf("snow.sandbox.u%d", i%17), name: fmt.Sprintf(name, a, b, i), columns: []string{"id", a + "_id", b + "_id", "day", "report"},
			description: fmt.Sprintf("Experiment with %s and %s, rate and summary of the report.", plural(a), plural(b)), usage: i % 15,
		})
	}
}
