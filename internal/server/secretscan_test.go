package server

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/logtest"
)

// The scan looks for keys, not for words: a header counts with a body behind it,
// base64 and binary data when they can be parsed. The id of OpenMetadata's published
// pair is no key; it has to be known here so that it can be refused.

// scanner finds key material in any data.
type scanner struct {
	knownFernet func(key string) bool
	knownRSA    func(modulus []byte) bool
}

// newScanner knows what OpenMetadata publishes by its digests.
func newScanner() scanner {
	return scanner{
		knownFernet: func(key string) bool { return config.IsPublishedFernetKey(config.Secret(key)) },
		knownRSA:    config.IsPublishedRSAKey,
	}
}

// scan returns what it found, in words.
func (s scanner) scan(data []byte) []string {
	var found []string
	add := func(kind string, at int) { found = append(found, fmt.Sprintf("%s at byte %d", kind, at)) }
	each(data, "PRIVATE KEY-----", func(at int) {
		if hasKeyBody(data[at+len("PRIVATE KEY-----"):]) && bytes.Contains(data[max(0, at-30):at], []byte("-----BEGIN ")) {
			add("a private key in PEM", at)
		}
	})
	// PKCS#8 and PKCS#1 begin with version 0, SEC1 with version 1.
	for _, version := range []string{"\x02\x01\x00", "\x02\x01\x01"} {
		each(data, version, func(at int) {
			for _, header := range []int{4, 3, 2} {
				if kind := s.parse(data[max(0, at-header):]); at >= header && kind != "" {
					add(kind+" in binary", at)
					return
				}
			}
		})
	}
	// Every such structure begins with these characters in base64.
	for _, start := range []string{"MI", "MHcCAQ", "MC4CAQ"} {
		each(data, start, func(at int) {
			if at > 0 && isBase64(data[at-1]) {
				return
			}
			if kind := s.parse(decode(data[at:min(len(data), at+16<<10)])); kind != "" {
				add(kind+" in base64", at)
			}
		})
	}
	each(data, "=", func(at int) {
		if key := data[max(0, at-43) : at+1]; len(key) == 44 && !bytes.ContainsFunc(key[:43], notBase64) && s.knownFernet(string(key)) {
			add("the published Fernet key", at-43)
		}
	})
	return found
}

func each(data []byte, pattern string, visit func(at int)) {
	for from := 0; ; {
		i := bytes.Index(data[from:], []byte(pattern))
		if i < 0 {
			return
		}
		visit(from + i)
		from += i + 1
	}
}

// hasKeyBody tells whether something that can be a key comes after a header, be it
// in a file, in a literal or in JSON.
func hasKeyBody(after []byte) bool {
	after = after[:min(len(after), 600)]
	if bytes.Contains(after, []byte("DEK-Info:")) {
		return true
	}
	text := strings.NewReplacer(`\r`, "", `\n`, "", "\r", "", "\n", "", "\t", "", " ", "", `"`, "", "'", "", "+", "").Replace(string(after))
	n := 0
	for n < len(text) && isBase64(text[n]) {
		n++
	}
	return n >= 48
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

func notBase64(r rune) bool { return r > 'z' || !isBase64(byte(r)) }

// decode reads base64 of either alphabet, over line breaks and indentation.
func decode(data []byte) []byte {
	var text []byte
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '=':
			i = len(data)
		case c == '-':
			text = append(text, '+')
		case c == '_':
			text = append(text, '/')
		case isBase64(c):
			text = append(text, c)
		case c == '\n' || c == '\r':
			for i+1 < len(data) && (data[i+1] == ' ' || data[i+1] == '\t') {
				i++
			}
		case c == '\\' && i+1 < len(data) && (data[i+1] == 'n' || data[i+1] == 'r'):
			i++
		default:
			i = len(data)
		}
	}
	decoded, _ := base64.RawStdEncoding.DecodeString(string(text[:len(text)/4*4])) // as far as it goes
	if tail := text[len(text)/4*4:]; len(tail) > 1 {
		rest, _ := base64.RawStdEncoding.DecodeString(string(tail))
		decoded = append(decoded, rest...)
	}
	return decoded
}

// parse names the key that a DER structure at the beginning of data is, "" for none.
func (s scanner) parse(data []byte) string {
	if len(data) < 40 || data[0] != 0x30 {
		return ""
	}
	size := 0
	switch {
	case data[1] < 0x80:
		size = 2 + int(data[1])
	case data[1] == 0x81:
		size = 3 + int(data[2])
	case data[1] == 0x82:
		size = 4 + int(data[2])<<8 + int(data[3])
	}
	if size < 40 || size > len(data) {
		return ""
	}
	der := data[:size]
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return "a private key"
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return "a private key"
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return "a private key"
	}
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		if public, ok := public.(*rsa.PublicKey); ok && s.knownRSA(public.N.Bytes()) {
			return "the published key pair"
		}
	}
	return ""
}

