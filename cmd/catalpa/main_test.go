package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"catalpa": main})
}

// TestScripts runs the command lines under testdata against the real program.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			if err := writeAgeKeys(env.WorkDir); err != nil {
				return err
			}
			address, err := freeAddress()
			env.Setenv("ADDRESS", address)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitserving": waitServing, "mode": wantMode, "truncate": cutFile},
	})
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// waitServing is the script command "waitserving ADDRESS": it waits until a
// server answers there.
func waitServing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitserving ADDRESS")
	}
	client := http.Client{Timeout: 10 * time.Second}
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := client.Get("http://" + args[0] + "/api/v1/system/version"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-deadline.C:
			ts.Fatalf("nothing answers at %s", args[0])
		case <-tick.C:
		}
	}
}

func TestExitStatus(t *testing.T) {
	t.Setenv("CATALPA_DATA_DIR", t.TempDir())
	tests := []struct {
		name   string
		args   []string
		status int
		stdout string
		stderr string
	}{
		{"help", []string{"--help"}, exitOK, "Exit status: 0 success", ""},
		{"no command", nil, exitOK, "Commands:", ""},
		{"help of a command", []string{"bot", "token", "--help"}, exitOK, "nothing else", ""},
		{"version", []string{"version"}, exitOK, "OpenMetadata API 1.12.", ""},
		{"unknown command", []string{"sever"}, exitUsage, "", "catalpa --help"},
		{"unknown flag", []string{"server", "--port", "1"}, exitUsage, "", "--port"},
		{"missing name", []string{"bot", "token"}, exitUsage, "", "<name>"},
		{"bad expiry", []string{"bot", "token", "b", "--expiry", "5"}, exitUsage, "", "90"},
		{"bad address", []string{"config", "check", "--listen", "a:b:c"}, exitUsage, "", "127.0.0.1:8585"},
		{"bad port", []string{"config", "check", "--listen", "127.0.0.1:99999"}, exitConfig, "outside 0 to 65535", "would not start"},
		{"missing file", []string{"config", "check", "--config", "testdata/none.yaml"}, exitConfig, "CFG-FILE", "would not start"},
		{"server refused", []string{"server", "--config", "testdata/none.yaml"}, exitConfig, "", "CFG-FILE"},
		{"fine", []string{"config", "check"}, exitOK, "ok: development mode, listening on 127.0.0.1:8585", ""},
		{"open to others", []string{"config", "check", "--listen", "0.0.0.0:8585"}, exitOK, "ok: production mode", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := execute(context.Background(), test.args, &stdout, &stderr)
			if status != test.status {
				t.Errorf("status %d, want %d; stderr: %s", status, test.status, stderr.String())
			}
			if !strings.Contains(stdout.String(), test.stdout) || test.stdout == "" && stdout.Len() > 0 {
				t.Errorf("stdout %q, want it to hold %q", stdout.String(), test.stdout)
			}
			if !strings.Contains(stderr.String(), test.stderr) || test.stderr == "" && stderr.Len() > 0 {
				t.Errorf("stderr %q, want it to hold %q", stderr.String(), test.stderr)
			}
		})
	}
}

func TestVersionOf(t *testing.T) {
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"bare", debug.BuildInfo{}, "0.0.0-dev"},
		{"development", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "0.0.0-dev"},
		{"installed", debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"}}, "0.3.1"},
		{"revision", debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}}}, "0.0.0-dev+0123456789ab"},
		{"changed", debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}, {Key: "vcs.modified", Value: "true"}}}, "0.0.0-dev+0123-modified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := versionOf(&test.info); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
