package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = ".."

func text(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// instruction is one of a Dockerfile, with its options apart.
type instruction struct {
	name, rest string
	options    map[string]string
}

// stages reads a Dockerfile: each stage begins with its FROM.
func stages(t *testing.T, dockerfile string) [][]instruction {
	t.Helper()
	var out [][]instruction
	joined := regexp.MustCompile(`\\\n`).ReplaceAllString(dockerfile, " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		in := instruction{name: name, rest: strings.TrimSpace(rest), options: map[string]string{}}
		for strings.HasPrefix(in.rest, "--") {
			option, more, _ := strings.Cut(in.rest, " ")
			key, value, _ := strings.Cut(strings.TrimPrefix(option, "--"), "=")
			in.options[key], in.rest = value, strings.TrimSpace(more)
		}
		if name == "FROM" {
			out = append(out, nil)
		}
		if len(out) == 0 {
			t.Fatalf("the Dockerfile does not begin with FROM but with %s", line)
		}
		out[len(out)-1] = append(out[len(out)-1], in)
	}
	return out
}

// known are the instructions that a Dockerfile here may have: ADD fetches and unpacks
// behind one's back, and the others are not needed.
var known = []string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "ENV", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}

func TestDockerfileBuildsFromWhatIsThere(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z]+:\d+(\.\d+)*[-a-z0-9.]* AS ([a-z]+)$`)
	named := map[string]bool{}
	all := stages(t, text(t, "Dockerfile"))
	for i, stage := range all {
		match := pinned.FindStringSubmatch(stage[0].rest)
		if i < len(all)-1 && match == nil {
			t.Errorf("FROM %s names no version, or the stage has no name", stage[0].rest)
		}
		for _, in := range stage {
			if !slices.Contains(known, in.name) {
				t.Errorf("%s %s: no such instruction is wanted here", in.name, in.rest)
			}
			if in.name != "COPY" {
				continue
			}
			sources := strings.Fields(in.rest)
			if from, ok := in.options["from"]; ok {
				if !named[from] {
					t.Errorf("COPY --from=%s: there is no such stage before", from)
				}
				continue
			}
			for _, source := range sources[:len(sources)-1] {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("COPY %s: %v", source, err)
				}
			}
		}
		if match != nil {
			named[match[2]] = true
		}
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(text(t, "go.mod"))
	if !strings.Contains(text(t, "Dockerfile"), "FROM golang:"+goVersion[1]+"-") {
		t.Errorf("the Dockerfile builds with another Go than go.mod's %s", goVersion[1])
	}
}

// TestImageHoldsNothingButTheServer: no shell, no user with rights, one place to write to.
func TestImageHoldsNothingButTheServer(t *testing.T) {
	all := stages(t, text(t, "Dockerfile"))
	last := all[len(all)-1]
	got := map[string]string{}
	for _, in := range last {
		if in.name == "RUN" || in.name == "COPY" && in.options["from"] == "" {
			t.Errorf("%s %s in the image: everything comes out of a stage before", in.name, in.rest)
		}
		got[in.name] = in.rest
	}
	if got["FROM"] != "scratch" {
		t.Errorf("the image begins with %s", got["FROM"])
	}
	if !regexp.MustCompile(`^[1-9]\d{3,}:[1-9]\d{3,}$`).MatchString(got["USER"]) {
		t.Errorf("USER %q is to be numbers of nobody, so that Kubernetes can see that it is not root", got["USER"])
	}
	for _, name := range []string{"ENTRYPOINT", "CMD"} {
		var words []string
		if err := json.Unmarshal([]byte(got[name]), &words); err != nil || len(words) == 0 {
			t.Errorf("%s %s: without a shell it has to be a list in JSON", name, got[name])
		}
	}
	for _, name := range []string{"CATALPA_DATA_DIR", "TMPDIR"} {
		if got["VOLUME"] == "" || !strings.Contains(got["ENV"], name+"="+got["VOLUME"]) {
			t.Errorf("%s is not the volume %q, the one place that can be written to: ENV %s", name, got["VOLUME"], got["ENV"])
		}
	}
	owned := slices.ContainsFunc(last, func(in instruction) bool {
		return in.name == "COPY" && strings.HasSuffix(in.rest, " "+got["VOLUME"]) && in.options["chown"] == got["USER"]
	})
	if !owned {
		t.Errorf("the volume does not belong to the user %s", got["USER"])
	}
	for _, line := range []string{".git", ".cache", "catalpa-data", "**/node_modules"} {
		if !strings.Contains("\n"+text(t, ".dockerignore"), "\n"+line+"\n") {
			t.Errorf(".dockerignore lets %s into the build", line)
		}
	}
}

func TestReleasesAreMadeOfWhatIsThere(t *testing.T) {
	type archive struct {
		Files []struct {
			Src string `yaml:"src"`
		} `yaml:"files"`
	}
	var file struct {
		Before struct {
			Hooks []string `yaml:"hooks"`
		} `yaml:"before"`
		Builds []struct {
			Main      string   `yaml:"main"`
			Env       []string `yaml:"env"`
			OS        []string `yaml:"goos"`
			Arch      []string `yaml:"goarch"`
			Flags     []string `yaml:"flags"`
			LDFlags   []string `yaml:"ldflags"`
			Timestamp string   `yaml:"mod_timestamp"`
		} `yaml:"builds"`
		Archives []archive `yaml:"archives"`
	}
	if err := yaml.Unmarshal([]byte(text(t, ".goreleaser.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Builds) != 1 || len(file.Archives) != 1 {
		t.Fatalf("%d builds and %d archives, want one of each", len(file.Builds), len(file.Archives))
	}
	paths := slices.Concat(file.Before.Hooks, []string{file.Builds[0].Main})
	for _, f := range file.Archives[0].Files {
		paths = append(paths, f.Src)
	}
	for _, path := range paths {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("a release needs %s: %v", path, err)
		}
	}
	build := file.Builds[0]
	if len(build.OS)*len(build.Arch) != 6 || !slices.Contains(build.Env, "CGO_ENABLED=0") || !slices.Contains(build.Flags, "-trimpath") || build.Timestamp == "" {
		t.Errorf("not six static builds that are the same each time: %+v", build)
	}
	variable := regexp.MustCompile(`-X main\.(\w+)=`).FindStringSubmatch(strings.Join(build.LDFlags, " "))
	if variable == nil || !strings.Contains(text(t, "cmd/catalpa/version.go"), "\nvar "+variable[1]+" string") {
		t.Errorf("the linker sets no variable of the program: %v", build.LDFlags)
	}
	if !strings.Contains(text(t, "Dockerfile"), "-X main.version=") {
		t.Error("the image is built without its version")
	}
}

// TestUnitStopsAsLateAsTheServer: systemd must not end a server that is still draining.
func TestUnitStopsAsLateAsTheServer(t *testing.T) {
	unit := text(t, "deploy/systemd/catalpa.service")
	for _, line := range []string{"NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "RestartPreventExitStatus=78", "TimeoutStopSec=60", "UMask=0077"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
	if match := regexp.MustCompile(`ExecStart=/usr/local/bin/catalpa server .*--data-dir /var/lib/(\w+)\n`).FindStringSubmatch(unit); match == nil || !strings.Contains(unit, "\nStateDirectory="+match[1]+"\n") {
		t.Error("the data directory is not the one that systemd makes")
	}
}
