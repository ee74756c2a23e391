package key

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The states of a key.
const (
	Next       = "next"        // published, signs later
	Current    = "current"     // signs and verifies
	VerifyOnly = "verify-only" // verifies what it signed earlier
)

// Why a key does not count any more.
const (
	ReasonEnded       = "ended"       // the last token it can have signed has expired
	ReasonRetired     = "retired"     // by the operator
	ReasonCompromised = "compromised" // somebody else may have it
	ReasonReplaced    = "replaced"    // the operator's files hold another one
)

// Bits is the size of the keys made here. Making one takes about 0.2 s on
// average; verifying costs so little that the size does not matter there.
const Bits = 3072

// RingFile is the name of the ring's file in its directory.
const RingFile = "signing-keys.json"

const (
	// slack covers clocks that differ and a process that has not noticed yet that
	// another key signs now.
	slack      = time.Hour
	maxRetired = 200 // remembered
	maxKeys    = 50  // in the ring
)

// content is the file of the data directory.
type content struct {
	Keys    []kept `json:"keys"`
	Retired []gone `json:"retired,omitzero"`
	// Brought are the operator's keys that were used here; only their names are kept.
	Brought []gone `json:"brought,omitzero"`
}

// kept is a key in the file. Times are milliseconds since 1970.
type kept struct {
	ID       string `json:"kid"`
	State    string `json:"state"`
	Created  int64  `json:"created"`
	Since    int64  `json:"since,omitzero"`    // in this state
	Due      int64  `json:"due,omitzero"`      // when a next key becomes the current one
	Until    int64  `json:"until,omitzero"`    // end of a verify-only key; 0 for when it is retired
	Endless  bool   `json:"endless,omitzero"`  // it signed a token that never expires
	Imported bool   `json:"imported,omitzero"` // brought by the operator rather than made here
	Issuer   string `json:"issuer,omitzero"`   // whose tokens a foreign key verifies
	Private  string `json:"private,omitzero"`  // PKCS#8 in PEM; keys that only verify have none
	Public   string `json:"public,omitzero"`   // X.509 in PEM
}

// gone is what is remembered of a key that does not count any more.
type gone struct {
	ID         string `json:"kid"`
	Thumbprint string `json:"thumbprint,omitzero"`
	At         int64  `json:"at"`
	Reason     string `json:"reason,omitzero"`
	Issuer     string `json:"issuer,omitzero"`
}

// decode reads the file; a list alone is the form of the first release.
func decode(data []byte) (*content, error) {
	c := new(content)
	var err error
	if jsontext.Value(data).Kind() == '[' {
		err = json.Unmarshal(data, &c.Keys)
	} else {
		err = json.Unmarshal(data, c)
	}
	if err != nil || len(c.Keys) == 0 && len(c.Brought) == 0 {
		// The decoder's error could quote the key.
		return nil, fmt.Errorf("%s is damaged; restore it from the backup, or remove it to get a new key (all tokens end then)", RingFile)
	}
	return c, nil
}

func (c *content) encode() ([]byte, error) { return json.Marshal(c, jsontext.WithIndent("  ")) }

func (c *content) clone() *content {
	return &content{Keys: slices.Clone(c.Keys), Retired: slices.Clone(c.Retired), Brought: slices.Clone(c.Brought)}
}

// settle does what has become due: every process comes to the same result from the
// same file at the same time, whether or not another one has written it down.
func (c *content) settle(now time.Time, life time.Duration) {
	ms := now.UnixMilli()
	if i := c.find(func(k kept) bool { return k.State == Next && k.Due <= ms }); i >= 0 {
		next := c.Keys[i]
		c.Keys = slices.Delete(c.Keys, i, i+1)
		c.crown(next, time.UnixMilli(next.Due), life)
	}
	for _, k := range c.Keys {
		if k.ended(ms) {
			c.bury(k, time.UnixMilli(k.Until), ReasonEnded)
		}
	}
	c.Keys = slices.DeleteFunc(c.Keys, func(k kept) bool { return k.ended(ms) })
}

func (k kept) ended(ms int64) bool { return k.State == VerifyOnly && k.Until != 0 && k.Until <= ms }

// turn is when settle has something to do again, 0 for never.
func (c *content) turn() int64 {
	var first int64
	for _, k := range c.Keys {
		at := k.Until
		if k.State == Next {
			at = k.Due
		}
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

func (c *content) find(match func(kept) bool) int { return slices.IndexFunc(c.Keys, match) }

// crown makes k the current key; the one before only verifies, until the last token
// that it can have signed is over.
func (c *content) crown(k kept, at time.Time, life time.Duration) {
	for i := range c.Keys {
		if former := &c.Keys[i]; former.State == Current {
			former.demote(at, life)
		}
	}
	k.State, k.Since, k.Due = Current, at.UnixMilli(), 0
	c.Keys = append([]kept{k}, c.Keys...)
}

// demote also forgets the private half: nothing is signed with it again.
func (k *kept) demote(at time.Time, life time.Duration) {
	if k.Public == "" {
		private, err := ParsePrivate([]byte(k.Private))
		if err != nil {
			return // reading the ring reports it
		}
		k.Public = publicPEM(&private.PublicKey)
	}
	k.State, k.Since, k.Private = VerifyOnly, at.UnixMilli(), ""
	if !k.Endless {
		k.Until = at.Add(life + slack).UnixMilli()
	}
}

// bury remembers a key that does not count any more.
func (c *content) bury(k kept, at time.Time, reason string) {
	g := gone{ID: k.ID, At: at.UnixMilli(), Reason: reason, Issuer: k.Issuer}
	if public, err := k.public(); err == nil {
		g.Thumbprint = Thumbprint(public)
	}
	c.Retired = append(c.Retired, g)
	if surplus := len(c.Retired) - maxRetired; surplus > 0 {
		c.Retired = slices.Delete(c.Retired, 0, surplus)
	}
}

func (k kept) public() (*rsa.PublicKey, error) {
	if k.Public != "" {
		return ParsePublic([]byte(k.Public))
	}
	private, err := ParsePrivate([]byte(k.Private))
	if err != nil {
		return nil, err
	}
	return &private.PublicKey, nil
}

// generate makes a pair. It takes a while: not to be done under a lock.
func generate(now time.Time) (kept, error) {
	private, err := rsa.GenerateKey(rand.Reader, Bits)
	if err != nil {
		return kept{}, err
	}
	return keep(private, Thumbprint(&private.PublicKey), now)
}

func keep(private *rsa.PrivateKey, id string, now time.Time) (kept, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return kept{}, err
	}
	return kept{
		ID: id, State: Current, Created: now.UnixMilli(), Since: now.UnixMilli(),
		Private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Public:  publicPEM(&private.PublicKey),
	}, nil
}

func publicPEM(public *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil { // only for other types of key
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
