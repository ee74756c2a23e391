package ldap

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	ldapv3 "github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

const (
	adminDN    = "cn=service,dc=example,dc=org"
	adminPass  = "service-password"
	peopleBase = "ou=people,dc=example,dc=org"
	groupsBase = "ou=groups,dc=example,dc=org"
)

// record is an entry of the directory of these tests.
type record struct {
	dn         string
	password   string
	attributes map[string][]string
}

func people() []record {
	person := func(uid, name, password, uuid string) record {
		return record{"uid=" + uid + "," + peopleBase, password, map[string][]string{
			"uid": {uid}, "mail": {uid + "@example.org"}, "cn": {name}, "displayName": {name + " (staff)"}, "entryUUID": {uuid},
			"memberOf": {"cn=stewards," + groupsBase, "cn=nothing," + groupsBase},
		}}
	}
	ada := person("ada", "Ada Lovelace", "correct horse", "0F9B6E3C-1111-4C4B-9C6B-3F1D2F6A0001")
	star := person("st*r", "Star (one)", "star battery", "0f9b6e3c-2222-4c4b-9c6b-3f1d2f6a0002")
	twin := person("twin", "Twin One", "twin password", "0f9b6e3c-3333-4c4b-9c6b-3f1d2f6a0003")
	other := person("twin2", "Twin Two", "twin password", "0f9b6e3c-4444-4c4b-9c6b-3f1d2f6a0004")
	other.attributes["mail"] = twin.attributes["mail"]
	group := func(name, class, attribute string, members ...string) record {
		return record{"cn=" + name + "," + groupsBase, "", map[string][]string{"cn": {name}, "objectClass": {class}, attribute: members}}
	}
	return []record{
		ada, star, twin, other,
		group("stewards", "groupOfNames", "member", ada.dn, star.dn),
		group("admins", "groupOfNames", "member", ada.dn),
		group("consumers", "posixGroup", "memberUid", "ada", "twin"),
		group("others", "groupOfNames", "member", twin.dn),
	}
}

// server is an LDAP server in this process.
type server struct {
	gldap   *gldap.Server
	host    string
	port    int
	records []record

	open    atomic.Int64 // connections that sent something and are not closed
	most    atomic.Int64
	binds   atomic.Int64
	filters sync.Map     // every filter that was asked for
	block   atomic.Value // chan struct{}: requests wait for it
	refuse  atomic.Int64 // result code of every search, 0 for none
	bindAs  atomic.Int64 // result code of every bind of a person, 0 for none
	seen    sync.Map     // connection ids
}

type serverOption func(*server, *[]gldap.Option, *gldap.Mux)

