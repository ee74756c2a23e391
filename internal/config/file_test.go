package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesThatAreRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		prev := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+prev+",", 8) + "*" + prev + "]\n"
	}
	tests := []struct {
		name, text, message string
		line                int
	}{
		{"aliases", bomb, "anchors and aliases are not accepted", 1},
		{"merge of an alias", "x: &x {a: 1}\ny:\n  <<: *x\n", "anchors and aliases", 1},
		{"too large", "clusterName: " + strings.Repeat("x", maxFileBytes), "larger than", 0},
		{"too many values", "clusterName: [" + strings.Repeat("1,", maxNodes) + "1]\n", "more than 20000 values", 1},
		{"too deep", "clusterName: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "deeper than 40", 1},
		{"not UTF-8", "mode: development\nclusterName: \"\xff\"\n", "not UTF-8", 2},
		{"UTF-16", "\xff\xfem\x00o\x00d\x00e\x00", "not UTF-8", 1},
		{"NUL", "mode: dev\x00\n", "NUL byte", 1},
		{"reserved character", "mode: \uE0000\uE001\n", "reserved", 1},
		{"not YAML", "a: [1\nb: }\n", "not YAML", 0},
		{"tab", "server:\n\tx: 1\n", "not YAML", 0},
		{"list at the top", "- a\n", "keys and values at its top", 1},
		{"text at the top", "hello\n", "keys and values at its top", 1},
		{"two documents", "mode: development\n---\nmode: production\n", "one YAML document", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, findings, err := load(t, test.text, nil)
			if err == nil || len(findings) != 1 || !strings.Contains(findings[0].Message, test.message) {
				t.Fatalf("got %v", findings)
			}
			if findings[0].Line != test.line {
				t.Errorf("line %d, want %d", findings[0].Line, test.line)
			}
		})
	}
}

func TestFilesThatAreEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "null\n", "\xef\xbb\xbf# with a mark\n", "server:\nlogging:\n"} {
		if cfg, findings, err := load(t, text, nil); err != nil || len(findings) != 0 || cfg.Server.Port != 8585 {
			t.Errorf("%q: %v, %v", text, findings, err)
		}
	}
}

func TestFileIsADirectory(t *testing.T) {
	_, findings, err := Load(Options{File: t.TempDir(), LookupEnv: lookupIn(nil)})
	if err == nil || !strings.Contains(findings[0].Message, "directory") {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "x.yaml")
	_, findings, err := Load(Options{File: path, LookupEnv: lookupIn(nil)})
	if err == nil || !strings.Contains(findings[0].Message, "no such file") || strings.Contains(findings[0].Message, "open "+path) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("loading made the file")
	}
}
