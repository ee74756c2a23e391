//go:build acceptance

package acceptance

import (
	"context"
	"embed"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

//go:embed testdata
var testdata embed.FS

var (
	ansi       = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	stepTitle  = regexp.MustCompile(`Workflow (\S+) Summary:`)
	stepCount  = regexp.MustCompile(`(Processed records|Updated records|Warnings|Filtered|Errors): (\d+)$`)
	success    = regexp.MustCompile(`Workflow Success %: (\S+)`)
	errorLines = regexp.MustCompile(`(?m)^\[[^]]*\] ERROR .*$`)
)

// workflow is what a run of the metadata command said at its end.
type workflow struct {
	output    string
	steps     []step
	exchanges []exchange
}

// step is one part of a workflow; several may have the same name.
type step struct {
	name   string
	counts map[string]int // "Processed records", "Errors" ...
}

// python is the interpreter of the environment that holds the clients.
func python(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CATALPA_PYTHON")
	if path == "" {
		path = "../.cache/venv/bin/python"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no Python with the clients: %v; make test-acceptance makes it, CATALPA_PYTHON names another", err)
	}
	return path
}

// metadata runs "metadata COMMAND -c" on a workflow file of testdata, filled in
// with values. The run must end with status 0 and report full success without
// an error.
func (c *catalpa) metadata(t *testing.T, command, file string, values map[string]any) workflow {
	t.Helper()
	config := c.render(t, file, values)
	before := c.rec.count()
	output, err := c.runClient(t, python(t), "-m", "metadata", command, "-c", config)
	run := parseSummary(ansi.ReplaceAllString(output, ""))
	run.exchanges = c.rec.since(before)

	failed := false
	fail := func(format string, args ...any) {
		t.Helper()
		failed = true
		t.Errorf("metadata %s -c %s: "+format, append([]any{command, file}, args...)...)
	}
	if err != nil {
		fail("%v", err)
	}
	if m := success.FindStringSubmatch(run.output); m == nil || m[1] != "100.0" {
		fail("the summary says %q, want Workflow Success %%: 100.0", m)
	}
	for _, step := range run.steps {
		if step.counts["Errors"] != 0 {
			fail("step %s reports %d errors", step.name, step.counts["Errors"])
		}
	}
	if lines := seriousErrors(run.output); len(lines) > 0 {
		fail("errors in the log:\n%s", strings.Join(lines, "\n"))
	}
	if failed {
		t.Fatalf("end of the client's output:\n%s", tail(run.output, 80))
	}
	return run
}

func parseSummary(output string) workflow {
	run := workflow{output: output}
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		if m := stepTitle.FindStringSubmatch(line); m != nil {
			run.steps = append(run.steps, step{m[1], map[string]int{}})
		} else if m := stepCount.FindStringSubmatch(line); m != nil && len(run.steps) > 0 {
			run.steps[len(run.steps)-1].counts[m[1]], _ = strconv.Atoi(m[2])
		}
	}
	return run
}

// seriousErrors are the lines of a client's log at the level ERROR, without those
// that have nothing to do with the server.
func seriousErrors(output string) []string {
	return slices.DeleteFunc(errorLines.FindAllString(output, -1), func(line string) bool {
		// The SQL parser looks up the empty name for statements without a table.
		return strings.Contains(line, "Table Name should be informed, but got table=``")
	})
}

// render fills in a workflow file and appends the part all of them share.
func (c *catalpa) render(t *testing.T, file string, values map[string]any) string {
	t.Helper()
	filled := map[string]any{"Host": c.rec.url + "/api", "Token": c.bot, "Work": c.work}
	for k, v := range values {
		filled[k] = v
	}
	templates, err := template.New("").Option("missingkey=error").ParseFS(testdata, "testdata/workflows/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.CreateTemp(c.work, "*-"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, name := range []string{file, "tail.yaml"} {
		if err := templates.ExecuteTemplate(out, name, filled); err != nil {
			t.Fatal(err)
		}
	}
	return out.Name()
}

// script runs a Python file of testdata with the clients' environment; its
// assertions end it with a status other than 0.
func (c *catalpa) script(t *testing.T, file string, args ...string) string {
	t.Helper()
	output, err := c.runScript(t, file, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", file, err, tail(output, 80))
	}
	return output
}

func (c *catalpa) runScript(t *testing.T, file string, args ...string) (string, error) {
	t.Helper()
	path := filepath.Join(c.work, file)
	if err := os.WriteFile(path, []byte(fixture(t, file)), 0o600); err != nil {
		t.Fatal(err)
	}
	return c.runClient(t, python(t), append([]string{path}, args...)...)
}

// runClient runs a program in the work directory; both streams come back as one.
func (c *catalpa) runClient(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.work
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(),
		"PYTHONUNBUFFERED=1", "PYTHONWARNINGS=ignore", "PYTHONDONTWRITEBYTECODE=",
		"PATH="+filepath.Dir(python(t))+string(os.PathListSeparator)+os.Getenv("PATH"),
		"CATALPA_HOST="+c.rec.url, "CATALPA_JWT="+c.jwt,
		"DBT_SEND_ANONYMOUS_USAGE_STATS=false", "DO_NOT_TRACK=true", "NO_PROXY=127.0.0.1,localhost",
	)
	out, err := cmd.CombinedOutput()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	return string(out), err
}
