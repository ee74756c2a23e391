package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxSecretFile bounds the files that hold secrets.
const maxSecretFile = 64 << 10

// binder turns the texts given for keys into typed values and notes what does
// not fit. An empty text counts as not given.
type binder struct {
	values   map[string]value
	lookup   func(string) (string, bool)
	dir      string // of the configuration file; relative secret files start here
	findings Findings
	sources  map[string]string
}

func (b *binder) refuse(key, format string, args ...any) {
	b.report(Error, "CFG-VALUE", key, fmt.Sprintf(format, args...), "")
}

// report adds a finding about the key with the place its value comes from.
func (b *binder) report(severity Severity, code, key, message, remedy string) {
	finding := Finding{Severity: severity, Code: code, Key: key, Line: b.values[key].line, Message: message, Remedy: remedy}
	if v := b.values[key]; v.source == sourceSaved || finding.Line == 0 {
		finding.Line, finding.Source = 0, v.source
	}
	b.findings = append(b.findings, finding)
}

// given tells whether anybody gave the key a value.
func (b *binder) given(key string) bool {
	v := b.values[key]
	return strings.TrimSpace(v.text) != "" || v.list != nil || v.dict != nil
}

// unused says, at the first key of a section that is given, that the section is without
// effect, so that nobody relies on it.
func (b *binder) unused(section, why string, names ...string) {
	for _, name := range names {
		if b.given(section + name) {
			b.report(Notice, "CFG-IGNORED", section+name, "ignored: "+why, "")
			return
		}
	}
}

// get returns the text given for the key.
func (b *binder) get(key string) (string, bool) {
	v, ok := b.values[key]
	text := strings.TrimSpace(v.text)
	if !ok || text == "" {
		if v.source == sourceSaved { // somebody decided for the default
			b.sources[key] = v.source
		}
		return "", false
	}
	b.sources[key] = v.source
	if !utf8.ValidString(text) {
		b.refuse(key, "the value is not UTF-8 text.")
		return "", false
	}
	return text, true
}

func (b *binder) text(key, fallback string) string {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	if strings.ContainsAny(text, "\x00\n\r") && !strings.Contains(text, "-----BEGIN ") {
		b.refuse(key, "the value must be one line without control characters.")
	}
	return text
}

// choice accepts one of the allowed texts, in any case.
func (b *binder) choice(key, fallback string, allowed ...string) string {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	for _, a := range allowed {
		if strings.EqualFold(a, text) {
			return a
		}
	}
	hint := ""
	if near := closest(text, allowed); near != "" {
		hint = fmt.Sprintf(" Did you mean %q?", near)
	}
	b.refuse(key, "%q is not one of %s.%s", clip(text), strings.Join(allowed, ", "), hint)
	return fallback
}

func (b *binder) flag(key string, fallback bool) bool {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	}
	b.refuse(key, "%q is neither true nor false.", clip(text))
	return fallback
}

func (b *binder) number(key string, fallback, low, high int) int {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.refuse(key, "%q is not a whole number.", clip(text))
		return fallback
	}
	if n < low || n > high {
		b.refuse(key, "%d is outside %d to %d.", n, low, high)
		return fallback
	}
	return n
}

// size accepts a number of bytes, with KiB, MiB or GiB (or KB, MB, GB, meant the
// same) behind it.
func (b *binder) size(key string, fallback, low, high int64) int64 {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	n, err := parseSize(text)
	if err != nil {
		b.refuse(key, "%q is not a size such as 1048576 or 1MiB.", clip(text))
		return fallback
	}
	if n < low || n > high {
		b.refuse(key, "%s is outside %d to %d bytes.", clip(text), low, high)
		return fallback
	}
	return n
}

func parseSize(text string) (int64, error) {
	unit := int64(1)
	lower := strings.ToLower(strings.TrimSpace(text))
	for _, suffix := range []struct {
		name   string
		factor int64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(lower, suffix.name); ok {
			lower, unit = strings.TrimSpace(rest), suffix.factor
			break
		}
	}
	n, err := strconv.ParseInt(lower, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, strconv.ErrRange
	}
	return n * unit, nil
}

// duration accepts seconds as a bare number, Go's form (1m30s), and words
// ("5 minutes").
func (b *binder) duration(key string, fallback, low, high time.Duration) time.Duration {
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	d, err := parseDuration(text)
	if err != nil {
		b.refuse(key, "%q is not a duration such as 30, 30s or 5 minutes.", clip(text))
		return fallback
	}
	if d < low || d > high {
		b.refuse(key, "%s is outside %s to %s.", d, low, high)
		return fallback
	}
	return d
}

