package key

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
)

// LegacyIssuer is the issuer of OpenMetadata's tokens unless configured otherwise.
const LegacyIssuer = "open-metadata.org"

// MaxVerifyOnly bounds how long a key that was brought to verify only may go on.
const MaxVerifyOnly = 90 * 24 * time.Hour

// change edits the file and takes the result into use.
func (r *Ring) change(edit func(*content) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rewrite(edit)
}

// rewrite is change for whoever holds mu. Under the lock of the file it starts from
// what the file holds now, so that no other process's change is lost.
func (r *Ring) rewrite(edit func(*content) error) error {
	release, err := lock(r.path + ".lock")
	if err != nil {
		return fmt.Errorf("lock the signing keys: %w", err)
	}
	defer release()
	before, err := secret.ReadFile(r.path)
	c := new(content)
	switch {
	case err == nil:
		if c, err = decode(before); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist) || r.brought == nil:
		return fmt.Errorf("read the signing keys: %w", err)
	}
	c.settle(r.clock(), r.life)
	if err := edit(c); err != nil {
		return err
	}
	s, err := r.index(c, nil)
	if err != nil {
		return err
	}
	after, err := c.encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		if err := secret.ReplaceFile(r.path, after); err != nil {
			return fmt.Errorf("write the signing keys: %w", err)
		}
	}
	if s.info, err = os.Lstat(r.path); err != nil {
		return err
	}
	r.current.Store(s)
	r.rest(lookEvery)
	return nil
}

// errOperator refuses to change what the configuration decides.
var errOperator = errors.New("the signing key comes from the files that the configuration names (jwtTokenConfiguration); " +
	"replace those and restart the server, or remove the setting to let the server keep its keys itself")

// Announce makes the key that signs next and publishes it; it becomes the current
// one after Lead.
func (r *Ring) Announce() (Info, error) {
	if r.brought != nil {
		return Info{}, errOperator
	}
	fresh, err := generate(r.clock())
	if err != nil {
		return Info{}, err
	}
	err = r.change(func(c *content) error {
		if i := c.find(isNext); i >= 0 {
			return fmt.Errorf("the key %s is published already and signs from %s; to let it sign at once: catalpa keys rotate --now",
				c.Keys[i].ID, time.UnixMilli(c.Keys[i].Due).UTC().Format(time.RFC3339))
		}
		if err := room(c); err != nil {
			return err
		}
		fresh.State, fresh.Due = Next, r.clock().Add(Lead).UnixMilli()
		c.Keys = append(c.Keys, fresh)
		return nil
	})
	return r.about(fresh.ID, err)
}

// Rotate makes the next key, or a new one if there is none, the current key at once;
// the former one only verifies from now on.
func (r *Ring) Rotate() (Info, error) {
	if r.brought != nil {
		return Info{}, errOperator
	}
	id, err := r.enthrone(func(*content) error { return nil })
	return r.about(id, err)
}

// enthrone makes another key the current one after an edit.
func (r *Ring) enthrone(edit func(*content) error) (string, error) {
	var spare kept
	if !slices.ContainsFunc(r.view().content.Keys, isNext) {
		var err error
		if spare, err = generate(r.clock()); err != nil {
			return "", err
		}
	}
	var id string
	err := r.change(func(c *content) error {
		if err := edit(c); err != nil {
			return err
		}
		if err := room(c); err != nil {
			return err
		}
		successor := spare
		if i := c.find(isNext); i >= 0 {
			successor = c.Keys[i]
			c.Keys = slices.Delete(c.Keys, i, i+1)
		}
		if successor.ID == "" { // the next key went away in between
			var err error
			if successor, err = generate(r.clock()); err != nil {
				return err
			}
		}
		id = successor.ID
		c.crown(successor, r.clock(), r.life)
		return nil
	})
	return id, err
}

func isNext(k kept) bool { return k.State == Next }

