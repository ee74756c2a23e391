package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Way is the way that requests take to the server from outside. The doctor goes it
// itself: whoever is refused because a proxy takes a header away cannot ask the server
// about it, by the same proxy.
type Way struct {
	Address  string                 // where browsers find the server
	Client   *http.Client           // follows no redirects
	Question func() (string, error) // by which the server knows its doctor
}

const (
	askTimeout = 3 * time.Second
	maxArrival = 64 << 10
	kibibyte   = 1 << 10
)

// mark is sent as a bearer; it is no token.
const mark = "Bearer catalpa-doctor"

// outcome is what became of a request.
type outcome struct {
	Arrival
	status   int
	location string
	cookies  []*http.Cookie
	arrived  bool // the server itself has answered
}

// examine asks the server by its public address, and compares what was sent with what
// arrived, and what was given with what came back.
func (w *Way) examine(ctx context.Context) []Check {
	defer w.Client.CloseIdleConnections()
	got, err := w.ask(ctx, mark)
	if err != nil {
		reason := "it does not answer"
		if known := entity.AsError(err); known != nil {
			reason = known.Message
		}
		return []Check{{Area: AreaProxy, Name: "way here", Status: Fine, Detail: fmt.Sprintf("not examined: %s cannot be asked from this machine (%s)", w.Address, reason)}}
	}
	if !got.arrived {
		return []Check{w.elsewhere(got)}
	}
	checks := OfArrival(got.Arrival, w.Address)
	checks = append(checks, got.authorization()...)
	checks = append(checks, got.cookie(strings.HasPrefix(w.Address, "https:"))...)
	checks = append(checks, w.sizes(ctx)...)
	if len(checks) == 0 {
		checks = []Check{{Area: AreaProxy, Name: "way here", Status: Fine, Detail: w.Address + " leads here, and requests arrive as they were sent"}}
	}
	return checks
}

// ask sends one request with this Authorization header.
func (w *Way) ask(ctx context.Context, authorization string) (outcome, error) {
	question, err := w.Question()
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	address := strings.TrimSuffix(w.Address, "/") + ArrivalPath + "?" + url.Values{"question": {question}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return outcome{}, err
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Accept", "application/json")
	req.AddCookie(&http.Cookie{Name: CookieName, Value: "asks"})
	resp, err := w.Client.Do(req)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	got := outcome{status: resp.StatusCode, location: resp.Header.Get("Location"), cookies: resp.Cookies()}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxArrival))
	got.arrived = err == nil && got.status == http.StatusOK && json.Unmarshal(body, &got.Arrival) == nil && got.SetCookie != ""
	return got, nil
}

// elsewhere names an answer that is not the server's.
func (w *Way) elsewhere(got outcome) Check {
	c := Check{Area: AreaProxy, Name: "way here", Status: Warning, Code: auth.CodeProxy}
	to, err := url.Parse(got.location)
	if got.status >= 300 && got.status < 400 && err == nil && to.Host != "" {
		c.Detail = fmt.Sprintf("%s redirects to %s://%s; programs drop the Authorization header on such a way", w.Address, to.Scheme, entity.Shorten(to.Host, 100))
		c.Remedy = "set oidcConfiguration.serverUrl to the address that it leads to, and give that one to programs"
		return c
	}
	c.Detail = fmt.Sprintf("%s answers with status %d, and it is not this server that does", w.Address, got.status)
	c.Remedy = "let the proxy lead all paths of that address to this server, and see that the server runs"
	return c
}

func (o outcome) authorization() []Check {
	if o.Authorization == Digest(mark) {
		return nil
	}
	what := "takes the Authorization header away: every call with a token is refused with " + auth.CodeMissing
	if o.Authorization != "" {
		what = "puts something else into the Authorization header: no token arrives"
	}
	return []Check{{
		Area: AreaProxy, Name: "Authorization", Status: Wrong, Code: auth.CodeProxy,
		Detail: "a proxy " + what + ". What arrives: " + entity.Shorten(strings.Join(o.Headers, ", "), 300),
		Remedy: "let the proxy pass the header on (nginx: proxy_set_header Authorization $http_authorization), and use no password of its own in that header",
	}}
}

// cookie compares the cookie that was given with the one that came.
func (o outcome) cookie(encrypted bool) []Check {
	wrong := func(detail, remedy string) Check {
		return Check{Area: AreaProxy, Name: "cookies", Status: Wrong, Code: auth.CodeProxy, Detail: detail, Remedy: remedy}
	}
	given, err := http.ParseSetCookie(o.SetCookie)
	if err != nil {
		return nil
	}
	var checks []Check
	if !o.Cookie {
		checks = append(checks, wrong("a proxy takes the Cookie header away: no session is found", "let the proxy pass the Cookie header on"))
	}
	var came *http.Cookie
	for _, c := range o.cookies {
		if c.Name == given.Name {
			came = c
		}
	}
	const remedy = "let the proxy pass Set-Cookie on as it is (nginx: no proxy_cookie_flags, proxy_cookie_path, proxy_cookie_domain)"
	switch {
	case came == nil:
		checks = append(checks, wrong("a proxy takes cookies out of answers, or renames them: browsers keep no session", remedy))
	case given.Secure && !came.Secure:
		checks = append(checks, wrong("a proxy drops Secure from cookies: browsers do not take them, or send them without encryption", remedy))
	case given.HttpOnly && !came.HttpOnly, given.Path != came.Path, given.Domain != came.Domain, given.SameSite != came.SameSite:
		checks = append(checks, wrong("a proxy changes cookies on the way to the browser (HttpOnly, SameSite, Path or Domain)", remedy))
	case encrypted && !given.Secure:
		checks = append(checks, wrong("the server gives cookies without Secure, as it does not know that browsers come by https",
			"let the proxy send X-Forwarded-Proto and add its address to trustedProxies, or set forceSecureSessionCookie"))
	}
	return checks
}

// sizes finds out which tokens fit through.
func (w *Way) sizes(ctx context.Context) []Check {
	const most = 8 * kibibyte
	refused := 0
	for size := most; size >= kibibyte; size /= 2 {
		got, err := w.ask(ctx, mark+strings.Repeat("-", size-len(mark)))
		if err == nil && got.arrived && size == most {
			return nil
		}
		if err == nil && got.arrived {
			return []Check{limited(fmt.Sprintf("%d KiB gets through, of %d KiB does not (status %d)", size/kibibyte, 2*size/kibibyte, refused))}
		}
		if errors.Is(err, context.Canceled) {
			return nil
		}
		refused = got.status
	}
	return []Check{limited(fmt.Sprintf("1 KiB does not get through (status %d)", refused))}
}

func limited(how string) Check {
	return Check{
		Area: AreaProxy, Name: "size of headers", Status: Warning, Code: auth.CodeProxy,
		Detail: "a proxy limits headers: an Authorization header of " + how + ". Tokens may have 8 KiB",
		Remedy: "raise its limit to 16 KiB (nginx: large_client_header_buffers 4 16k; Apache: LimitRequestFieldSize 16384); requestLimits.maxHeaderBytes is the server's own",
	}
}
