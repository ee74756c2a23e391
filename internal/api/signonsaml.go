package api

import (
	"net/http"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// samlBody is enough for an answer of a SAML provider.
const samlBody = 1 << 20

// acceptSAML takes the answer that a SAML provider lets the browser post. The
// cookie of the attempt does not come along from another site, so the browser goes
// on to the callback, where it does.
func (c *call) acceptSAML() error {
	form, err := c.form()
	if err != nil {
		return err
	}
	query, err := c.auth.AcceptPost(c.ctx(), form, c.address())
	if err != nil {
		return err
	}
	return c.redirect("/callback?" + query.Encode())
}

// describer is a provider that tells others about this server.
type describer interface{ Metadata() []byte }

// samlMetadata is what the operator gives the SAML provider to know us by.
func (c *call) samlMetadata() error {
	provider, ok := c.auth.SignOn().Redirect.(describer)
	if !ok {
		return auth.Refuse(auth.CodeNoProvider)
	}
	text := provider.Metadata()
	h := c.w.Header()
	h.Set("Content-Type", "application/samlmetadata+xml")
	h.Set("Content-Disposition", `attachment; filename="catalpa-saml-metadata.xml"`)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(text) // if the client went away, nothing is left to answer
	}
	return nil
}
