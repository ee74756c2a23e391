package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// AssetPrefix is where the assets are served, followed by build and name.
const AssetPrefix = "/assets/"

// asset is one file that pages load, with its compressed forms, smallest first.
type asset struct {
	media string
	data  []byte
	forms []form
}

type form struct {
	coding string
	data   []byte
}

// mediaTypes are the kinds of files that are served; others are not.
func mediaTypes() map[string]string {
	return map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".woff2": "font/woff2", ".svg": "image/svg+xml",
		".txt": "text/plain; charset=utf-8",
	}
}

// readAssets reads all files and names their content by one hash, so that modules
// can import each other by relative names that never go stale.
func readAssets(files fs.FS) (map[string]asset, string, error) {
	assets, types, sum := map[string]asset{}, mediaTypes(), sha256.New()
	entries, err := fs.ReadDir(files, ".") // sorted by name
	if err != nil {
		return nil, "", err
	}
	for _, entry := range entries {
		media, ok := types[path.Ext(entry.Name())]
		if !ok {
			return nil, "", fmt.Errorf("no media type is known for the asset %s", entry.Name())
		}
		data, err := fs.ReadFile(files, entry.Name())
		if err != nil {
			return nil, "", err
		}
		forms, err := gzipped(media, data)
		if err != nil {
			return nil, "", err
		}
		assets[entry.Name()] = asset{media: media, data: data, forms: forms}
		fmt.Fprintf(sum, "%s %d\n", entry.Name(), len(data))
		sum.Write(data)
	}
	return assets, hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// assetPath is the address of an asset, for templates.
func (p *Pages) assetPath(name string) (string, error) {
	if _, ok := p.assets[name]; !ok {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return AssetPrefix + p.build + "/" + name, nil
}

// WriteAsset answers with an asset and reports whether there is one. One that was
// asked for by another build's name comes too, for pages that another release in
// the same cluster wrote, but is not kept by the browser.
func (p *Pages) WriteAsset(w http.ResponseWriter, r *http.Request, build, name string) bool {
	a, ok := p.assets[name]
	if build == uiBuild {
		a, ok = p.uiAssets[name]
	}
	if !ok {
		return false
	}
	a.send(w, r, build == p.build || build == uiBuild)
	return true
}

// send answers with the smallest form that the browser takes; one that never changes may
// be kept for good.
func (a asset) send(w http.ResponseWriter, r *http.Request, forever bool) {
	h := w.Header()
	data := a.data
	accepted := codings(r.Header.Get("Accept-Encoding"))
	for _, f := range a.forms {
		if slices.Contains(accepted, f.coding) {
			h.Set("Content-Encoding", f.coding)
			data = f.data
			break
		}
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", a.media)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
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

// gzipped returns the compressed form of a text, nil for what is compressed already.
func gzipped(media string, data []byte) ([]form, error) {
	if strings.HasPrefix(media, "font/") {
		return nil, nil
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	return []form{{"gzip", out.Bytes()}}, err
}
