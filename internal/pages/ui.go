package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// uiBuild stands for the build in the addresses of the user interface's files, whose
// own names change with their content.
const uiBuild = "ui"

// UI names what a page loads to become the user interface; the zero value is a build
// without one. Addresses are absolute paths.
type UI struct {
	Script string   `json:"script"`
	Styles []string `json:"styles"`
	// Preload are the scripts that Script imports.
	Preload []string `json:"preload"`
}

// packed is an asset with its compressed forms, smallest first.
type packed struct {
	asset
	forms []form
}

type form struct {
	coding string
	data   []byte
}

// readUI reads what Vite made; files may be nil, or empty where nothing was built.
func readUI(files fs.FS) (UI, map[string]packed, error) {
	if files == nil {
		return UI{}, nil, nil
	}
	raw, err := fs.ReadFile(files, ".vite/manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return UI{}, nil, nil
	}
	if err != nil {
		return UI{}, nil, fmt.Errorf("reading the user interface: %w", err)
	}
	ui, err := entryOf(raw)
	if err != nil {
		return UI{}, nil, fmt.Errorf("reading the user interface: %w", err)
	}
	assets := map[string]packed{}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return UI{}, nil, fmt.Errorf("reading the user interface: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		media, ok := mediaTypes()[path.Ext(name)]
		if !ok || entry.IsDir() {
			continue // compressed forms come with what they are of
		}
		p := packed{asset: asset{media: media}}
		if p.data, err = fs.ReadFile(files, name); err != nil {
			return UI{}, nil, fmt.Errorf("reading the user interface: %w", err)
		}
		for _, coding := range []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
			if data, err := fs.ReadFile(files, name+coding.suffix); err == nil {
				p.forms = append(p.forms, form{coding.name, data})
			}
		}
		assets[name] = p
	}
	return ui, assets, nil
}

// entryOf reads the manifest of Vite: the entry, its styles and what it imports at once.
func entryOf(raw []byte) (UI, error) {
	var manifest map[string]struct {
		File    string   `json:"file"`
		IsEntry bool     `json:"isEntry"`
		CSS     []string `json:"css"`
		Imports []string `json:"imports"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return UI{}, err
	}
	address := func(file string) string { return AssetPrefix + uiBuild + "/" + file }
	for _, entry := range manifest {
		if !entry.IsEntry {
			continue
		}
		ui := UI{Script: address(entry.File)}
		for _, file := range entry.CSS {
			ui.Styles = append(ui.Styles, address(file))
		}
		for _, name := range entry.Imports {
			ui.Preload = append(ui.Preload, address(manifest[name].File))
			for _, file := range manifest[name].CSS {
				ui.Styles = append(ui.Styles, address(file))
			}
		}
		return ui, nil
	}
	return UI{}, errors.New("the manifest names no entry")
}

// UI returns what a page loads to become the user interface.
func (p *Pages) UI() UI { return p.ui }

// writeUI answers with a file of the user interface, compressed if the browser takes it.
func (p *Pages) writeUI(w http.ResponseWriter, r *http.Request, name string) bool {
	file, ok := p.uiAssets[name]
	if !ok {
		return false
	}
	h := w.Header()
	data := file.data
	accepted := codings(r.Header.Get("Accept-Encoding"))
	for _, f := range file.forms {
		if slices.Contains(accepted, f.coding) {
			h.Set("Content-Encoding", f.coding)
			data = f.data
			break
		}
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", file.media)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
	return true
}

// codings lists what an Accept-Encoding takes (RFC 9110 §12.5.3); what it weighs with
// zero is not taken.
func codings(header string) []string {
	var out []string
	for item := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
		weight = strings.TrimPrefix(strings.TrimSpace(weight), "q=")
		if strings.Trim(weight, "0.") == "" && weight != "" {
			continue
		}
		out = append(out, strings.ToLower(strings.TrimSpace(name)))
	}
	return out
}
