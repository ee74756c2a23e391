package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// kindCredential is where the server keeps sessions.
const kindCredential = "auth-credential"

// session is the refresh token of a made-up session: the user, and three random
// parts of which the server keeps digests.
type session struct {
	user       entity.ID
	id, family [16]byte
	secret     [32]byte
}

// String is the token as clients send it.
func (s session) String() string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(s.user[:], s.id[:], s.family[:], s.secret[:]))
}

// session returns the n-th made-up session. All parts follow from its number: a
// hundred thousand need not be kept.
func (o *signOn) session(n int) session {
	part := func(what byte) [32]byte {
		return sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(n)), what))
	}
	id, family := part(1), part(2)
	user, err := entity.ParseID(o.users[n%len(o.users)])
	if err != nil {
		panic(err) // the server gave it
	}
	return session{user: user, id: [16]byte(id[:16]), family: [16]byte(family[:16]), secret: part(3)}
}

// fillSessions copies the administrator's session for everybody, while the server is
// down: signing so many people in would take minutes of hashing.
func (o *signOn) fillSessions(ctx context.Context) error {
	o.server.stop()
	db, err := sqlite.Open(ctx, filepath.Join(o.server.dir, "catalpa.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	err = o.copySession(ctx, db)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	o.server, err = o.begin(ctx, o.server.dir)
	if err == nil {
		o.admin.url = o.server.url
		fmt.Printf("%-28s %.1f MiB, ready after %v\n", fmt.Sprintf("start with %d sessions", sessions), o.server.memory(), o.server.started.Round(time.Millisecond))
	}
	return err
}

func (o *signOn) copySession(ctx context.Context, db *sqlite.Store) error {
	var pattern map[string]any
	err := db.View(ctx, func(r store.Reader) error {
		found, err := r.Records(ctx, store.RecordQuery{Kind: kindCredential, Any: true, Limit: 10_000})
		for _, rec := range found {
			if err == nil && strings.HasPrefix(rec.Key, "session/") {
				return json.Unmarshal(rec.Doc, &pattern)
			}
		}
		return err
	})
	if err != nil || pattern == nil {
		return fmt.Errorf("no session of the administrator to copy: %w", err)
	}
	const step = 1000
	for from := 0; from < sessions; from += step {
		err := db.Update(ctx, func(tx store.Tx) error {
			for n := from; n < from+step; n++ {
				s := o.session(n)
				secret, family := sha256.Sum256(s.secret[:]), sha256.Sum256(s.family[:])
				pattern["hash"], pattern["family"] = secret[:], family[:]
				doc, err := json.Marshal(pattern)
				if err != nil {
					return err
				}
				key := "session/" + base64.RawURLEncoding.EncodeToString(s.id[:])
				if err := tx.PutRecord(ctx, store.Record{Kind: kindCredential, Owner: s.user.String(), Key: key, At: 1, Doc: doc}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
