package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Arrival is what a request is like when it reaches the server, which may not be how
// it was sent.
type Arrival struct {
	Host    string   `json:"host"`
	Headers []string `json:"headers"` // their names, in order
	// Authorization is the digest of that header, as a proxy may put in a secret of its
	// own; "" if none came.
	Authorization string `json:"authorization"`
	Cookie        bool   `json:"cookie"`    // CookieName came
	SetCookie     string `json:"setCookie"` // how the answer gives it
	Forwarded     bool   `json:"forwarded"` // a proxy told for whom it asks
	Trusted       bool   `json:"trusted"`   // and is believed
}

// ArrivalPath is where a server answers its own doctor with an Arrival.
const ArrivalPath = "/api/v1/system/security/arrival"

// CookieName is the cookie that the doctor sends, and gets back as those of sessions
// are given.
const CookieName = "catalpa_doctor"

// Digest is what stands for a header's value.
func Digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// OfArrival compares how a request arrived with the address that browsers know.
func OfArrival(a Arrival, public string) []Check {
	var checks []Check
	if at, err := url.Parse(public); err == nil && at.Host != "" && !strings.EqualFold(at.Host, a.Host) {
		checks = append(checks, Check{
			Area: AreaProxy, Name: "address", Status: Warning, Code: auth.CodeProxy,
			Detail: "the request names the host " + entity.Shorten(a.Host, 100) + ", serverUrl names " + at.Host,
			Remedy: "set oidcConfiguration.serverUrl to the address in the browser, or let the proxy pass the Host header on (nginx: proxy_set_header Host $host)",
		})
	}
	if a.Forwarded && !a.Trusted {
		checks = append(checks, Check{
			Area: AreaProxy, Name: "trusted proxies", Status: Warning, Code: auth.CodeProxy,
			Detail: "X-Forwarded-* headers came from an address that is not in trustedProxies and were ignored",
			Remedy: "add the proxy's address to trustedProxies",
		})
	}
	return checks
}