// TestT61NoKeyMaterial scans the built program, the files and their history.
func TestT61NoKeyMaterial(t *testing.T) {
	started := time.Now()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	s := newScanner()
	count, size := 0, 0
	look := func(name string, data []byte) {
		count++
		size += len(data)
		for _, what := range s.scan(data) {
			t.Errorf("%s: %s", name, what)
		}
	}
	program := os.Getenv("CATALPA_BIN")
	if program == "" {
		program = filepath.Join(root, "bin", "catalpa")
	}
	if data, err := os.ReadFile(program); err == nil {
		look(program, withoutLibraryKey(t, data))
	} else if os.Getenv("CATALPA_BIN") != "" {
		t.Error(err)
	}
	var err error
	if _, missing := os.Stat(filepath.Join(root, ".git")); missing == nil {
		err = eachObject(root, look)
	}
	if err == nil {
		err = eachFile(root, look)
	}
	if err != nil {
		t.Fatal(err)
	}
	if count < 100 {
		t.Errorf("only %d files were scanned", count)
	}
	t.Logf("%d files and versions, %d MB in %s", count, size>>20, time.Since(started).Round(time.Millisecond))
}

// libraryKey is the digest of the key in the SAML library's file xmlenc/fuzz.go, the
// input of a fuzz target. Whoever links the library has it in the program; it
// decrypts and signs nothing.
const libraryKey = "d6817da49b7b8265863103dd8e910eb6c6bf9c40535af7784ac1afa7c763b162"

// withoutLibraryKey takes that key out of the program, and nothing else.
func withoutLibraryKey(t *testing.T, program []byte) []byte {
	t.Helper()
	begin, end := []byte("-----BEGIN RSA PRIVATE"+" KEY-----"), []byte("-----END RSA PRIVATE"+" KEY-----")
	for at := 0; ; {
		i := bytes.Index(program[at:], begin)
		if i < 0 {
			t.Error("the program does not hold the SAML library's key any more: remove the exemption")
			return program
		}
		at += i
		if n := bytes.Index(program[at:min(len(program), at+8<<10)], end); n > 0 {
			block, _ := pem.Decode(append(bytes.Clone(program[at:at+n+len(end)]), '\n'))
			if block != nil && fmt.Sprintf("%x", sha256.Sum256(block.Bytes)) == libraryKey {
				return slices.Concat(program[:at], program[at+n+len(end):])
			}
		}
		at += len(begin)
	}
}

// wantQuiet is logtest.WantQuiet that knows the published keys as well.
func wantQuiet(t *testing.T, log string, secrets ...string) {
	t.Helper()
	for _, found := range newScanner().scan([]byte(log)) {
		t.Errorf("a secret is in the server's log: %.12s...", found)
	}
	logtest.WantQuiet(t, log, secrets...)
}

// startsServer is how tests start the program, or this test binary in its place.
var startsServer = regexp.MustCompile(`exec\.Command\([^)]*"server", "--data-dir"|replicaEnv \+ "="|replicaEnv\+"="`)

// TestT61LogsOfServersAreScanned: whoever starts a server in a test has it tell all it
// has to tell, and looks for secrets in that.
func TestT61LogsOfServersAreScanned(t *testing.T) {
	found := 0
	err := eachFile(filepath.Join("..", ".."), func(name string, data []byte) {
		if !strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "secretscan_test.go") || !startsServer.Match(data) {
			return
		}
		found++
		for _, part := range []*regexp.Regexp{regexp.MustCompile("LOG_LEVEL"), regexp.MustCompile(`[wW]antQuiet\(`)} {
			if !part.Match(data) {
				t.Errorf("%s starts a server without %s", name, part)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d files start servers: does the pattern still fit?", found)
	}
}

// eachFile reads the files as they lie there, but for what is built or fetched.
func eachFile(root string, look func(name string, data []byte)) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == ".git" || name == ".cache" || name == "bin" || name == "node_modules" || name == "catalpa-data") {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // of a test that runs beside this one
			return nil
		}
		if err == nil {
			look(path, data)
		}
		return err
	})
}

