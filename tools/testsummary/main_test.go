package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	tests := []struct {
		name   string
		stream []string
		want   string
		shown  string // must be printed
		hidden string // must not
	}{
		{
			name: "a table test counts its cases",
			stream: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/one"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/two"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"PASS\n"}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "2 passed, 0 failed", shown: "ok  \tp", hidden: "chatter",
		},
		{
			name: "a failing case is shown and counted once",
			stream: []string{
				`{"Action":"output","Package":"p","Test":"TestA/one","Output":"got 1, want 2\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA/one"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "0 passed, 1 failed", shown: "got 1, want 2",
		},
		{
			name: "a parent that fails by itself counts",
			stream: []string{
				`{"Action":"pass","Package":"p","Test":"TestA/one"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "1 passed, 1 failed",
		},
		{
			name: "a package that does not build is a failure",
			stream: []string{
				`{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "0 passed, 1 failed", shown: "undefined: x",
		},
		{
			name: "a crash shows the trace of the running test",
			stream: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "0 passed, 1 failed", shown: "panic: boom",
		},
		{
			name: "skipped tests are named",
			stream: []string{
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Test":"TestB"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "1 passed, 0 failed, 1 skipped",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			got, err := show(strings.NewReader(strings.Join(tt.stream, "\n")+"\n"), &out, false)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want {
				t.Errorf("counts = %q, want %q", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.shown) {
				t.Errorf("output lacks %q:\n%s", tt.shown, out.String())
			}
			if tt.hidden != "" && strings.Contains(out.String(), tt.hidden) {
				t.Errorf("output has %q:\n%s", tt.hidden, out.String())
			}
		})
	}
}

func TestTotal(t *testing.T) {
	tally := filepath.Join(t.TempDir(), "tally")
	pass := `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	fail := `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n"
	for _, step := range []struct {
		stream string
		ok     bool
		total  string
		all    bool
	}{
		{pass, true, "1 passed, 0 failed", true},
		{pass, true, "2 passed, 0 failed", true},
		{fail, false, "2 passed, 1 failed", false},
	} {
		ok, err := run(strings.NewReader(step.stream), &strings.Builder{}, tally, "", false)
		if err != nil || ok != step.ok {
			t.Fatalf("run = %v, %v, want %v", ok, err, step.ok)
		}
		var out strings.Builder
		ok, err = run(nil, &out, "", tally, false)
		if err != nil || ok != step.all || strings.TrimSpace(out.String()) != step.total {
			t.Fatalf("total = %v, %v, %q, want %v, %q", ok, err, out.String(), step.all, step.total)
		}
	}
}

func TestNothingRanIsNoSuccess(t *testing.T) {
	tally := filepath.Join(t.TempDir(), "tally")
	if _, err := run(strings.NewReader(""), &strings.Builder{}, tally, "", false); err != nil {
		t.Fatal(err)
	}
	ok, err := run(nil, &strings.Builder{}, "", tally, false)
	if err != nil || ok {
		t.Fatalf("total of nothing = %v, %v, want false", ok, err)
	}
}
