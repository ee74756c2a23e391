//go:build !race

package api

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// codeConditions are expressions of languages that run code, with a file that they
// would make and a product that they would work out: 7 * 191 = 1337.
func codeConditions(file string) []string {
	list := []string{
		"T(java.lang.Runtime).getRuntime().exec('touch FILE')", "T(java.lang.Runtime)", "T(java.lang.System).exit(1)", "new java.lang.ProcessBuilder({'touch','FILE'}).start()",
		"''.getClass().forName('java.lang.Runtime')", "#this.getClass()", "#root.name", "@systemProperties['user.home']", "{T(java.lang.Math).random()}", "isOwner() or T(java.lang.Runtime)",
		"isOwner().getClass()", "isOwner() ? true : false", "isOwner() && {7*191}", "noOwner()[0]", "hasAnyRole(T(java.lang.Runtime))", "hasAnyRole(#this)", "hasAnyRole('a' + 'b')", "hasAnyRole(isOwner())",
		"%{(#rt=@java.lang.Runtime@getRuntime()).exec('touch FILE')}", "(#_memberAccess['allowStaticMethodAccess']=true)", "@java.lang.Runtime@getRuntime().exec('touch FILE')",
		"${7*191}", "#{7*191}", "${''.getClass().forName('java.lang.Runtime')}", "${jndi:ldap://127.0.0.1:9/x}", "#{T(java.lang.Runtime).getRuntime()}", "*{7*191}", "[[${7*191}]]", "%7B7*191%7D",
		"{{7*191}}", "{{.}}", `{{printf "%d" 1337}}`, `{{template "x"}}`, "{{with $x := .}}{{$x.Token}}{{end}}", "{{html .Secret}}", "{% include '/etc/passwd' %}", "<%= 7*191 %>", "<#assign x=7*191>${x}",
		"7*191 == 1337", "1 == 1", "true", "eval('7*191')", "exec(`touch FILE`)", "require('child_process').execSync('touch FILE')", "__import__('os').system('touch FILE')", "process.mainModule", "system('touch FILE')",
		"isOwner(); system('touch FILE')", "isOwner()\x00", "isOwner()\u2028", "isOwner() -- ", "isOwner() /* */", "isOwner() # x", "' or '1'='1", "isOwner() = true", "isOwner() != false", "isOwner() matches '.*'", "ｉｓOwner()",
	}
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "FILE", file)
	}
	return list
}

// conditionDoors are the calls that take a condition, each as a function from a condition.
type conditionDoor struct {
	name         string
	method, path string
	body         func(condition string) any
}

func rulesWith(condition string) []map[string]any {
	return []map[string]any{{"name": "r", "effect": "allow", "operations": []string{"ViewAll"}, "resources": []string{"all"}, "condition": condition}}
}

// conditionDoors makes a policy and an alert, and returns all calls that take conditions.
func (h *harness) conditionDoors() []conditionDoor {
	h.t.Helper()
	policy := h.do("POST", "/policies", map[string]any{"name": "Attacked", "rules": rulesWith("isOwner()")}, 201).id()
	alert := h.do("POST", "/events/subscriptions", `{"name":"attacked","alertType":"Notification","resources":["all"]}`, 201).id()
	named := func(name string) func(string) any {
		return func(c string) any { return map[string]any{"name": name, "rules": rulesWith(c)} }
	}
	patch := func(path string) func(string) any {
		return func(c string) any { return []map[string]any{{"op": "replace", "path": path, "value": c}} }
	}
	whole := func(c string) any {
		return []map[string]any{{"op": "replace", "path": "/rules", "value": rulesWith(c)}}
	}
	filter := func(c string) any {
		return []map[string]any{{"op": "add", "path": "/filteringRules", "value": map[string]any{"resources": []string{"all"}, "rules": []map[string]any{{"name": "f", "effect": "include", "condition": c}}}}}
	}
	action := func(c string) any {
		return []map[string]any{{"op": "add", "path": "/filteringRules", "value": map[string]any{"resources": []string{"all"}, "actions": []map[string]any{{"name": "f", "effect": "include", "condition": c}}}}}
	}
	return []conditionDoor{
		{name: "create a policy", method: "POST", path: "/policies", body: named("New")},
		{name: "put a new policy", method: "PUT", path: "/policies", body: named("New")},
		{name: "put a policy", method: "PUT", path: "/policies", body: named("Attacked")},
		{name: "patch a condition", method: "PATCH", path: "/policies/" + policy, body: patch("/rules/0/condition")},
		{name: "patch the rules", method: "PATCH", path: "/policies/" + policy, body: whole},
		{name: "patch by name", method: "PATCH", path: "/policies/name/Attacked", body: patch("/rules/0/condition")},
		{name: "filter of an alert", method: "PATCH", path: "/events/subscriptions/" + alert, body: filter},
		{name: "action of an alert", method: "PATCH", path: "/events/subscriptions/name/attacked", body: action},
	}
}

// try sends a condition through a door.
func (d conditionDoor) try(h *harness, who caller, condition string) answer {
	h.t.Helper()
	return h.as(who, d.method, d.path, d.body(condition))
}

const validation = "/policies/validation/condition/"

