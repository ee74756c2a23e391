package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

// built is what Vite makes, in small.
func built() fstest.MapFS {
	return fstest.MapFS{
		".vite/manifest.json": {Data: []byte(`{"src/main.tsx":{"name":"main","file":"main-1.js","isEntry":true,"imports":["_shell.js"]},"_shell.js":{"file":"shell-2.js","css":["shell-3.css"]},"../app.js":{"name":"signin","file":"signin-5.js","isEntry":true},"src/late.tsx":{"file":"late-4.js","isDynamicEntry":true}}`)},
		"main-1.js":           {Data: []byte("plain")}, "main-1.js.br": {Data: []byte("br")}, "main-1.js.gz": {Data: []byte("gz")},
		"shell-2.js": {Data: []byte("shell")}, "shell-3.css": {Data: []byte("css")}, "late-4.js": {Data: []byte("late")}, "notes.md": {Data: []byte("no")},
	}
}

// TestUIFiles: a file goes out in the smallest form that the browser takes, to be kept for
// good; what is no part of the user interface does not go out.
func TestUIFiles(t *testing.T) {
	p, err := New("1", built())
	if err != nil {
		t.Fatal(err)
	}
	if ui := p.UI(); ui.Script != "/assets/ui/main-1.js" || ui.SignIn != "/assets/ui/signin-5.js" || len(ui.Styles) != 1 || ui.Styles[0] != "/assets/ui/shell-3.css" || len(ui.Preload) != 1 || ui.Preload[0] != "/assets/ui/shell-2.js" {
		t.Errorf("the page loads %+v", ui)
	}
	for _, test := range []struct{ name, accept, body, coding string }{
		{"main-1.js", "gzip, deflate, br, zstd", "br", "br"}, {"main-1.js", "gzip", "gz", "gzip"}, {"main-1.js", "br;q=0, gzip;q=0.5", "gz", "gzip"},
		{"main-1.js", "", "plain", ""}, {"late-4.js", "br", "late", ""},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/assets/ui/"+test.name, nil)
		r.Header.Set("Accept-Encoding", test.accept)
		if !p.WriteAsset(w, r, "ui", test.name) {
			t.Fatalf("%s is not there", test.name)
		}
		h := w.Header()
		if w.Body.String() != test.body || h.Get("Content-Encoding") != test.coding || h.Get("Vary") != "Accept-Encoding" || h.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s for %q is %q with %v", test.name, test.accept, w.Body, h)
		}
	}
	for _, name := range []string{"notes.md", "main-1.js.br", "manifest.json", ".vite", "none.js"} {
		if p.WriteAsset(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), "ui", name) {
			t.Errorf("%s goes out", name)
		}
	}
}

func TestNoUI(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{"nothing was built": {}, "no files": nil} {
		p, err := New("1", files)
		if err != nil || p.UI().Script != "" {
			t.Errorf("%s: %+v, %v", name, p.UI(), err)
		}
	}
	if _, err := New("1", fstest.MapFS{".vite/manifest.json": {Data: []byte(`{}`)}}); err == nil {
		t.Error("a manifest without an entry is taken")
	}
}
