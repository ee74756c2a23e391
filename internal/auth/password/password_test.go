package password

import (
	"context"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func testHasher(t testing.TB) *Hasher {
	t.Helper()
	h, err := NewHasher(bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashAndVerify(t *testing.T) {
	h := testHasher(t)
	long := strings.Repeat("Aa1!", 30)
	for _, plain := range []string{"", "Correct-Horse-7", long, "pässwörd\x00with NUL"} {
		hash, err := h.Hash(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		if plain != "" && strings.Contains(hash, plain) {
			t.Error("the hash holds the password")
		}
		ok, renew, err := h.Verify(t.Context(), hash, plain)
		if !ok || renew || err != nil {
			t.Errorf("%.10q: %v %v %v", plain, ok, renew, err)
		}
		if ok, _, _ := h.Verify(t.Context(), hash, plain+"x"); ok {
			t.Errorf("%.10q: one more character is accepted", plain)
		}
	}
}

func TestVerifyWithoutAHash(t *testing.T) {
	h := testHasher(t)
	for _, plain := range []string{"", "anything"} {
		if ok, _, err := h.Verify(t.Context(), "", plain); ok || err != nil {
			t.Errorf("%q: %v, %v", plain, ok, err)
		}
	}
	cost, err := bcrypt.Cost([]byte(strings.TrimPrefix(h.decoy, prefix)))
	if err != nil || cost != bcrypt.MinCost {
		t.Errorf("the decoy has cost %d, %v; checking it would take another time", cost, err)
	}
	if ok, _, err := h.Verify(t.Context(), "damaged", "x"); ok || err == nil {
		t.Errorf("a damaged hash: %v, %v", ok, err)
	}
}

func TestNewHasherRefusesCosts(t *testing.T) {
	for _, cost := range []int{0, bcrypt.MinCost - 1, bcrypt.MaxCost + 1} {
		if _, err := NewHasher(cost); err == nil {
			t.Errorf("cost %d is accepted", cost)
		}
	}
}

func TestOldHashesAreToBeRenewed(t *testing.T) {
	weak := testHasher(t)
	strong, err := NewHasher(bcrypt.MinCost + 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := weak.Hash(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	if ok, renew, err := strong.Verify(t.Context(), hash, "p"); !ok || !renew || err != nil {
		t.Errorf("weaker: %v %v %v", ok, renew, err)
	}
	imported, err := bcrypt.GenerateFromPassword([]byte("p"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if ok, renew, err := weak.Verify(t.Context(), string(imported), "p"); !ok || !renew || err != nil {
		t.Errorf("imported: %v %v %v", ok, renew, err)
	}
}

// TestL05QueueIsBounded: an attack takes no more memory than its place in the line,
// and does not keep out those who are known.
func TestL05QueueIsBounded(t *testing.T) {
	h := testHasher(t)
	for range parallel() {
		h.all.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	refused := make(chan error, maxQueue+10)
	for range maxQueue + 10 {
		wg.Go(func() {
			_, err := h.Hash(ctx, "x")
			refused <- err
		})
	}
	for range 10 { // those beyond the queue are refused while the others wait
		if err := <-refused; entity.KindOf(err) != entity.KindUnavailable || ctx.Err() != nil {
			t.Errorf("refused with %v", err)
		}
	}
	// Those who are known do not stand in that line.
	if _, err := h.Hash(Favour(t.Context()), "x"); err != nil {
		t.Errorf("favoured: %v", err)
	}
	cancel()
	wg.Wait()
	for range parallel() {
		<-h.all.slots
	}
	if n := h.Evaluated(); n != 1 {
		t.Errorf("%d evaluated, want the favoured one", n)
	}
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for plain, want := range map[string]string{
		"Correct-Horse-7":          "",
		"Zxé9-üöäß":                "",
		"aB3$aB3":                  "minimum 8",
		strings.Repeat("aB3$", 33): "maximum 128",
		"alllower7!":               "upper case",
		"ALLUPPER7!":               "lower case",
		"NoDigits-here":            "digit",
		"NoSpecial77":              "special",
		"Control-7\x00Horse":       "control",
		"Invalid-7\xff-Horse":      "text",
		"Password1!":               "tried first",
		"P@ssw0rd123!":             "tried first",
		"Welcome2026!":             "tried first",
		"Admin123$":                "tried first",
		"Qwertz123!":               "tried first",
		"Ann.Miller-7@Example.org": "name or email",
		"Ann.Miller-7":             "name or email",
		"":                         "minimum 8",
		"Summer2026!":              "tried first",
		"My-Summer-of-2026!":       "",
		"!!Password1":              "tried first",
		"1Q2w3e4r!":                "tried first",
		"Zaq12wsx!":                "tried first",
		"Aa123456!":                "tried first",
		"Samantha1!":               "tried first",
		"4l3x4nd3R!":               "tried first",
		"Naruto2026#":              "tried first",
		"aB3$-xY7!":                "",
	} {
		err := Check(plain, "annie", "ann.miller-7@example.org")
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", plain, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", plain, err, want)
		case err != nil && entity.KindOf(err) != entity.KindBadRequest:
			t.Errorf("%q: kind %d", plain, entity.KindOf(err))
		case err != nil && len(plain) > 8 && strings.Contains(err.Error(), plain):
			t.Errorf("the message quotes the password: %v", err)
		}
	}
}

func TestGenerate(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		plain, err := Generate()
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) != 24 || seen[plain] {
			t.Errorf("length %d, seen before: %v", len(plain), seen[plain])
		}
		seen[plain] = true
		if err := Check(plain, "admin", "admin@example.org"); err != nil {
			t.Errorf("a generated password breaks the rules: %v", err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "Password1!", "\xff\x00", "Correct-Horse-7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, plain string) {
		if Check(plain, "n", "e@x") == nil && (len(plain) < MinLength || len([]rune(plain)) > MaxLength) {
			t.Errorf("%q passes", plain)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	h, err := NewHasher(DefaultCost)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := h.Verify(b.Context(), "", "anything"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCommonPasswordsAreRefused: each of the 10,000 that are tried first, as it is and
// as people dress it up for the other rules.
func TestCommonPasswordsAreRefused(t *testing.T) {
	for _, word := range listed() {
		dressed := []string{word, word + "!", "#" + word + "$"}
		if first := word[0]; 'a' <= first && first <= 'z' {
			dressed = append(dressed, strings.ToUpper(word[:1])+word[1:]+"!", strings.ToUpper(word[:1])+word[1:]+"?!")
		}
		for _, plain := range dressed {
			if err := Check(plain, "ann", "ann@example.org"); err == nil {
				t.Errorf("%q is taken", plain)
			}
		}
	}
	for range 1000 {
		plain, err := Generate()
		if err != nil || Check(plain, "ann", "ann@example.org") != nil {
			t.Fatalf("a random one is refused: %v, %v", plain, err)
		}
	}
}