// TestT52CodeInConditionsIsNoCondition: conditions are of a closed language; what is of
// another one is refused wherever a condition goes in, and is neither run nor stored.
func TestT52CodeInConditionsIsNoCondition(t *testing.T) {
	h := newHarness(t)
	doors := h.conditionDoors()
	file := filepath.Join(t.TempDir(), "made")
	x := h.attacked()
	for _, condition := range codeConditions(file) {
		for _, door := range doors {
			got := door.try(h, h.admin, condition)
			x.refused(got, 400)
			if strings.Contains(got.at("message"), "1337") {
				t.Errorf("%s worked out %q: %s", door.name, condition, got.body)
			}
		}
		x.refused(h.as(h.admin, "GET", validation+url.PathEscape(condition), nil), 400)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a condition made the file: %v", err)
	}
	x.over()
}

// TestT53RightsAreDecidedBeforeConditionsAreRead: somebody without the right gets the
// same refusal whatever the condition is, one that cannot be read included. An
// administrator is told of those, so that reading comes after deciding.
func TestT53RightsAreDecidedBeforeConditionsAreRead(t *testing.T) {
	h := newHarness(t)
	doors := h.conditionDoors()
	blind := h.person("blind")
	h.forbid(blind, "ViewAll")
	reader, bot := h.consumer("reader"), h.bot()
	conditions := append(codeConditions("/nowhere"), "isOwner() &&", "(", strings.Repeat("(", 5000), strings.Repeat("x", 1<<20), "noOwner()")
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return strings.ContainsRune(c, 0) }) // no text may hold it, which is no matter of conditions
	x := h.attacked()
	for _, door := range doors {
		for _, who := range []caller{h.nobody, blind, reader, bot} {
			if who == bot && strings.Contains(door.path, "subscriptions") {
				continue // it may edit alerts
			}
			want := door.try(h, who, "isReviewer()").want(403).anonymous()
			for i, condition := range conditions {
				if who != h.nobody && i%6 > 0 {
					continue
				}
				if got := x.refused(door.try(h, who, condition), 403).anonymous(); got != want {
					t.Errorf("%s by %s with %.60q is answered %.300s, with a condition that can be read %s", door.name, who.name, condition, got, want)
				}
			}
		}
	}
	h.as(h.admin, "GET", validation+url.PathEscape("isReviewer()"), nil).want(204)
	want := h.as(blind, "GET", validation+url.PathEscape("isReviewer()"), nil).want(403).anonymous()
	for _, condition := range conditions {
		if len(condition) > h.api.limits.MaxURL {
			continue
		}
		if got := x.refused(h.as(blind, "GET", validation+url.PathEscape(condition), nil), 403).anonymous(); got != want {
			t.Errorf("validating %.60q is answered %.300s, one that can be read %s", condition, got, want)
		}
	}
	x.over()
}

// TestT54ConditionsHaveAMeasure: what is too long is refused before it is read, what is
// nested too deeply as soon as that shows; the work does not grow with the condition.
func TestT54ConditionsHaveAMeasure(t *testing.T) {
	h := newHarness(t)
	doors := h.conditionDoors()
	x := h.attacked()
	for _, door := range doors {
		for name, test := range map[string]struct{ condition, says string }{
			"1 MB":                    {"isOwner() || matchAnyTag('" + strings.Repeat("x", 1<<20) + "')", "at most 2000 characters"},
			"1 MB of blanks":          {strings.Repeat(" ", 1<<20) + "isOwner()", "at most 2000 characters"},
			"nested 10,000 deep":      {strings.Repeat("(", 10_000) + "isOwner()" + strings.Repeat(")", 10_000), "at most 2000 characters"},
			"10,000 terms":            {strings.TrimSuffix(strings.Repeat("isOwner() || ", 10_000), " || "), "at most 2000 characters"},
			"10,000 names":            {"matchAnyTag('a'" + strings.Repeat(",'a'", 10_000) + ")", "at most 2000 characters"},
			"10,000 negations":        {strings.Repeat("!", 10_000) + "isOwner()", "at most 2000 characters"},
			"nested 900 deep":         {strings.Repeat("(", 900) + "isOwner()" + strings.Repeat(")", 900), "nest at most 20 deep"},
			"nested 21 deep":          {strings.Repeat("(", 21) + "isOwner()" + strings.Repeat(")", 21), "nest at most 20 deep"},
			"negated and nested":      {strings.Repeat("!(", 500) + "isOwner()" + strings.Repeat(")", 500), "nest at most 20 deep"},
			"lists in lists":          {"matchAnyTag(" + strings.Repeat("{", 900) + strings.Repeat("}", 900) + ")", "condition, position"},
			"a quote that never ends": {"matchAnyTag('" + strings.Repeat("''", 900), "never closed"},
		} {
			got := x.refused(door.try(h, h.admin, test.condition), 400)
			if !strings.Contains(string(got.body), test.says) || len(got.body) > 1000 {
				t.Errorf("%s, %s: the answer has %d bytes and does not say %q: %.300s", door.name, name, len(got.body), test.says, got.body)
			}
		}
	}
	x.refused(h.as(h.admin, "GET", validation+strings.Repeat("%28", 5000), nil), 400)
	x.over()
}