func startServer(t testing.TB, options ...serverOption) *server {
	t.Helper()
	s := &server{host: "127.0.0.1", records: people()}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	must(t, mux.Bind(s.bind))
	must(t, mux.Search(s.search))
	var running []gldap.Option
	for _, option := range options {
		option(s, &running, mux)
	}
	s.gldap, err = gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()), gldap.WithOnClose(func(id int) {
		if _, known := s.seen.LoadAndDelete(id); known {
			s.open.Add(-1)
		}
	}))
	must(t, err)
	must(t, s.gldap.Router(mux))
	s.port = freePort(t)
	ended := make(chan error, 1)
	go func() { ended <- s.gldap.Run(net.JoinHostPort(s.host, strconv.Itoa(s.port)), running...) }()
	t.Cleanup(func() {
		s.unblock()
		if err := s.gldap.Stop(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for !s.gldap.Ready() {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (s *server) unblock() {
	if wait, ok := s.block.Swap((chan struct{})(nil)).(chan struct{}); ok && wait != nil {
		close(wait)
	}
}

// arrive counts the connection and waits while the server is slow.
func (s *server) arrive(r *gldap.Request) {
	if _, known := s.seen.LoadOrStore(r.ConnectionID(), true); !known {
		open := s.open.Add(1)
		for most := s.most.Load(); open > most && !s.most.CompareAndSwap(most, open); most = s.most.Load() {
			continue
		}
	}
	if wait, ok := s.block.Load().(chan struct{}); ok && wait != nil {
		<-wait
	}
}

func (s *server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	s.arrive(r)
	s.binds.Add(1)
	answer := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(answer) }() // the client may be gone: that is what some tests do
	message, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	switch {
	case string(message.Password) == "": // RFC 4513 §5.1.2: anonymous, with success
		answer.SetResultCode(gldap.ResultSuccess)
	case message.UserName == adminDN:
		if string(message.Password) == adminPass {
			answer.SetResultCode(gldap.ResultSuccess)
		}
	case s.bindAs.Load() != 0:
		answer.SetResultCode(int(s.bindAs.Load()))
		answer.SetDiagnosticMessage("80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data 775, v4f7c for ada")
	default:
		for _, known := range s.records {
			if known.dn == message.UserName && known.password != "" && known.password == string(message.Password) {
				answer.SetResultCode(gldap.ResultSuccess)
			}
		}
	}
}

func (s *server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	s.arrive(r)
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	defer func() { _ = w.Write(done) }() // as above
	message, err := r.GetSearchMessage()
	if err != nil || s.refuse.Load() != 0 {
		done.SetResultCode(int(s.refuse.Load()))
		return
	}
	s.filters.Store(message.Filter, true)
	filter, err := ldapv3.CompileFilter(message.Filter)
	if err != nil {
		done.SetResultCode(gldap.ResultProtocolError)
		return
	}
	sent := int64(0)
	for _, known := range s.records {
		if !strings.HasSuffix(known.dn, message.BaseDN) || !matches(filter, known.attributes) {
			continue
		}
		if message.SizeLimit > 0 && sent == message.SizeLimit {
			done.SetResultCode(gldap.ResultSizeLimitExceeded)
			return
		}
		sent++
		_ = w.Write(r.NewSearchResponseEntry(known.dn, gldap.WithAttributes(wanted(known.attributes, message.Attributes))))
	}
}

func wanted(attributes map[string][]string, names []string) map[string][]string {
	sent := map[string][]string{}
	for name, values := range attributes {
		for _, asked := range names {
			if strings.EqualFold(name, asked) {
				sent[name] = values
			}
		}
	}
	return sent
}

// matches evaluates a filter (RFC 4511 §4.5.1.7) as a directory would.
func matches(filter *ber.Packet, attributes map[string][]string) bool {
	values := func(name *ber.Packet) []string {
		for known, values := range attributes {
			if strings.EqualFold(known, textOf(name)) {
				return values
			}
		}
		return nil
	}
	switch filter.Tag {
	case ldapv3.FilterAnd:
		for _, child := range filter.Children {
			if !matches(child, attributes) {
				return false
			}
		}
		return true
	case ldapv3.FilterOr:
		for _, child := range filter.Children {
			if matches(child, attributes) {
				return true
			}
		}
		return false
	case ldapv3.FilterNot:
		return !matches(filter.Children[0], attributes)
	case ldapv3.FilterEqualityMatch:
		for _, value := range values(filter.Children[0]) {
			if strings.EqualFold(value, textOf(filter.Children[1])) {
				return true
			}
		}
		return false
	case ldapv3.FilterPresent:
		return len(values(filter)) > 0
	case ldapv3.FilterSubstrings: // whoever manages to ask for parts gets everybody
		return len(values(filter.Children[0])) > 0
	}
	return false
}

func textOf(p *ber.Packet) string {
	if text, ok := p.Value.(string); ok {
		return text
	}
	return p.Data.String()
}

// authority makes certificates for servers of these tests.
type authority struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return authority{key, cert}
}

// issue makes a server's certificate for names and, as asked, 127.0.0.1.
func (a authority) issue(t testing.TB, end time.Time, ip bool, names ...string) *tls.Config {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Directory"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: end, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// file writes the authority's certificate where a trust store would be.
func (a authority) file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authorities.pem")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600))
	return path
}

func withTLS(config *tls.Config) serverOption {
	return func(_ *server, running *[]gldap.Option, _ *gldap.Mux) {
		*running = append(*running, gldap.WithTLSConfig(config))
	}
}

func withStartTLS(t testing.TB, config *tls.Config) serverOption {
	return func(_ *server, _ *[]gldap.Option, mux *gldap.Mux) {
		must(t, mux.ExtendedOperation(func(w *gldap.ResponseWriter, r *gldap.Request) {
			answer := r.NewExtendedResponse(gldap.WithResponseCode(gldap.ResultSuccess))
			answer.SetResponseName(gldap.ExtendedOperationStartTLS)
			_ = w.Write(answer)    // a failure shows on the other side
			_ = r.StartTLS(config) // as above
		}, gldap.ExtendedOperationStartTLS))
	}
}

func (s *server) config() Config {
	return Config{
		Host: s.host, Port: s.port, AdminDN: adminDN, AdminPassword: adminPass, UserBaseDN: peopleBase,
		MailAttribute: "mail", UsernameAttribute: "uid", Timeout: 5 * time.Second, Production: true,
	}
}

func (s *server) directory(t testing.TB, change func(*Config)) *Directory {
	t.Helper()
	config := s.config()
	if change != nil {
		change(&config)
	}
	d, err := New(config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	must(t, err)
	t.Cleanup(d.Close)
	return d
}
