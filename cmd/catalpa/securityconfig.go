package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/server"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

type securityConfigCommand struct {
	Get     securityGetCommand     `cmd:"" help:"Print the saved sign-on settings, secrets masked."`
	Set     securitySetCommand     `cmd:"" help:"Save sign-on settings from a JSON file."`
	Remove  securityRemoveCommand  `cmd:"" help:"Forget the saved settings: file and environment hold again."`
	Restore securityRestoreCommand `cmd:"" help:"Put the settings before the present ones back."`
	History securityHistoryCommand `cmd:"" help:"List the settings that can be restored."`
}

// Help is shown below the flags.
func (securityConfigCommand) Help() string {
	return `For when a saved setting keeps everybody out. No provider is asked and no sign-in is needed: who may read the data directory may do this. The server may be running on the directory or not; a running one follows within a second.`
}

type securityGetCommand struct{ dataDirFlags }

// Run prints the document on standard output.
func (c *securityGetCommand) Run(ctx context.Context, out *console) error {
	return c.offline(ctx, func(o *signon.Offline) error {
		saved, err := o.Get(ctx)
		if err != nil {
			return err
		}
		if saved.Document == nil {
			fmt.Fprintln(out.stderr, "Nothing is saved: file and environment hold.")
			return nil
		}
		fmt.Fprintf(out.stderr, "revision %d, saved by %s at %s\n", saved.Revision, saved.By, saved.At.UTC().Format(time.RFC3339))
		doc := jsontext.Value(saved.Document)
		if err := doc.Indent(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out.stdout, "%s\n", doc)
		return err
	})
}

func (f dataDirFlags) offline(ctx context.Context, work func(*signon.Offline) error) error {
	return f.offlineWith(ctx, f.options(), work)
}

// offlineWith judges settings with options of their own.
func (f dataDirFlags) offlineWith(ctx context.Context, options config.Options, work func(*signon.Offline) error) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	return server.SecurityConfig(ctx, cfg, reload(options), work)
}

type securitySetCommand struct {
	File   string   `arg:"" help:"JSON file with authenticationConfiguration and authorizerConfiguration; - for standard input."`
	Accept []string `name:"i-accept" placeholder:"CODE" sep:"none" help:"Save in spite of the finding with this code. The server needs the same option."`
	dataDirFlags
}

// Run saves the document, if the server would start with it.
func (c *securitySetCommand) Run(ctx context.Context, out *console) error {
	doc, err := readDocument(c.File)
	if err != nil {
		return err
	}
	options := c.options()
	options.Offline, options.Accept = false, c.Accept
	return c.offlineWith(ctx, options, func(o *signon.Offline) error {
		if err := o.Set(ctx, doc); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out.stdout, "saved; a running server follows within a second")
		return err
	})
}

// maxDocument is the most that is read of a settings file.
const maxDocument = 1 << 20

func readDocument(path string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxDocument)
	}
	return data, err
}

type securityRemoveCommand struct{ dataDirFlags }

// Run forgets what is saved.
func (c *securityRemoveCommand) Run(ctx context.Context, out *console) error {
	return c.offline(ctx, func(o *signon.Offline) error {
		if err := o.Remove(ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out.stdout, "removed; file and environment hold, in a running server within a second")
		return err
	})
}

type securityRestoreCommand struct {
	Revision int64 `name:"revision" default:"-1" help:"Which settings, as security-config history lists them (default: those before the present ones)."`
	dataDirFlags
}

// Run puts earlier settings back.
func (c *securityRestoreCommand) Run(ctx context.Context, out *console) error {
	return c.offline(ctx, func(o *signon.Offline) error {
		restored, err := o.Restore(ctx, c.Revision)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out.stdout, "revision %d is in force again; a running server follows within a second\n", restored.Revision)
		return err
	})
}

type securityHistoryCommand struct{ dataDirFlags }

// Run lists revisions, never their secrets.
func (c *securityHistoryCommand) Run(ctx context.Context, out *console) error {
	return c.offline(ctx, func(o *signon.Offline) error {
		list, err := o.History(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "REVISION\tSAVED\tBY\tPROVIDER")
		for _, s := range list {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", s.Revision, s.When(), s.Author(), s.Provider())
		}
		return table.Flush()
	})
}