func room(c *content) error {
	if len(c.Keys) >= maxKeys {
		return fmt.Errorf("there are %d keys already; retire some first: catalpa keys list, catalpa keys retire KID", len(c.Keys))
	}
	return nil
}

// about describes a key that was changed just now.
func (r *Ring) about(id string, err error) (Info, error) {
	if err != nil {
		return Info{}, err
	}
	for _, info := range r.List() {
		if info.ID == id {
			return info, nil
		}
	}
	return Info{}, fmt.Errorf("the key %s was taken away by another process", id)
}

// Retire removes a key that does not sign; whatever it signed is refused then.
func (r *Ring) Retire(id string) error {
	return r.change(func(c *content) error {
		if r.brought != nil && r.brought.ID == id {
			return errOperator
		}
		i := c.find(func(k kept) bool { return k.ID == id })
		if i < 0 {
			return r.unknown(r.current.Load(), id)
		}
		if c.Keys[i].State == Current && r.brought == nil {
			return errors.New("the current key cannot be retired; rotate first: catalpa keys rotate --now. " +
				"If somebody else may have it: catalpa keys retire --compromised " + id)
		}
		c.remove(i, r.clock(), ReasonRetired)
		return nil
	})
}

// Compromise retires a key that somebody else may have, in whatever state it is, at
// once and for good. If it was the one that signs, a new key does so from now on:
// not the next one either, which lay beside it.
func (r *Ring) Compromise(id string) (signer Info, err error) {
	if r.brought != nil && r.brought.ID == id {
		return Info{}, errOperator
	}
	remove := func(c *content) error {
		i := c.find(func(k kept) bool { return k.ID == id })
		if i < 0 {
			return r.unknown(r.current.Load(), id)
		}
		current := c.Keys[i].State == Current
		c.remove(i, r.clock(), ReasonCompromised)
		if current {
			c.Keys = slices.DeleteFunc(c.Keys, isNext)
		}
		return nil
	}
	if s := r.view(); s.signer.ID != id {
		return s.signer.Info, r.change(remove)
	}
	fresh, err := r.enthrone(remove)
	return r.about(fresh, err)
}

// remove takes a key out; of one that never signed nothing needs to be remembered.
func (c *content) remove(i int, now time.Time, reason string) {
	if k := c.Keys[i]; k.State != Next || reason == ReasonCompromised {
		c.bury(k, now, reason)
	}
	c.Keys = slices.Delete(c.Keys, i, i+1)
}

func (r *Ring) unknown(s *snapshot, id string) error {
	if g, ok := s.retired[id]; ok {
		return fmt.Errorf("the key %q does not count any more since %s (%s)", id, g.At.UTC().Format(time.RFC3339), g.Reason)
	}
	return fmt.Errorf("there is no key %q; catalpa keys list shows them", id)
}

// Import names a pair of the operator that is to sign from now on.
type Import struct {
	PrivateFile string // PKCS#8 or PKCS#1, DER or PEM
	PublicFile  string // its public half; optional
	KeyID       string // RFC 7638 thumbprint when empty
}

// Import takes a pair into the ring and makes it the current key; the former one
// only verifies from now on. A next key, which never signed, is dropped.
func (r *Ring) Import(in Import) (Info, error) {
	if r.brought != nil {
		return Info{}, errOperator
	}
	if in.PrivateFile == "" {
		return Info{}, errors.New("a key that signs needs a private key file; a public key alone can be imported to verify only")
	}
	private, err := readPair(in.PrivateFile, in.PublicFile, rules{noLinks: true})
	if err != nil {
		return Info{}, err
	}
	id := in.KeyID
	if id == "" {
		id = Thumbprint(&private.PublicKey)
	}
	if id == PublishedID {
		return Info{}, fmt.Errorf("key id %s: %w", PublishedID, ErrPublished)
	}
	brought, err := keep(private, id, r.clock())
	if err != nil {
		return Info{}, err
	}
	brought.Imported = true
	err = r.change(func(c *content) error {
		if err := c.admit(id, &private.PublicKey); err != nil {
			return err
		}
		c.Keys = slices.DeleteFunc(c.Keys, isNext)
		c.crown(brought, r.clock(), r.life)
		return nil
	})
	return r.about(id, err)
}

