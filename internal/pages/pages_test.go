package pages

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"https://id.example": "https://id.example", "https://ID.example:443/a?b#c": "https://id.example", "http://127.0.0.1:8585/x": "http://127.0.0.1:8585", "http://a:80": "http://a",
		"https://a:80": "https://a:80", "https://[::1]:1/": "https://[::1]:1", "https://user@id.example": "", "javascript:alert(1)": "", "//id.example": "", "/x": "", "": "", "https://": "",
		"https://a;script-src *": "", "https://*.example": "", "https://a b": "", "https://a,b": "", "https://é.example": "", "ftp://a": "", "https:a": "", "https://a'b": "",
	} {
		if got := Origin(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, address := range []string{"https://id.example", "https://a;b", "http://[::1]:80", "https://%41"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		origin := Origin(address)
		if strings.ContainsAny(origin, "; ,'\"*\r\n\\") {
			t.Errorf("%q could change a policy: %q", address, origin)
		}
		if origin != "" && Origin(origin) != origin {
			t.Errorf("%q is not its own origin but %q", origin, Origin(origin))
		}
	})
}

func TestPolicyNamesOnlyOrigins(t *testing.T) {
	got := policy([]string{"https://id.example/token?x", "https://a; script-src *", "nonsense"})
	if !strings.Contains(got, "connect-src 'self' https://id.example;") || strings.Contains(got, "*") || strings.Contains(got, "nonsense") {
		t.Error(got)
	}
}

var forms = regexp.MustCompile(`(?s)<form.*?</form>`)

func TestEveryTemplateIsWritten(t *testing.T) {
	p := MustNew("1.2.3", nil)
	type data struct {
		View, Provider, SignIn, Kind, SignOut                string
		SignedOut, Password, Directory, Own, Reset, Register bool
	}
	for _, page := range []Page{
		{Template: "app", Title: "Sign in", Data: data{View: "signin", Provider: `A & "B"`, SignIn: "javascript:alert(1)", Password: true, Reset: true, Register: true, Own: true}},
		{Template: "signout", Title: "Sign out?", Data: data{SignOut: "/x"}},
		{Template: "tested", Title: "Tested"},
		{Template: "account", Title: "Register", Data: data{Kind: "register"}},
		{Template: "account", Title: "Reset", Data: data{Kind: "reset"}},
		{Template: "account", Title: "Forgot", Data: data{Kind: "forgot"}},
		{Template: "account", Title: "Confirm", Data: data{Kind: "confirm"}, Settings: map[string]string{"x": `"><script>`}},
		p.Stopped(Failure{Code: "SEC-CB-STATE", Request: `"><script>`}, 400),
	} {
		w := httptest.NewRecorder()
		if err := p.Write(w, httptest.NewRequest(http.MethodGet, "/", nil), page); err != nil {
			t.Fatal(err)
		}
		body := w.Body.String()
		if !strings.HasSuffix(strings.TrimSpace(body), "</html>") || !strings.Contains(body, "Catalpa 1.2.3") || strings.Count(body, `<h1`) == 0 {
			t.Errorf("%s is not whole", page.Template)
		}
		if strings.Contains(body, `"><script>`) || strings.Contains(body, `href="javascript:`) {
			t.Errorf("%s is not escaped", page.Template)
		}
		for _, form := range forms.FindAllString(body, -1) {
			tag, _, _ := strings.Cut(form, ">")
			if strings.Contains(form, `type="password"`) && !strings.HasSuffix(tag, " hidden") && !strings.Contains(form, `type="submit" disabled>`) {
				t.Errorf("%s: before its script runs, a form would be sent by the browser, with the password in the address:\n%s", page.Title, form)
			}
		}
	}
	w := httptest.NewRecorder()
	if err := p.Write(w, httptest.NewRequest(http.MethodGet, "/", nil), Page{Template: "nothing"}); err == nil || w.Body.Len() > 0 {
		t.Errorf("a page without template: %v, %d bytes", err, w.Body.Len())
	}
	if err := p.Write(w, httptest.NewRequest(http.MethodHead, "/", nil), Page{Template: "tested", Title: "x"}); err != nil || w.Body.Len() > 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %v, %d bytes", err, w.Body.Len())
	}
	if err := p.Write(w, httptest.NewRequest(http.MethodGet, "/", nil), Page{Template: "tested", Settings: func() {}}); err == nil {
		t.Error("settings that JSON cannot hold are accepted")
	}
}

func TestStoppedShowsWhereAndWhy(t *testing.T) {
	p := MustNew("1", nil)
	for _, test := range []struct {
		failure         Failure
		heading, say    string
		states          []string
		retry, provider string
	}{
		{Failure{Code: "SEC-CB-PROVIDER", Reason: "access_denied", Provider: "Larkfield ID"}, "Sign-in stopped at your provider", "Your provider refused the sign-in.",
			[]string{"failed", "open", "open"}, "/signin", "Larkfield ID"},
		{Failure{Code: "SEC-CB-PROVIDER", Reason: "login_required"}, "Sign-in stopped at your provider", "Your provider wants you to sign in again.",
			[]string{"failed", "open", "open"}, "/signin", "Your provider"},
		{Failure{Code: "SEC-CB-STATE", Reason: "login_required"}, "Sign-in stopped on the way back", "The answer belongs to another sign-in.", []string{"done", "failed", "open"}, "/signin", "Your provider"},
		{Failure{Code: "SEC-TOK-AUD", Retry: "/again"}, "Sign-in stopped at your identity", "Your identity could not be checked.", []string{"done", "failed", "open"}, "/again", "Your provider"},
		{Failure{Code: "SEC-USER-NOSIGNUP"}, "Sign-in stopped at Catalpa", "There is no account for you yet.", []string{"done", "done", "failed"}, "/signin", "Your provider"},
		{Failure{Code: "SEC-NEW", Message: "Said so."}, "Sign-in stopped at Catalpa", "Said so.", []string{"done", "done", "failed"}, "/signin", "Your provider"},
		{Failure{Message: "Nothing there.", NotSignIn: true}, "This did not work", "Nothing there.", nil, "/signin", ""},
	} {
		got := p.Stopped(test.failure, 400).Data.(stopped)
		var states []string
		for _, s := range got.Trail {
			states = append(states, s.State)
		}
		if got.Heading != test.heading || got.Say != test.say || got.Retry != test.retry || cmp.Diff(test.states, states) != "" {
			t.Errorf("%+v: %+v", test.failure, got)
		}
		if test.provider != "" && got.Trail[0].Name != test.provider {
			t.Errorf("%+v: the provider is called %q", test.failure, got.Trail[0].Name)
		}
	}
}

func TestBrokenFilesAreFound(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no words": {}, "words that are no JSON": {"failures.js": {Data: []byte("export default {x: 1};")}},
	} {
		if _, err := readFailures(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := readAssets(fstest.MapFS{"a.exe": {}}); err == nil {
		t.Error("an asset of an unknown kind is served")
	}
	_, first, err := readAssets(fstest.MapFS{"a.js": {Data: []byte("1")}, "b.js": {Data: []byte("2")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []fstest.MapFS{{"a.js": {Data: []byte("12")}, "b.js": {}}, {"a.js": {Data: []byte("1")}, "c.js": {Data: []byte("2")}}, {"a.js": {Data: []byte("1")}}} {
		if _, build, err := readAssets(files); err != nil || build == first {
			t.Errorf("%v has the build name of other files (%v)", files, err)
		}
	}
}
