package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// DefaultCost is the bcrypt cost of new hashes.
const DefaultCost = 12

// prefix marks hashes made here: bcrypt over a digest of the password, so that
// every character of a long one counts. Imported plain bcrypt hashes lack it.
const prefix = "bcrypt-sha256:"

const (
	mostParallel = 2  // hashing is meant to be slow: leave the cores to the others
	favoured     = 1  // beside them, for those who come with Favour
	maxQueue     = 64 // callers that may wait for their turn, of either kind
)

// parallel is how many strangers are served at once: at most half of the cores, or they
// would hold up who comes with Favour, and everything else.
func parallel() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), mostParallel) }

// Hasher hashes and verifies passwords, a few at a time. It is safe for
// concurrent use.
type Hasher struct {
	cost      int
	all, kept *lane
	evaluated atomic.Uint64
	decoy     string
}

// lane is a bounded queue in front of a few slots.
type lane struct {
	slots   chan struct{}
	waiting atomic.Int64
}

func newLane(slots int) *lane { return &lane{slots: make(chan struct{}, slots)} }

type favourKey struct{}

// Favour lets hashing under the context use a lane of its own, so that a flood of
// strangers does not keep out those who have been here before.
func Favour(ctx context.Context) context.Context { return context.WithValue(ctx, favourKey{}, true) }

// Evaluated returns how many passwords have been hashed or checked.
func (h *Hasher) Evaluated() uint64 { return h.evaluated.Load() }

// NewHasher returns a Hasher with a bcrypt cost; DefaultCost unless a test needs
// it quick.
func NewHasher(cost int) (*Hasher, error) {
	if cost < bcrypt.MinCost || cost > bcrypt.MaxCost {
		return nil, bcrypt.InvalidCostError(cost)
	}
	return &Hasher{cost: cost, all: newLane(parallel()), kept: newLane(favoured), decoy: newDecoy(cost)}, nil
}

// newDecoy makes up a hash that takes as long to check as any other. Nobody knows
// a password for it; making it costs nothing, unlike hashing one.
func newDecoy(cost int) string {
	const saltAndHash = 53
	text := rand.Text() + rand.Text() + rand.Text() // letters and digits, as bcrypt has them
	return fmt.Sprintf("%s$2a$%02d$%s", prefix, cost, text[:saltAndHash])
}

// Hash returns what to store of a password.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.hash(plain)
}

func (h *Hasher) hash(plain string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword(digest(plain), h.cost)
	if err != nil {
		return "", entity.Internal(err)
	}
	return prefix + string(hash), nil
}

// digest brings a password of any length under bcrypt's limit of 72 bytes. The
// key of the MAC keeps digests that leaked elsewhere from being of use here.
func digest(plain string) []byte {
	mac := hmac.New(sha256.New, []byte("catalpa password v1"))
	mac.Write([]byte(plain))
	return []byte(base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
}

// Verify tells whether the password is the one that was hashed, and whether the
// hash should be renewed because it is an imported or weaker one. An empty hash
// never fits, but takes the same time.
func (h *Hasher) Verify(ctx context.Context, hash, plain string) (ok, renew bool, err error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	input := []byte(plain)
	stored, ours := strings.CutPrefix(hash, prefix)
	if ours {
		input = digest(plain)
	} else if len(input) > 72 {
		input = input[:72] // what the other implementation did when it made the hash
	}
	err = bcrypt.CompareHashAndPassword([]byte(stored), input)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, false, nil
	}
	if err != nil {
		return false, false, entity.Internal(err)
	}
	cost, err := bcrypt.Cost([]byte(stored))
	return known, !ours || cost < h.cost, err
}

// enter waits for a slot and returns how to give it up.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	l := h.all
	if ctx.Value(favourKey{}) != nil {
		l = h.kept
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > maxQueue {
		return nil, &entity.Error{Kind: entity.KindUnavailable, Message: "Too many sign-ins at once. Please try after some time."}
	}
	select {
	case l.slots <- struct{}{}:
		h.evaluated.Add(1)
		return func() { <-l.slots }, nil
	case <-ctx.Done():
		return nil, &entity.Error{Kind: entity.KindUnavailable, Message: "The sign-in took too long. Please try again.", Cause: ctx.Err()}
	}
}
