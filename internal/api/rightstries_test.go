package api

import (
	"bytes"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
)

// rightsTries say how the routes are called that not all types have, by method and
// path below /api/v1. Calls have bodies that are right, about things that are
// there, so that what is answered is the decision about rights.
var rightsTries = sync.OnceValue(func() map[string][]rightsTry {
	all := map[string][]rightsTry{}
	for _, group := range []map[string][]rightsTry{
		assetTries(), tableTries(), pipelineTries(), observationTries(), qualityTries(), contractTries(), talkTries(), lookTries(), rdfTries(), alertTries(), accountTries(), systemTries(), pageTries(),
	} {
		maps.Copy(all, group)
	}
	return all
})

// triesOf returns the tries of a route that is none of those all types have.
func triesOf(method, path string) ([]rightsTry, bool) {
	tries, ok := rightsTries()[method+" "+strings.TrimPrefix(path, "/api/v1")]
	return tries, ok
}

// both does several things before a call.
func both(steps ...func(*scene)) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		for _, step := range steps {
			step(s)
		}
	}
}

// with makes an entity of each type for this call alone: $table is its id, $table_fqn
// its full name. They have the owners that all things have.
func with(types ...string) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		for _, name := range types {
			t, ok := s.w.engine.Registry().ByName(name)
			if !ok {
				s.t.Fatalf("there is no type %s", name)
			}
			vars, err := s.w.specimen(s.t, t, s.w.next())
			check(s.t, err)
			s.set(name, vars["id"])
			s.set(name+"_fqn", vars["fqn"])
		}
	}
}

// made calls as the administrator; $name is the id in the answer.
func made(name, method, path, body string) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		s.keep(name, s.admin(method, path, body, http.StatusOK, http.StatusCreated))
	}
}

// authored calls as the caller, or as the administrator for those who may not.
func authored(name, method, path, body string) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		got := s.as(s.who, method, path, body, http.StatusOK, http.StatusCreated, http.StatusForbidden, http.StatusUnauthorized)
		if got.status >= http.StatusBadRequest {
			got = s.admin(method, path, body, http.StatusOK, http.StatusCreated)
		}
		s.keep(name, got)
	}
}

// keep makes the id in an answer known to texts.
func (s *scene) keep(name string, got answer) {
	s.t.Helper()
	if name != "" {
		s.set(name, got.id())
	}
}

// showing tells answers that hold a text from those that do not.
func showing(text string) func(*scene, answer) string {
	return func(s *scene, a answer) string {
		if cell := classOf(a); cell != cellPast || strings.Contains(string(a.body), s.expand(text)) {
			return cell
		}
		return cellNothing
	}
}

// changedCSV exports what lies below an entity and gives the row of one thing another
// display name: $csv.
func changedCSV(export, column, row string) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		got := s.admin(http.MethodGet, export, "", http.StatusOK)
		records, err := csv.NewReader(bytes.NewReader(got.body)).ReadAll()
		check(s.t, err)
		name, shown := slices.Index(records[0], column), slices.IndexFunc(records[0], func(h string) bool {
			return strings.TrimSuffix(h, "*") == strings.Replace(strings.TrimSuffix(column, "*"), "name", "displayName", 1)
		})
		at := slices.IndexFunc(records, func(r []string) bool { return r[max(name, 0)] == s.expand(row) })
		if name < 0 || shown < 0 || at < 0 {
			s.t.Fatalf("%s has no %s %s with a display name: %s", export, column, s.expand(row), got.body)
		}
		records[at][shown] = s.w.next()
		var b bytes.Buffer
		check(s.t, csv.NewWriter(&b).WriteAll([][]string{records[0], records[at]}))
		s.set("csv", b.String())
	}
}

// classOfCSV looks at what became of the row of an import.
func classOfCSV(_ *scene, a answer) string {
	if a.status != http.StatusOK {
		return classOf(a)
	}
	var result csvio.Result
	a.into(&result)
	switch {
	case result.Status == "success":
		return cellPast
	case strings.Contains(result.Rows, "not allowed") || strings.Contains(result.Rows, "is not admin"):
		return cellRefused
	}
	return result.Status
}

// csvTries are the three calls about the files of a type. fqn is what the file is
// about, the row one thing in it.
func csvTries(tries map[string][]rightsTry, base, fqn, column, row string) {
	tries["GET "+base+"/documentation/csv"] = []rightsTry{{}}
	tries["GET "+base+"/name/{fqn}/export"] = []rightsTry{{params: map[string]string{"fqn": fqn}}}
	tries["PUT "+base+"/name/{fqn}/import"] = []rightsTry{{
		params: map[string]string{"fqn": fqn}, query: "dryRun=false", media: "text/plain", body: "$csv",
		before: changedCSV(base+"/name/"+fqn+"/export", column, row), class: classOfCSV,
	}}
	if base != "/services/driveServices" {
		laterTries(tries, base+"/name/{fqn}")
	}
}

// laterTries are the calls about files again, as jobs.
func laterTries(tries map[string][]rightsTry, base string) {
	for key, list := range maps.Clone(tries) {
		rest, ok := strings.CutPrefix(key[strings.IndexByte(key, ' ')+1:], base)
		if !ok || rest != "/export" && rest != "/import" {
			continue
		}
		later := list[0]
		later.class = classOfJob(classOf)
		if rest == "/import" {
			later.class = classOfJob(func(a answer) string { return classOfCSV(nil, a) })
		}
		tries[key+"Async"] = []rightsTry{later}
	}
}

// classOfJob looks at what became of the job that a call started.
func classOfJob(class func(answer) string) func(*scene, answer) string {
	return func(s *scene, a answer) string {
		if a.status >= http.StatusBadRequest {
			return classOf(a)
		}
		return class(s.w.jobResult(s.who, a))
	}
}

// total tells lists without anything from others, by the member that counts.
func total(path ...string) func(*scene, answer) string {
	return func(_ *scene, a answer) string {
		if a.status != http.StatusOK {
			return classOf(a)
		}
		var n float64
		if err := json.Unmarshal(a.member(path...), &n); err != nil {
			a.t.Errorf("%s does not count in %v: %s", a.what, path, a.body)
		}
		if n == 0 {
			return cellNothing
		}
		return cellPast
	}
}
