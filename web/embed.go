// Package web holds the user interface as the browser gets it: what Vite makes of the
// sources beside this file, embedded. A build without it works and shows the pages of
// signing in alone.
//
// It may import the standard library only.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns what was built: flat, with Vite's manifest in .vite/manifest.json; empty
// when nothing was built.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist/ui")
	if err != nil { // the name is well formed
		panic(err)
	}
	return files
}
