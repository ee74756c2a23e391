package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Names of cookies. With the prefix, browsers take them only over https, for the
// whole host and from nobody else.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "catalpa_session"
	attemptCookie = "catalpa_login_"
)

// Bounds of what a browser may send back.
const (
	maxAttempts     = 5 // kept at a time
	maxAttemptsRead = 20
	maxCookieValue  = 1024
	maxShortID      = 64
)

// peer is who holds the connection: a browser, or a proxy.
func (c *call) peer() netip.Addr {
	if at, err := netip.ParseAddrPort(c.r.RemoteAddr); err == nil {
		return at.Addr().Unmap()
	}
	return netip.Addr{}
}

// trusts tells whether an address is that of a listed proxy.
func (s SignOnSettings) trusts(addr netip.Addr) bool {
	return addr.IsValid() && slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr.WithZone("")) })
}

// address is where the caller comes from, for throttles and the audit trail. Only
// listed proxies are believed, each about the one before it.
func (c *call) address() string {
	settings, addr := c.signOn(), c.peer()
	if !addr.IsValid() {
		if host, _, err := net.SplitHostPort(c.r.RemoteAddr); err == nil {
			return host
		}
		return c.r.RemoteAddr
	}
	hops := strings.Split(strings.Join(c.r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !settings.trusts(addr) {
			break
		}
		before, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = before
	}
	return addr.String()
}

// parseHop reads an entry of X-Forwarded-For, which may have a port.
func parseHop(text string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap(), nil
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap(), err
}

// https tells whether the browser's connection is encrypted, here or at a listed
// proxy.
func (c *call) https(settings SignOnSettings) bool {
	return settings.ForceSecure || c.encrypted(settings)
}

// origin is the address that the browser asked, as far as this request tells.
func (c *call) origin() string {
	scheme := "http"
	if c.encrypted(c.signOn()) {
		scheme = "https"
	}
	return scheme + "://" + strings.ToLower(entity.Shorten(c.r.Host, 255))
}

// encrypted is https, whatever the settings force.
func (c *call) encrypted(settings SignOnSettings) bool {
	if c.r.TLS != nil {
		return true
	}
	if !settings.trusts(c.peer()) {
		return false
	}
	said := c.r.Header.Values("X-Forwarded-Proto")
	if len(said) == 0 {
		return false
	}
	last := said[len(said)-1]
	return strings.EqualFold(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]), "https")
}

// cookieName is the full name of a cookie. Only on loopback in development there
// are cookies without Secure, under other names.
func (c *call) cookieName(name string) (full string, secure bool) {
	settings := c.signOn()
	if settings.Development && !c.https(settings) && c.peer().IsLoopback() {
		return name, false
	}
	return hostPrefix + name, true
}

func (c *call) setCookie(name, value string, life time.Duration) {
	full, secure := c.cookieName(name)
	seconds := int(life / time.Second)
	if seconds <= 0 {
		seconds = -1 // written as Max-Age=0
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: full, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// session is the value of the session's cookie, "" if there is none or more than
// one.
func (c *call) session() string {
	full, _ := c.cookieName(sessionCookie)
	found := c.r.CookiesNamed(full)
	if len(found) != 1 || len(found[0].Value) > maxCookieValue {
		return ""
	}
	return found[0].Value
}

// setSession gives the browser its session, until the session ends at the latest.
func (c *call) setSession(value string, ends time.Time) {
	c.setCookie(sessionCookie, value, time.Until(ends))
}

func (c *call) dropSession() { c.setCookie(sessionCookie, "", 0) }

// attemptIDs lists the short ids of the attempts that the browser has cookies of,
// as the browser sends them: the oldest first.
func (c *call) attemptIDs() (ids []string, values map[string]string) {
	prefix, _ := c.cookieName(attemptCookie)
	values = map[string]string{}
	for _, cookie := range c.r.Cookies() {
		id, ok := strings.CutPrefix(cookie.Name, prefix)
		if !ok || id == "" || len(id) > maxShortID || len(cookie.Value) > maxCookieValue || len(ids) == maxAttemptsRead {
			continue
		}
		if _, twice := values[id]; twice {
			values[id] = "" // of two, none counts
			continue
		}
		ids, values[id] = append(ids, id), cookie.Value
	}
	return ids, values
}

// attempts are the values of the cookies of attempts by short id.
func (c *call) attempts() map[string]string {
	_, values := c.attemptIDs()
	return values
}

// setAttempt gives the browser the cookie of an attempt, and takes back the oldest
// if it has too many.
func (c *call) setAttempt(id, value string, life time.Duration) {
	ids, _ := c.attemptIDs()
	for len(ids) >= maxAttempts {
		c.dropAttempt(ids[0])
		ids = ids[1:]
	}
	c.setCookie(attemptCookie+id, value, life)
}

func (c *call) dropAttempt(id string) { c.setCookie(attemptCookie+id, "", 0) }
