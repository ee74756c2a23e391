package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/server"
)

// version is the release of Catalpa; the linker sets it:
// -ldflags "-X main.version=0.1.0".
var version string //nolint:gochecknoglobals // the linker can only set package variables

// release returns the version, or the version control revision of a build
// without one.
func release() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	var revision, modified string
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = setting.Value[:min(len(setting.Value), 12)]
		case "vcs.modified":
			if setting.Value == "true" {
				modified = "-modified"
			}
		}
	}
	switch {
	case revision != "":
		return "0.0.0-dev+" + revision + modified
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return strings.TrimPrefix(info.Main.Version, "v")
	default:
		return "0.0.0-dev"
	}
}

type versionCommand struct{}

// Run prints the versions of program, API and compiler.
func (versionCommand) Run(out *console) error {
	_, err := fmt.Fprintf(out.stdout, "catalpa %s (OpenMetadata API %s, %s %s/%s)\n",
		release(), server.WireVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
