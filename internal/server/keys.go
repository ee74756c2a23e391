package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// What the command line needs to know of the ring.
const (
	LegacyIssuer  = key.LegacyIssuer  // of OpenMetadata's tokens, unless configured otherwise there
	MaxVerifyOnly = key.MaxVerifyOnly // how far ahead the end of a key that only verifies may lie
)

// keyOptions are the ring's, as the configuration has them. A key verifies as long
// as the longest token that it can have signed. The published pair is never put to
// use, even where the server starts in spite of it.
func keyOptions(cfg *config.Config) key.Options {
	options := key.Options{TokenLife: max(key.DefaultTokenLife, cfg.Login.TokenExpiry), OpenToOthers: cfg.Accepts(config.CodeKeyMode)}
	if !hasPublishedKey(cfg) {
		options.PrivateFile, options.PublicFile, options.KeyID = cfg.JWT.PrivateKeyPath, cfg.JWT.PublicKeyPath, cfg.JWT.KeyID
	}
	return options
}

func hasPublishedKey(cfg *config.Config) bool {
	return key.IsPublished(cfg.JWT.PrivateKeyPath, cfg.JWT.PublicKeyPath)
}

// KeyInfo describes a signing key without its secret.
type KeyInfo struct {
	ID         string    `json:"kid"`
	Algorithm  string    `json:"algorithm"`
	Bits       int       `json:"bits"`
	State      string    `json:"state"`
	Created    time.Time `json:"created,omitzero"`
	Due        time.Time `json:"signsFrom,omitzero"`
	Until      time.Time `json:"verifiesUntil,omitzero"` // of a verify-only key; zero for when it is retired
	Issuer     string    `json:"issuer,omitzero"`        // whose tokens a foreign key verifies
	Imported   bool      `json:"imported"`
	Configured bool      `json:"configured"` // in files that the configuration names
	Unlimited  bool      `json:"unlimited"`  // it signed a token that never expires
}

