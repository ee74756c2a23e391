package key

import (
	"crypto/rsa"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
)

// view returns the ring as it is now: what another process has changed counts
// within a second, what has become due counts at once.
func (r *Ring) view() *snapshot {
	s := r.current.Load()
	// Real time, whatever clock tokens are judged by: it is about another process.
	rested := int64(time.Since(r.opened)) < r.lookAt.Load()
	if rested && !r.due(s) {
		return s
	}
	// Everybody else goes on with what is known.
	if !r.mu.TryLock() {
		return s
	}
	defer r.mu.Unlock()
	return r.look(r.current.Load())
}

// due tells whether a key is to come or to go.
func (r *Ring) due(s *snapshot) bool { return s.turn != 0 && r.clock().UnixMilli() >= s.turn }

// look reads the file if it has changed. What cannot be read leaves the keys as
// they were: losing the file must not stop a server that runs. The caller holds mu.
func (r *Ring) look(s *snapshot) *snapshot {
	r.rest(lookEvery)
	r.failed.Store(false)
	due := r.due(s)
	info, err := os.Lstat(r.path)
	if err == nil && !due && sameFile(info, s.info) {
		return s
	}
	if due {
		// Written down by whoever is first, so that the private half goes away.
		if err := r.rewrite(func(*content) error { return nil }); err == nil {
			return r.current.Load()
		}
	}
	fresh, err := r.read(info)
	if err != nil {
		r.failed.Store(true)
		r.rest(lookAgain)
		r.log.Error("the signing keys cannot be read again; those known go on", "error", err)
		fresh = s.content.clone()
	}
	fresh.settle(r.clock(), r.life)
	next, err := r.index(fresh, info)
	if err != nil {
		r.failed.Store(true)
		r.rest(lookAgain)
		r.log.Error("the signing keys cannot be used; those known go on", "error", err)
		return s
	}
	r.current.Store(next)
	return next
}

// seek is view for an id that view did not know: another process may have made the
// key just now. Looking costs less than the request that asks.
func (r *Ring) seek(s *snapshot, id string) *snapshot {
	if id == "" || r.failed.Load() || s.retired[id].ID != "" {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.look(r.current.Load())
}

func (r *Ring) rest(d time.Duration) { r.lookAt.Store(int64(time.Since(r.opened) + d)) }

func (r *Ring) read(info fs.FileInfo) (*content, error) {
	if info == nil {
		return nil, fs.ErrNotExist
	}
	data, err := secret.ReadFile(r.path)
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// sameFile tells whether nobody has replaced or written the file in between.
func sameFile(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// Signer returns the current key and its id.
func (r *Ring) Signer() (id string, private *rsa.PrivateKey) {
	e := r.signing().signer
	return e.ID, e.private
}

// signing is view that waits for what has become due: signing is rare.
func (r *Ring) signing() *snapshot {
	s := r.view()
	if !r.due(s) {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.look(r.current.Load())
}

// EndlessSigner is Signer for a token without an end: it takes note that the key
// has to verify until it is retired.
func (r *Ring) EndlessSigner() (id string, private *rsa.PrivateKey, err error) {
	for range 3 { // another process may rotate in between
		s := r.signing()
		if s.signer.Endless || !s.signer.Own {
			return s.signer.ID, s.signer.private, nil
		}
		err := r.change(func(c *content) error {
			if i := c.find(func(k kept) bool { return k.State == Current }); i >= 0 {
				c.Keys[i].Endless = true
			}
			return nil
		})
		if err != nil {
			return "", nil, err
		}
	}
	return "", nil, errBusy
}

// Public returns the public key with the id, of those that sign or signed this
// server's own tokens. An empty id finds the only key, if there is just one.
func (r *Ring) Public(id string) (*rsa.PublicKey, bool) {
	s := r.view()
	if id == "" && len(s.entries) == 1 {
		return s.signer.public, true
	}
	e, ok := s.entries[id]
	if !ok {
		e, ok = r.seek(s, id).entries[id]
	}
	if !ok || r.ended(e) {
		return nil, false
	}
	return e.public, true
}

// Foreign returns the public key with the id that verifies tokens of another
// issuer, and that issuer.
func (r *Ring) Foreign(id string) (public *rsa.PublicKey, issuer string, ok bool) {
	s := r.view()
	e, ok := s.foreign[id]
	if !ok && s.entries[id] == nil {
		e, ok = r.seek(s, id).foreign[id]
	}
	if !ok || r.ended(e) {
		return nil, "", false
	}
	return e.public, e.Issuer, true
}

// HasForeign tells whether there is any key of another issuer.
func (r *Ring) HasForeign() bool { return len(r.view().foreign) > 0 }

func (r *Ring) ended(e *entry) bool { return e.until != 0 && r.clock().UnixMilli() >= e.until }

// Retired tells about a key that once counted here and does not any more.
func (r *Ring) Retired(id string) (Retired, bool) {
	s := r.view()
	if g, ok := s.retired[id]; ok {
		return g, true
	}
	for _, e := range []*entry{s.entries[id], s.foreign[id]} {
		if e != nil && r.ended(e) { // not written down yet
			return Retired{ID: id, Thumbprint: Thumbprint(e.public), At: e.Until, Reason: ReasonEnded, Issuer: e.Issuer}, true
		}
	}
	return Retired{}, false
}

// RetiredKeys lists those that are remembered, the latest first.
func (r *Ring) RetiredKeys() []Retired {
	s := r.view()
	list := make([]Retired, 0, len(s.retired))
	for _, g := range s.retired {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b Retired) int { return b.At.Compare(a.At) })
	return list
}

// JWKS returns the public keys of this server's own tokens as a JSON Web Key Set.
// The caller must not change the bytes.
func (r *Ring) JWKS() []byte { return r.view().jwks }

// List describes the keys, the current one first, those of other issuers last.
func (r *Ring) List() []Info {
	s := r.view()
	infos := make([]Info, 0, len(s.entries)+len(s.foreign))
	for _, set := range []map[string]*entry{s.entries, s.foreign} {
		for _, e := range sorted(set) {
			infos = append(infos, e.Info)
		}
	}
	return infos
}

// PublicPEM returns a key's public half as X.509 in PEM; the current one's for "".
func (r *Ring) PublicPEM(id string) (string, error) {
	s := r.view()
	if id == "" {
		id = s.signer.ID
	}
	for _, set := range []map[string]*entry{s.entries, s.foreign} {
		if e := set[id]; e != nil {
			return publicPEM(e.public), nil
		}
	}
	return "", r.unknown(s, id)
}
