package config

import (
	"fmt"
	"strings"
)

// Severity says whether a finding stops the server.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the server does not start
	Warning Severity = "warning" // it starts; somebody should look
	Notice  Severity = "notice"  // for information
)

// Finding is one remark about a configuration.
type Finding struct {
	Severity Severity
	Code     string // stable, e.g. CFG-UNKNOWN-KEY
	Key      string // dotted path, e.g. server.applicationConnectors[0].port
	Line     int    // in the file; 0 when it does not come from there
	Source   string // where the value came from when not from the file, e.g. "saved form"
	Message  string
	Remedy   string
	Accepted bool // an error the operator accepted with --i-accept
}

// String is the finding on one line: what, where, why, and what to do.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", f.Severity, f.Code)
	if f.Line > 0 {
		fmt.Fprintf(&b, " line %d", f.Line)
	}
	if f.Key != "" {
		b.WriteString(" " + f.Key)
	}
	if f.Source != "" {
		b.WriteString(" (" + f.Source + ")")
	}
	b.WriteString(": " + f.Message)
	if f.Remedy != "" {
		b.WriteString(" Remedy: " + f.Remedy)
	}
	return b.String()
}

// Findings are all remarks about one configuration, in the order of the file.
type Findings []Finding

// Errors returns those that stop the server.
func (fs Findings) Errors() Findings { return fs.of(Error) }

// Warnings returns those somebody should look at.
func (fs Findings) Warnings() Findings { return fs.of(Warning) }

// Notices returns those that only inform.
func (fs Findings) Notices() Findings { return fs.of(Notice) }

func (fs Findings) of(severity Severity) Findings {
	var out Findings
	for _, f := range fs {
		if f.Severity == severity {
			out = append(out, f)
		}
	}
	return out
}

// Refusal returns the *Refused that lists the errors, nil when there are none.
func (fs Findings) Refusal() error {
	if errs := fs.Errors(); len(errs) > 0 {
		return &Refused{Findings: errs}
	}
	return nil
}

// Refused is the error for a configuration the server will not start with.
type Refused struct {
	Findings Findings // the errors only
	// Read is the configuration as far as it can be read, with defaults in the place of
	// what is wrong; nil when nothing can. It tells where the data directory is, and is
	// not fit to serve with.
	Read *Config
}

// Error lists every reason on a line of its own.
func (r *Refused) Error() string {
	lines := make([]string, 0, len(r.Findings)+1)
	lines = append(lines, fmt.Sprintf("the configuration is refused for %d reason(s):", len(r.Findings)))
	for _, f := range r.Findings {
		lines = append(lines, "  "+f.String())
	}
	return strings.Join(lines, "\n")
}