// RetiredKey is what is remembered of a key that does not count any more.
type RetiredKey struct {
	ID     string    `json:"kid"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Issuer string    `json:"issuer,omitzero"`
}

// KeySet is what there is to know about the signing keys.
type KeySet struct {
	Keys    []KeyInfo    `json:"keys"`
	Retired []RetiredKey `json:"retired"`
}

func keyInfo(k key.Info) KeyInfo {
	return KeyInfo{
		ID: k.ID, Algorithm: "RS256", Bits: k.Bits, State: k.State, Created: k.Created.UTC(), Due: k.Due.UTC(), Until: k.Until.UTC(),
		Issuer: k.Issuer, Imported: k.Imported, Configured: !k.Own, Unlimited: k.Endless,
	}
}

// Keys lists the signing keys.
func Keys(ctx context.Context, cfg *config.Config) (set KeySet, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		set = KeySet{Keys: []KeyInfo{}, Retired: []RetiredKey{}}
		for _, k := range a.keys.List() {
			set.Keys = append(set.Keys, keyInfo(k))
		}
		for _, k := range a.keys.RetiredKeys() {
			set.Retired = append(set.Retired, RetiredKey{ID: k.ID, At: k.At.UTC(), Reason: k.Reason, Issuer: k.Issuer})
		}
		return nil
	})
	return set, err
}

// RotateKey makes another key sign: after an hour in which it is published, or at
// once. A running server takes it up by itself.
func RotateKey(ctx context.Context, cfg *config.Config, atOnce bool) (out KeyInfo, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		info, err := a.auth.RotateKey(ctx, entity.System(), atOnce)
		out = keyInfo(info)
		return err
	})
	return out, err
}

// RotateMaster makes a new master key seal stored secrets; a running server takes it up
// within a second.
func RotateMaster(ctx context.Context, cfg *config.Config) error {
	return onDataDir(ctx, cfg, false, func(a *assembly) error { return a.auth.RotateMaster(ctx, entity.System()) })
}

// KeyImport names a key of the operator.
type KeyImport struct {
	PrivateFile, PublicFile, KeyID string

	VerifyOnly bool      // it signs nothing here
	Issuer     string    // of the tokens it verifies; empty for this server's own
	Until      time.Time // end of a key that only verifies
}

// ImportKey takes a key into the ring: to sign from now on, or to verify only.
func ImportKey(ctx context.Context, cfg *config.Config, in KeyImport) (out KeyInfo, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		var info key.Info
		var err error
		if in.VerifyOnly {
			info, err = a.auth.ImportVerifyOnlyKey(ctx, entity.System(), key.VerifyOnlyImport{
				PrivateFile: in.PrivateFile, PublicFile: in.PublicFile, KeyID: in.KeyID, Issuer: in.Issuer, Until: in.Until,
			})
		} else {
			info, err = a.auth.ImportKey(ctx, entity.System(), key.Import{PrivateFile: in.PrivateFile, PublicFile: in.PublicFile, KeyID: in.KeyID})
		}
		out = keyInfo(info)
		return err
	})
	return out, err
}

// PublicKey returns the public half of a key as PEM, of the current one for "".
func PublicKey(ctx context.Context, cfg *config.Config, id string) (text string, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		text, err = a.keys.PublicPEM(id)
		return err
	})
	return text, err
}

// KeySetDocument returns the public keys as a JSON Web Key Set.
func KeySetDocument(ctx context.Context, cfg *config.Config) (doc []byte, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		doc = a.keys.JWKS()
		return nil
	})
	return doc, err
}

// KeyRetirement says which key is to be refused from now on.
type KeyRetirement struct {
	ID          string
	Compromised bool // even if it signs at the moment, and for good
	// ReissueDir is where new tokens of the bots concerned go, each into a file that
	// only this account can read; no new tokens if empty.
	ReissueDir string
}

// KeyHolder is somebody whose tokens ended with a key.
type KeyHolder struct {
	Name   string
	IsBot  bool
	Tokens int
	File   string // that holds the new token of a bot, if one was asked for
}

// RetireKey refuses whatever the key signed, and tells whom that concerns and which
// key signs now.
func RetireKey(ctx context.Context, cfg *config.Config, in KeyRetirement) (signer KeyInfo, holders []KeyHolder, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		if in.ReissueDir != "" {
			if err := os.MkdirAll(in.ReissueDir, 0o700); err != nil {
				return fmt.Errorf("making the directory for new tokens: %w", err)
			}
		}
		info, err := a.auth.RetireKey(ctx, entity.System(), in.ID, in.Compromised)
		if err != nil {
			return err
		}
		signer = keyInfo(info)
		found, err := a.auth.HoldersOf(ctx, in.ID)
		if err != nil {
			return fmt.Errorf("the key is retired, but whose tokens it signed cannot be listed: %w", err)
		}
		var failed error
		for _, h := range found {
			holder := KeyHolder{Name: h.Name, IsBot: h.IsBot, Tokens: h.Tokens}
			if in.ReissueDir != "" && h.IsBot {
				if holder.File, err = a.reissue(ctx, h, in); err != nil {
					failed = errors.Join(failed, fmt.Errorf("a new token for %s: %w", h.Name, err))
				}
			}
			holders = append(holders, holder)
		}
		return failed
	})
	return signer, holders, err
}

// reissue puts a new token of a bot into a file of its own, and into the file that
// the first start made if that held a token of the key.
func (a *assembly) reissue(ctx context.Context, h auth.Holder, in KeyRetirement) (string, error) {
	token, err := a.auth.ReissueBotToken(ctx, entity.System(), h)
	if err != nil {
		return "", err
	}
	file := filepath.Join(in.ReissueDir, url.PathEscape(h.Name)+".jwt")
	if err := secret.ReplaceFile(file, []byte(token.Token)); err != nil {
		return "", err
	}
	first := filepath.Join(a.dataDir, botTokenFile)
	if former, err := secret.ReadFile(first); err == nil && h.Name == "ingestion-bot" && keyOf(string(former)) == in.ID {
		return file, secret.ReplaceFile(first, []byte(token.Token))
	}
	return file, nil
}

// keyOf reads the id of the key that signed a token.
func keyOf(token string) string {
	part, _, _ := strings.Cut(token, ".")
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return ""
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		return ""
	}
	return header.KeyID
}