// eachObject reads every version of every file, and the messages, that any branch
// or tag leads to.
func eachObject(root string, look func(name string, data []byte)) error {
	list := exec.Command("git", "-C", root, "rev-list", "--objects", "--all")
	listed, err := list.Output()
	if err != nil {
		return fmt.Errorf("git rev-list: %w", err)
	}
	var ids bytes.Buffer
	names := make(map[string]string)
	for line := range strings.Lines(string(listed)) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		names[id] = name
		ids.WriteString(id + "\n")
	}
	show := exec.Command("git", "-C", root, "cat-file", "--batch")
	show.Stdin = &ids
	out, err := show.StdoutPipe()
	if err != nil {
		return err
	}
	if err := show.Start(); err != nil {
		return err
	}
	if err := readObjects(bufio.NewReaderSize(out, 1<<20), names, look); err != nil {
		return errors.Join(err, show.Process.Kill(), show.Wait())
	}
	return show.Wait()
}

// readObjects reads what git cat-file --batch writes.
func readObjects(r *bufio.Reader, names map[string]string, look func(name string, data []byte)) error {
	for {
		head, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		fields := strings.Fields(head)
		if err != nil || len(fields) != 3 {
			return fmt.Errorf("git cat-file: %q: %w", head, err)
		}
		size, err := strconv.Atoi(fields[2])
		if err != nil {
			return err
		}
		data := make([]byte, size+1)
		if _, err := io.ReadFull(r, data); err != nil {
			return err
		}
		if fields[1] != "tree" {
			look(fields[0][:12]+" "+names[fields[0]], data[:size])
		}
	}
}

// TestT61ScannerFindsKeys proves that the scan would find each form of a key.
func TestT61ScannerFindsKeys(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := func(key any) []byte {
		data, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	in := func(kind string, data []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
	}
	encrypted := string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE" + " KEY", Headers: map[string]string{"DEK-Info": "AES-256-CBC,00"}, Bytes: der(private),
	}))
	private8, fernet := "PRIVATE"+" KEY", base64.URLEncoding.EncodeToString(private.D.Bytes()[:32])
	s := scanner{
		knownFernet: func(key string) bool { return key == fernet },
		knownRSA:    func(modulus []byte) bool { return bytes.Equal(modulus, private.N.Bytes()) },
	}
	for name, data := range map[string]string{
		"PEM":                 in(private8, der(private)),
		"PEM of a curve":      in("EC "+private8, sec1),
		"PEM of Ed25519":      in(private8, der(edwards)),
		"PEM, encrypted":      encrypted,
		"PEM, PKCS#8 hidden":  in("ENCRYPTED "+private8, der(private)),
		"PEM in JSON":         strings.ReplaceAll(in(private8, der(private)), "\n", `\n`),
		"PEM in a diff":       strings.ReplaceAll(in(private8, der(private)), "\n", "\n+"),
		"DER, PKCS#8":         string(der(private)),
		"DER, PKCS#1":         string(x509.MarshalPKCS1PrivateKey(private)),
		"DER of a curve":      string(der(curve)),
		"DER, SEC1":           string(sec1),
		"DER of Ed25519":      string(der(edwards)),
		"base64":              base64.StdEncoding.EncodeToString(der(private)),
		"base64url":           base64.RawURLEncoding.EncodeToString(der(curve)),
		"base64, SEC1":        base64.StdEncoding.EncodeToString(sec1),
		"base64 of Ed25519":   base64.StdEncoding.EncodeToString(der(edwards)),
		"base64 over lines":   strings.Join(strings.SplitAfter(base64.StdEncoding.EncodeToString(der(private)), "A"), "\n    "),
		"the published pair":  base64.StdEncoding.EncodeToString(spki),
		"the known Fernet":    `fernetKey: "` + fernet + `"`,
		"Fernet, no quotes":   "FERNET_KEY=" + fernet,
		"Fernet in the shell": "${FERNET_KEY:-" + fernet + "}",
	} {
		if found := s.scan([]byte("some \x00 bytes\n\"" + data + "\"\nand more MISSING MI\n")); len(found) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
	for name, data := range map[string]string{
		"a header alone":         "-----BEGIN " + private8 + "-----\\nAAAA\n-----END " + private8 + "-----",
		"a header in prose":      "paste all from -----BEGIN " + private8 + "----- to the end of the file, which your provider gave you with the application",
		"another public key":     base64.StdEncoding.EncodeToString(der(curve)[:60]),
		"a digest":               "h1:" + base64.StdEncoding.EncodeToString(private.N.Bytes()[:32]),
		"damaged":                strings.Replace(base64.StdEncoding.EncodeToString(der(private)), "A", "!", 1),
		"version numbers of DER": "\x30\x82\x01\x00\x02\x01\x00\x02\x01\x01",
	} {
		if found := s.scan([]byte(data)); len(found) != 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}