// VerifyOnlyImport names a key that signed tokens elsewhere, or here once, which are
// to go on for a while.
type VerifyOnlyImport struct {
	PrivateFile string // either half will do; the private one is not kept
	PublicFile  string
	KeyID       string
	// Issuer is whose tokens the key verifies: those of bots, by the rules for
	// OpenMetadata's. Empty for a former key of this very server.
	Issuer string
	Until  time.Time
}

// ImportVerifyOnly takes a key into the ring that only verifies, until a date.
func (r *Ring) ImportVerifyOnly(in VerifyOnlyImport) (Info, error) {
	now := r.clock()
	if !in.Until.After(now) || in.Until.Sub(now) > MaxVerifyOnly {
		return Info{}, fmt.Errorf("the end must lie in the future, at most %d days ahead: until %s",
			int(MaxVerifyOnly/(24*time.Hour)), now.Add(MaxVerifyOnly).UTC().Format(time.DateOnly))
	}
	public, err := in.read()
	if err != nil {
		return Info{}, err
	}
	id := in.KeyID
	switch {
	case id == "" && in.Issuer != "":
		id = PublishedID // what OpenMetadata calls any key unless told otherwise
	case id == "":
		id = Thumbprint(public)
	case id == PublishedID && in.Issuer == "":
		return Info{}, fmt.Errorf("key id %s: %w", PublishedID, ErrPublished)
	}
	if r.brought != nil && r.brought.ID == id {
		return Info{}, fmt.Errorf("the key that signs has the id %q, too; give it another one first (jwtTokenConfiguration.keyId)", id)
	}
	if len(in.Issuer) > 200 || strings.TrimSpace(in.Issuer) != in.Issuer {
		return Info{}, errors.New("the issuer must be the exact iss of the tokens, of at most 200 characters")
	}
	err = r.change(func(c *content) error {
		if err := c.admit(id, public); err != nil {
			return err
		}
		c.Keys = append(c.Keys, kept{
			ID: id, State: VerifyOnly, Created: now.UnixMilli(), Since: now.UnixMilli(), Until: in.Until.UnixMilli(),
			Imported: true, Issuer: in.Issuer, Public: publicPEM(public),
		})
		return nil
	})
	return r.about(id, err)
}

func (in VerifyOnlyImport) read() (*rsa.PublicKey, error) {
	switch {
	case in.PrivateFile != "":
		private, err := readPair(in.PrivateFile, in.PublicFile, rules{noLinks: true})
		if err != nil {
			return nil, err
		}
		return &private.PublicKey, nil
	case in.PublicFile != "":
		return readPublic(in.PublicFile, rules{noLinks: true})
	}
	return nil, errors.New("name the file of the key: --public FILE or --private FILE")
}

// admit tells why a key may not come into the ring, and clears the way for one that
// was retired in good order.
func (c *content) admit(id string, public *rsa.PublicKey) error {
	if err := room(c); err != nil {
		return err
	}
	if len(id) > 100 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a key id has at most 100 visible ASCII characters")
	}
	print := Thumbprint(public)
	for _, k := range c.Keys {
		if k.ID == id {
			return fmt.Errorf("there is a key %q already; choose another id with --kid", id)
		}
		if known, err := k.public(); err == nil && known.Equal(public) {
			return fmt.Errorf("this very key is there already, as %q", k.ID)
		}
	}
	for _, g := range c.Retired {
		if g.Reason == ReasonCompromised && (g.Thumbprint == print || g.ID == id) {
			return fmt.Errorf("this key, or its id, was retired as compromised on %s and stays refused; make a new pair: %s",
				time.UnixMilli(g.At).UTC().Format(time.DateOnly), remedyNew)
		}
	}
	c.Retired = slices.DeleteFunc(c.Retired, func(g gone) bool { return g.ID == id })
	return nil
}
