package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/server"
)

type keysCommand struct {
	List         keysListCommand   `cmd:"" help:"List the signing keys and what each is used for."`
	Rotate       keysRotateCommand `cmd:"" help:"Let a new key sign, with overlap."`
	Retire       keysRetireCommand `cmd:"" help:"Refuse all tokens of a key."`
	Import       keysImportCommand `cmd:"" help:"Bring a key of your own, to sign or to verify only."`
	ExportPublic keysExportCommand `cmd:"" name:"export-public" help:"Print the public half of a key."`
	RotateMaster keysMasterCommand `cmd:"" name:"rotate-master" help:"Let a new master key seal stored secrets, with overlap."`
}

type keysListCommand struct {
	JSON bool `name:"json" help:"Print JSON, with the keys that were retired."`
	dataDirFlags
}

// Help is shown below the flags.
func (keysListCommand) Help() string {
	return `A key is next (published, signs later), current (signs) or verify-only (verifies what it signed earlier). The server may be running on the directory or not.`
}

// Run prints one line for each key.
func (c *keysListCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	set, err := server.Keys(ctx, cfg)
	if err != nil {
		return fmt.Errorf("listing the keys: %w", err)
	}
	if c.JSON {
		if err := json.MarshalWrite(out.stdout, set, jsontext.WithIndent("  ")); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out.stdout)
		return err
	}
	table := tabwriter.NewWriter(out.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "KEY ID\tALGORITHM\tSTATE\tCREATED\tNOTE")
	for _, key := range set.Keys {
		created := "-"
		if !key.Created.IsZero() {
			created = stamp(key.Created)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", key.ID, key.Algorithm, key.State, created, note(key))
	}
	return table.Flush()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// note says what the other columns do not.
func note(key server.KeyInfo) string {
	var notes []string
	if key.Issuer != "" {
		notes = append(notes, "bot tokens of "+key.Issuer)
	}
	switch {
	case !key.Due.IsZero():
		notes = append(notes, "signs from "+stamp(key.Due))
	case !key.Until.IsZero():
		notes = append(notes, "until "+stamp(key.Until))
	case key.State == "verify-only":
		notes = append(notes, "until retired")
	}
	if key.Unlimited {
		notes = append(notes, "signed tokens that never expire")
	}
	if key.Configured {
		notes = append(notes, "from the configured files")
	}
	return strings.Join(notes, ", ")
}

type keysRotateCommand struct {
	Now bool `name:"now" help:"Sign with the new key at once. Whoever keeps this server's key set may refuse its tokens for five minutes."`
	dataDirFlags
}

// Help is shown below the flags.
func (keysRotateCommand) Help() string {
	return `The new key is published an hour before it signs. The present one verifies until the last token that it can have signed has expired; a key that signed a token without an end, until it is retired. Tokens in use go on. The server may be running on the directory or not; it takes the key up by itself.

Examples:
  catalpa keys rotate --data-dir /var/lib/catalpa
  catalpa keys rotate --now --data-dir /var/lib/catalpa`
}

// Run makes and publishes a key.
func (c *keysRotateCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	key, err := server.RotateKey(ctx, cfg, c.Now)
	if err != nil {
		return fmt.Errorf("rotating the keys: %w", err)
	}
	when := "now"
	if !key.Due.IsZero() {
		when = "from " + stamp(key.Due)
	}
	_, err = fmt.Fprintf(out.stdout, "%s signs %s\n", key.ID, when)
	return err
}

type keysMasterCommand struct {
	dataDirFlags
}

// Help is shown below the flags.
func (keysMasterCommand) Help() string {
	return `The master key seals the secrets in the store: passwords of connections, and what sessions keep of the identity provider. The new key seals from now on; the former ones stay in master.key and open what they sealed. Back the file up again. The server may be running on the directory or not; it takes the key up within a second.

Example:
  catalpa keys rotate-master --data-dir /var/lib/catalpa`
}

// Run adds a master key.
func (c *keysMasterCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := server.RotateMaster(ctx, cfg); err != nil {
		return fmt.Errorf("rotating the master key: %w", err)
	}
	_, err = fmt.Fprintln(out.stdout, "a new master key seals from now on; back master.key up again")
	return err
}

type keysRetireCommand struct {
	ID          string `arg:"" name:"kid" help:"Id of the key, as catalpa keys list shows it."`
	Compromised bool   `name:"compromised" help:"Somebody else may have the key: retire it even if it signs, and never take it in again."`
	Reissue     string `name:"reissue" type:"path" placeholder:"DIR" help:"Make new tokens for the bots concerned, each in a file of this directory that only this account can read."`
	dataDirFlags
}

// Help is shown below the flags.
func (keysRetireCommand) Help() string {
	return `Whatever the key signed is refused within a second, with the code SEC-KEY-ROTATED: by a running server, too. The bots and people whose tokens end are listed. The current key can only be retired as compromised; a new one signs at once then.

New tokens go into files, not to the terminal, where they would stay in its history or in a log: DIR/<name of the bot's user>.jwt. The ingestion client takes the path of such a file in place of a token.

Examples:
  catalpa keys retire HkT3tPbTL0vHqJmVyG4pXK6Yw2Y --data-dir /var/lib/catalpa
  catalpa keys retire HkT3tPbTL0vHqJmVyG4pXK6Yw2Y --compromised --reissue ./new-tokens --data-dir /var/lib/catalpa`
}

// Run retires a key.
func (c *keysRetireCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	signer, holders, err := server.RetireKey(ctx, cfg, server.KeyRetirement{ID: c.ID, Compromised: c.Compromised, ReissueDir: c.Reissue})
	if signer.ID != "" {
		fmt.Fprintf(out.stdout, "%s is retired; %s signs\n", c.ID, signer.ID)
	}
	for _, h := range holders {
		kind, remedy := "bot", "catalpa bot token "+h.Name
		if !h.IsBot {
			kind, remedy = "person", "has to make new personal access tokens"
		}
		if h.File != "" {
			remedy = "new token in " + h.File
		}
		fmt.Fprintf(out.stdout, "%s %s lost %d: %s\n", kind, h.Name, h.Tokens, remedy)
	}
	if err != nil {
		return fmt.Errorf("retiring the key %s: %w", c.ID, err)
	}
	return nil
}

type keysImportCommand struct {
	Private    string `name:"private" type:"path" placeholder:"FILE" help:"RSA private key of at least 2048 bits: PKCS#8 or PKCS#1, DER or PEM, without a passphrase, mode 600 or 640."`
	Public     string `name:"public" type:"path" placeholder:"FILE" help:"Its public half. Enough by itself with --verify-only."`
	KeyID      string `name:"kid" placeholder:"ID" help:"Id of the key in the headers of tokens (default: its RFC 7638 thumbprint; OpenMetadata's default id with --verify-only)."`
	VerifyOnly bool   `name:"verify-only" help:"Let tokens that the key signed elsewhere go on until a date."`
	Until      string `name:"until" placeholder:"DATE" help:"Last day of a key that only verifies, such as 2027-01-31 (UTC), at most 90 days ahead."`
	Issuer     string `name:"issuer" placeholder:"NAME" help:"With --verify-only: the jwtissuer of the OpenMetadata server (default: open-metadata.org)."`
	Own        bool   `name:"own" help:"With --verify-only: the key is a former one of this very server."`
	dataDirFlags
}

// Help is shown below the flags.
func (keysImportCommand) Help() string {
	return `Without --verify-only the pair signs from now on and the present key only verifies. The files of these commands, which OpenMetadata's guide names, are taken as they are:

  openssl genrsa -out private_key.pem 2048
  openssl pkcs8 -topk8 -inform PEM -outform DER -in private_key.pem -out private_key.der -nocrypt
  openssl rsa -in private_key.pem -pubout -outform DER -out public_key.der

With --verify-only, tokens that an OpenMetadata server gave to its bots go on when a bot's user of that name exists here; each use is noted in the audit trail. The pair that OpenMetadata ships with its source is never taken in: anybody can sign with it.

Examples:
  catalpa keys import --private private_key.der --public public_key.der
  catalpa keys import --verify-only --public public_key.der --until 2027-01-31`
}

// Validate finds flags that do not belong together.
func (c *keysImportCommand) Validate() error {
	switch {
	case c.VerifyOnly && c.Until == "":
		return &usageError{message: "--verify-only needs --until DATE, at most 90 days ahead"}
	case c.VerifyOnly && c.Private == "" && c.Public == "":
		return &usageError{message: "--verify-only needs --public FILE or --private FILE"}
	case c.VerifyOnly && c.Own && c.Issuer != "":
		return &usageError{message: "--own and --issuer exclude each other"}
	case !c.VerifyOnly && (c.Until != "" || c.Issuer != "" || c.Own):
		return &usageError{message: "--until, --issuer and --own go with --verify-only"}
	case !c.VerifyOnly && c.Private == "":
		return &usageError{message: "--private FILE is needed; a public key alone can be imported with --verify-only"}
	}
	return nil
}

// Run imports a key.
func (c *keysImportCommand) Run(ctx context.Context, out *console) error {
	in := server.KeyImport{PrivateFile: c.Private, PublicFile: c.Public, KeyID: c.KeyID, VerifyOnly: c.VerifyOnly}
	if c.VerifyOnly {
		var err error
		if in.Until, err = lastDay(c.Until, time.Now()); err != nil {
			return err
		}
		if in.Issuer = c.Issuer; in.Issuer == "" && !c.Own {
			in.Issuer = server.LegacyIssuer
		}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	key, err := server.ImportKey(ctx, cfg, in)
	if err != nil {
		return fmt.Errorf("importing the key: %w", err)
	}
	switch {
	case !c.VerifyOnly:
		_, err = fmt.Fprintf(out.stdout, "%s signs now\n", key.ID)
	default:
		_, err = fmt.Fprintf(out.stdout, "%s verifies until %s\n", key.ID, stamp(key.Until))
	}
	return err
}

// lastDay reads a date and returns the end of that day, or a time as it is. The
// ninetieth day from now counts although it ends a little later.
func lastDay(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, &usageError{message: "--until: not a date such as 2027-01-31"}
	}
	end := day.AddDate(0, 0, 1)
	if most := now.Add(server.MaxVerifyOnly).UTC(); end.After(most) && !day.After(most) {
		end = most
	}
	return end, nil
}

type keysExportCommand struct {
	ID     string `arg:"" optional:"" name:"kid" help:"Id of the key (default: the current one)."`
	Format string `name:"format" default:"pem" enum:"pem,jwks" help:"pem for one key, jwks for the set that the server publishes at /api/v1/system/config/jwks (default: pem)."`
	dataDirFlags
}

// Help is shown below the flags.
func (keysExportCommand) Help() string {
	return `Private keys are never exported: they are in the file keys/signing-keys.json of the data directory, which belongs into its backup.`
}

// Run prints public keys.
func (c *keysExportCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.Format == "jwks" {
		doc, err := server.KeySetDocument(ctx, cfg)
		if err == nil {
			_, err = fmt.Fprintln(out.stdout, string(doc))
		}
		return err
	}
	text, err := server.PublicKey(ctx, cfg, c.ID)
	if err != nil {
		return fmt.Errorf("exporting the key: %w", err)
	}
	_, err = fmt.Fprint(out.stdout, text)
	return err
}
