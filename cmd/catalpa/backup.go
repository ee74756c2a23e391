package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/backup"
	"github.com/catalpa-metadata/catalpa/internal/server"
)

// sealFlags say how a backup is encrypted.
type sealFlags struct {
	PassphraseFile string `name:"passphrase-file" type:"path" xor:"seal" placeholder:"FILE" help:"File whose first line is the passphrase."`
	KeyFile        string `name:"key-file" type:"path" xor:"seal" placeholder:"FILE" help:"File with keys of age, as age-keygen makes them."`
}

// key is nil when neither is given.
func (f sealFlags) key() (*backup.Key, error) {
	switch {
	case f.PassphraseFile != "":
		return backup.Passphrase(f.PassphraseFile)
	case f.KeyFile != "":
		return backup.KeyFile(f.KeyFile)
	}
	return nil, nil
}

type backupCommand struct {
	File string `arg:"" type:"path" help:"The file to write; there must be none yet."`
	sealFlags
	dataDirFlags
}

// Help is shown below the flags.
func (backupCommand) Help() string {
	return `Writes the database, as it is at one moment, and the keys that belong to it into one file that only you can read. The server may be running and goes on. The search index is left out: it is made anew. While it works, a copy of the database lies in the data directory, which has to have room for it.

Without --passphrase-file or --key-file the file holds the keys of the server in clear. With a key file of public keys (age1...) this machine can make backups that it cannot read.

Examples:
  catalpa backup /backup/catalpa-monday --data-dir /var/lib/catalpa --key-file /etc/catalpa/backup.pub
  catalpa backup catalpa.backup --passphrase-file passphrase`
}

// Run makes the backup.
func (c *backupCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	key, err := c.key()
	if err != nil {
		return err
	}
	made, err := server.BackUp(ctx, cfg, c.File, release(), key)
	if err != nil {
		return fmt.Errorf("backing up %s: %w", cfg.DataDir, err)
	}
	fmt.Fprintf(out.stdout, "backed up %s into %s (%d bytes)\n", cfg.DataDir, c.File, made.Size)
	if key == nil {
		fmt.Fprintln(out.stderr, "catalpa: the backup holds the keys of the server in clear; keep it as you keep a password, or encrypt it with --key-file or --passphrase-file")
	}
	if len(made.Elsewhere) > 0 {
		fmt.Fprintf(out.stderr, "catalpa: not in the backup are the key files that the configuration names: %s\n", strings.Join(made.Elsewhere, ", "))
	}
	return nil
}

type restoreCommand struct {
	File string `arg:"" type:"existingfile" help:"The backup."`
	sealFlags
	dataDirFlags
}

// Help is shown below the flags.
func (restoreCommand) Help() string {
	return `Puts a backup into a data directory that is empty or not there yet. All of it is read and checked before the directory can be used; after an error there is nothing in it. Start the server afterwards: it makes the search index anew.

Examples:
  catalpa restore /backup/catalpa-monday --data-dir /var/lib/catalpa --key-file backup.key
  catalpa restore catalpa.backup --passphrase-file passphrase`
}

// Run restores the backup.
func (c *restoreCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	key, err := c.key()
	if err != nil {
		return err
	}
	done, err := server.Restore(ctx, cfg, c.File, key)
	if err != nil {
		return fmt.Errorf("restoring into %s: %w", cfg.DataDir, err)
	}
	fmt.Fprintf(out.stdout, "restored the backup of %s into %s\n", done.Created.Format("2006-01-02 15:04:05 MST"), cfg.DataDir)
	return nil
}
