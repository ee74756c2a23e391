package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

const (
	maxRefresh       = 50 * time.Millisecond // p99 with all sessions
	maxRefreshGrowth = 1.25                  // of the CPU, against few sessions
	fewSessions      = 5_000                 // of the server to compare with
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

// sessions copies the administrator's session for everybody, while the server is
// down: signing so many people in would take minutes of hashing. A second server has
// few sessions of the same people; both are asked in turns.
func (o *signOn) sessions(ctx context.Context) error {
	o.server.stop()
	data := o.server.dir
	fewer := data + "-few"
	if err := copyPrivate(data, fewer); err != nil {
		return err
	}
	if err := o.copySession(ctx, fewer, fewSessions); err != nil {
		return err
	}
	if err := o.copySession(ctx, data, sessions); err != nil {
		return err
	}
	few, err := o.begin(ctx, fewer)
	if err != nil {
		return err
	}
	defer few.stop()
	if o.server, err = o.begin(ctx, data); err != nil {
		return err
	}
	o.admin.url = o.server.url
	fmt.Printf("%-28s %.1f MiB, ready after %v\n", fmt.Sprintf("start with %d sessions", sessions), o.server.memory(), o.server.started.Round(time.Millisecond))
	r, err := inTurns(ctx, 10, o.refresh("refresh, few sessions", few, fewSessions), o.refresh("refresh, 100,000 sessions", o.server, sessions))
	if err != nil {
		return err
	}
	growth := r[1].perOp().Seconds() / r[0].perOp().Seconds()
	o.latency("L03 refresh", r[1].p99, maxRefresh, fmt.Sprintf("with %d sessions, %v with %d", sessions, r[0].p99.Round(time.Millisecond), fewSessions))
	o.goal("L03 refresh, growth", growth <= maxRefreshGrowth, "%.2f times the CPU with %d sessions, goal %.2f", growth, fewSessions, maxRefreshGrowth)
	return nil
}

// copyPrivate copies a data directory; nobody else may read the copy either.
func copyPrivate(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if d.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}

// refresh renews the sessions of a server, each at most once.
func (o *signOn) refresh(name string, server *process, count int) load {
	order := rand.Perm(count)
	var next atomic.Int64
	c := newClient(server.url, "")
	return load{name: name, server: server, clients: 2, period: 2 * o.s.period, op: func(ctx context.Context, _ int) error {
		n := int(next.Add(1)) - 1
		if n >= count {
			return fmt.Errorf("all %d sessions have been renewed: measure for a shorter time", count)
		}
		body := fmt.Sprintf(`{"refreshToken":%q}`, o.session(order[n]).String())
		_, err := c.do(ctx, http.MethodPost, "/api/v1/users/refresh", jsonType, []byte(body))
		return err
	}}
}

// copySession writes sessions into the store of a data directory.
func (o *signOn) copySession(ctx context.Context, data string, count int) (err error) {
	db, err := sqlite.Open(ctx, filepath.Join(data, "catalpa.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := db.Close(); err == nil {
			err = closeErr
		}
	}()
	var pattern map[string]any
	err = db.View(ctx, func(r store.Reader) error {
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
	for from := 0; from < count; from += step {
		err := db.Update(ctx, func(tx store.Tx) error {
			for n := from; n < min(from+step, count); n++ {
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
