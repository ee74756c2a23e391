package config

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Load reads, merges and validates a configuration. The findings are everything
// worth knowing about it. When some of them are errors, the configuration is nil
// and the error is a *Refused that lists them all.
func Load(opts Options) (*Config, Findings, error) {
	lookup := opts.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	keys := knownKeys()
	c := &collector{keys: keys, expand: &expander{lookup: lookup}, values: map[string]value{}, noticed: map[string]bool{}}
	dir := ""
	if opts.File != "" {
		dir = filepath.Dir(opts.File)
		if finding := c.file(opts.File); finding != nil {
			refused := Findings{*finding}
			return nil, refused, &Refused{Findings: refused}
		}
	}
	c.environment(lookup)
	c.saved(opts.Saved)
	for key, text := range opts.Flags {
		c.values[key] = value{text: text, source: "command line"}
	}
	b := &binder{values: c.values, lookup: lookup, dir: dir, findings: c.findings, sources: map[string]string{}}
	cfg := b.bind()
	cfg.accept, cfg.offline = opts.Accept, opts.Offline
	b.checkAccepted(opts.Accept)
	b.complete(cfg)
	b.validate(cfg)
	for i, finding := range b.findings {
		b.findings[i] = cfg.judge(finding)
	}
	sortFindings(b.findings)
	if errs := b.findings.Errors(); len(errs) > 0 {
		refused := &Refused{Findings: errs, Read: cfg}
		for _, f := range errs {
			if f.Key == "dataDir" || f.Key == "mode" {
				refused.Read = nil
			}
		}
		return nil, b.findings, refused
	}
	return cfg, b.findings, nil
}

// sortFindings puts the findings into the order of the file; those without a line
// come last, by key.
func sortFindings(findings Findings) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
}

// file collects what the file says.
func (c *collector) file(path string) *Finding {
	data, err := readFile(path)
	if err != nil {
		return &Finding{Severity: Error, Code: "CFG-FILE", Message: fmt.Sprintf("%s: %s.", path, err)}
	}
	doc, finding := parseDocument(data)
	if finding != nil {
		finding.Message = path + ": " + finding.Message
		return finding
	}
	if doc.root != nil {
		c.expand.refs = doc.refs
		c.mapping(doc.root, "", "")
	}
	return nil
}

// environment lets variables override what the file says.
func (c *collector) environment(lookup func(string) (string, bool)) {
	for _, info := range c.keys.ordered {
		for _, name := range info.envs {
			text, ok := lookup(name)
			if !ok || strings.TrimSpace(text) == "" {
				continue
			}
			path := strings.ReplaceAll(info.path, "[]", "[0]")
			c.values[path] = value{text: unquote(text), line: c.values[path].line, source: "environment " + name}
		}
	}
}

// ListenFlags turns an address such as "127.0.0.1:8585", ":8585" or "0.0.0.0"
// into settings for Options.Flags. A bare port or ":port" listens on loopback:
// other machines are let in only when the address says so.
func ListenFlags(address string) (map[string]string, error) {
	if _, err := strconv.Atoi(address); err == nil {
		address = ":" + address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		if host = strings.Trim(address, "[]"); net.ParseIP(host) == nil && !isHostName(host) {
			return nil, fmt.Errorf("%q is not an address such as 127.0.0.1:8585", clip(address))
		}
		port = ""
	}
	flags := map[string]string{keyHost: "127.0.0.1"}
	if host != "" {
		flags[keyHost] = host
	}
	if port != "" {
		flags[keyPort] = port
	}
	return flags, nil
}
