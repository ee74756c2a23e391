package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

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
	// SignIn are the scripts of signing in, in one piece.
	SignIn string `json:"-"`
}

// readUI reads what Vite made; files may be nil, or empty where nothing was built.
func readUI(files fs.FS) (UI, map[string]asset, error) {
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
	assets := map[string]asset{}
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
		p := asset{media: media}
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

// chunk is one file in the manifest of Vite, which names them by their sources.
type chunk struct {
	Name    string   `json:"name"`
	File    string   `json:"file"`
	IsEntry bool     `json:"isEntry"`
	CSS     []string `json:"css"`
	Imports []string `json:"imports"`
}

// entryOf reads the manifest: the entry main, its styles and what it imports at once, and
// the entry signin.
func entryOf(raw []byte) (UI, error) {
	var manifest map[string]chunk
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return UI{}, err
	}
	var ui UI
	address := func(file string) string { return AssetPrefix + uiBuild + "/" + file }
	for _, entry := range manifest {
		switch {
		case entry.IsEntry && entry.Name == "signin":
			ui.SignIn = address(entry.File)
		case entry.IsEntry && entry.Name == "main":
			ui.Script = address(entry.File)
			for _, c := range append([]chunk{entry}, importsOf(manifest, entry)...) {
				if c.File != entry.File {
					ui.Preload = append(ui.Preload, address(c.File))
				}
				for _, file := range c.CSS {
					ui.Styles = append(ui.Styles, address(file))
				}
			}
		}
	}
	if ui.Script == "" || ui.SignIn == "" {
		return UI{}, errors.New("the manifest lacks an entry")
	}
	return ui, nil
}

// importsOf lists what a chunk imports at once.
func importsOf(manifest map[string]chunk, c chunk) []chunk {
	var out []chunk
	for _, name := range c.Imports {
		out = append(out, manifest[name])
	}
	return out
}

// UI returns what a page loads to become the user interface.
func (p *Pages) UI() UI { return p.ui }