func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, strconv.ErrSyntax
	}
	var unit time.Duration
	switch strings.ToLower(strings.TrimSpace(text[len(digits):])) {
	case "ms", "millisecond", "milliseconds":
		unit = time.Millisecond
	case "", "s", "sec", "secs", "second", "seconds":
		unit = time.Second
	case "m", "min", "mins", "minute", "minutes":
		unit = time.Minute
	case "h", "hour", "hours":
		unit = time.Hour
	case "d", "day", "days":
		unit = 24 * time.Hour
	default:
		return 0, strconv.ErrSyntax
	}
	if n < 0 || n > int64(1<<62)/int64(unit) {
		return 0, strconv.ErrRange
	}
	return time.Duration(n) * unit, nil
}

// list accepts a YAML list, or in one text a bracketed or comma-separated one.
func (b *binder) list(key string, fallback []string) []string {
	v, ok := b.values[key]
	if ok && v.list != nil {
		b.sources[key] = v.source
		return v.list
	}
	text, ok := b.get(key)
	if !ok {
		return fallback
	}
	list, err := parseList(text)
	if err != nil {
		b.refuse(key, "%q is not a list such as [a, b].", clip(text))
		return fallback
	}
	return list
}

func parseList(text string) ([]string, error) {
	list := []string{}
	if strings.HasPrefix(text, "[") {
		doc, err := parseFlow(text, yaml.SequenceNode)
		if err != nil {
			return nil, err
		}
		for _, item := range doc.Content {
			if item.Kind != yaml.ScalarNode {
				return nil, strconv.ErrSyntax
			}
			if item.Value != "" {
				list = append(list, item.Value)
			}
		}
		return list, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = unquote(item); item != "" {
			list = append(list, item)
		}
	}
	return list, nil
}

// dict accepts a YAML mapping or in one text a flow mapping such as {a: b}.
func (b *binder) dict(key string) map[string]string {
	v, ok := b.values[key]
	if ok && v.dict != nil {
		b.sources[key] = v.source
		return v.dict
	}
	text, ok := b.get(key)
	if !ok {
		return map[string]string{}
	}
	doc, err := parseFlow(text, yaml.MappingNode)
	if err != nil {
		b.refuse(key, "the value is not a set of keys and texts such as {a: b}.")
		return map[string]string{}
	}
	out := map[string]string{}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		out[doc.Content[i].Value] = doc.Content[i+1].Value
	}
	return out
}

// prefixes accepts addresses and networks, 10.0.0.1 or 10.0.0.0/8.
func (b *binder) prefixes(key string) []netip.Prefix {
	out := []netip.Prefix{}
	for _, text := range b.list(key, nil) {
		prefix, err := netip.ParsePrefix(text)
		if addr, e := netip.ParseAddr(text); e == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil {
			b.refuse(key, "%q is neither an address nor a network such as 10.0.0.0/8.", clip(text))
			continue
		}
		out = append(out, prefix.Masked())
	}
	return out
}

// parseFlow parses a short YAML text that must have the given kind.
func parseFlow(text string, kind yaml.Kind) (*yaml.Node, error) {
	root, finding := decodeYAML(text)
	if finding != nil || root == nil || root.Kind != kind {
		return nil, strconv.ErrSyntax
	}
	return root, nil
}

// secret resolves "file:" and "env:" references, so that secrets need not stand
// in the configuration file.
func (b *binder) secret(key string) Secret {
	text, ok := b.get(key)
	if !ok {
		return ""
	}
	if b.values[key].source == sourceSaved {
		return Secret(b.values[key].text)
	}
	if name, found := strings.CutPrefix(text, "env:"); found {
		val, set := b.lookup(name)
		if !set || val == "" || !utf8.ValidString(val) {
			b.refuse(key, "the environment variable %s that should hold the secret is not set or not UTF-8 text.", clip(name))
			return ""
		}
		return Secret(val)
	}
	if path, found := strings.CutPrefix(text, "file:"); found {
		return b.secretFile(key, path)
	}
	return Secret(text)
}

func (b *binder) secretFile(key, path string) Secret {
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		b.refuse(key, "the file %s that should hold the secret is not there or is not a regular file.", clip(path))
		return ""
	}
	if info.Size() > maxSecretFile {
		b.refuse(key, "the file %s is larger than %d bytes.", clip(path), maxSecretFile)
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.refuse(key, "the file %s that should hold the secret cannot be read: %s.", clip(path), plainPathError(err))
		return ""
	}
	if info.Mode().Perm()&0o007 != 0 {
		b.report(Warning, "CFG-SECRET-FILE", key, fmt.Sprintf("everybody on this machine may read %s.", clip(path)), "chmod 0640 or stricter.")
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" || !utf8.ValidString(secret) {
		b.refuse(key, "the file %s that should hold the secret is empty or not UTF-8 text.", clip(path))
		return ""
	}
	return Secret(secret)
}

// clip shortens what a message quotes.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
