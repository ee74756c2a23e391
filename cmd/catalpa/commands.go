package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/server"
)

const description = `Catalpa is a metadata catalog in one binary. It speaks the REST API of OpenMetadata 1.12, so existing ingestion clients and SDKs work unchanged.

Everything a catalog needs lies in its data directory: the database, the search index, the signing keys. "catalpa server" makes one when there is none.

Exit status: 0 success, 1 failure, 2 wrong usage, 78 configuration refused.`

// commands is the command line.
type commands struct {
	Server serverCommand `cmd:"" help:"Run the server."`
	Bot    botCommand    `cmd:"" help:"Look after bots, the accounts that programs use."`
	Admin  adminCommand  `cmd:"" help:"Look after people's accounts from this machine."`
	Users  usersCommand  `cmd:"" help:"Look after accounts that the server made."`
	Config configCommand `cmd:"" help:"Look at the configuration."`
	Keys   keysCommand   `cmd:"" help:"Look after the keys that sign tokens."`
	Doctor doctorCommand `cmd:"" help:"Find out what is wrong with signing in, and what to do."`

	SecurityConfig securityConfigCommand `cmd:"" name:"security-config" help:"Look at, change and restore the saved sign-on settings."`

	Backup  backupCommand  `cmd:"" help:"Write a backup of the catalog into one file."`
	Restore restoreCommand `cmd:"" help:"Put a backup into an empty data directory."`
	Reindex reindexCommand `cmd:"" help:"Build the search index anew from the database."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands in a shell."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`
}

// dataDirFlags are shared by the commands that work on a data directory. They
// read the server's configuration, which may name keys of the operator's own.
type dataDirFlags struct {
	DataDir string `name:"data-dir" type:"path" placeholder:"DIR" help:"Data directory of the catalog (default: ./catalpa-data, or what the configuration says)."`
	Config  string `name:"config" type:"path" placeholder:"FILE" help:"The server's configuration, if it has one."`
}

func (f dataDirFlags) load() (*config.Config, error) {
	cfg, _, err := config.Load(f.options())
	return cfg, err
}

// options are for commands of the host: they serve nobody and must work when the
// server would not start.
func (f dataDirFlags) options() config.Options {
	flags := map[string]string{}
	if f.DataDir != "" {
		flags["dataDir"] = f.DataDir
	}
	return config.Options{File: f.Config, Flags: flags, Offline: true}
}

// reload reads the configuration again, with saved settings on top.
func reload(options config.Options) server.Reload {
	return func(saved []byte) (*config.Config, config.Findings, error) {
		options.Saved = saved
		return config.Load(options)
	}
}

// settingsFlags are shared by the commands that load a configuration.
type settingsFlags struct {
	Config  string   `name:"config" type:"path" placeholder:"FILE" help:"YAML file with settings. Keys and environment variables are those of OpenMetadata; none is needed."`
	DataDir string   `name:"data-dir" type:"path" placeholder:"DIR" help:"Where the catalog keeps its files; made when missing (default: ./catalpa-data, or what the configuration says)."`
	Listen  string   `name:"listen" placeholder:"ADDRESS" help:"Address to listen on. The default, 127.0.0.1:8585, serves this machine only; 0.0.0.0:8585 serves others too and switches to production mode, which refuses unsafe settings."`
	Accept  []string `name:"i-accept" placeholder:"CODE" sep:"none" help:"Start in spite of the finding with this code, such as SEC-CFG-HTTP. May be repeated; said again at every start."`
}

func (f settingsFlags) load() (*config.Config, config.Findings, error) {
	options, err := f.options()
	if err != nil {
		return nil, nil, err
	}
	return config.Load(options)
}

func (f settingsFlags) options() (config.Options, error) {
	flags := map[string]string{}
	if f.Listen != "" {
		address, err := config.ListenFlags(f.Listen)
		if err != nil {
			return config.Options{}, &usageError{message: "--listen: " + err.Error()}
		}
		flags = address
	}
	if f.DataDir != "" {
		flags["dataDir"] = f.DataDir
	}
	return config.Options{File: f.Config, Flags: flags, Accept: f.Accept}, nil
}

type serverCommand struct {
	settingsFlags
	Sample bool `name:"sample" help:"Load the sample catalog of a small company that does not exist. What is there already stays as it is."`
}

// Help is shown below the flags.
func (serverCommand) Help() string {
	return `The first start makes the data directory with a signing key of its own, prints the password of the first administrator once, and is ready in less than a second. SIGTERM and Ctrl-C let running requests finish and close the database; a second one ends the process at once.

Examples:
  catalpa server
  catalpa server --listen 0.0.0.0:8585 --data-dir /var/lib/catalpa --config /etc/catalpa.yaml
  SERVER_PORT=9000 catalpa server --sample`
}

// Run starts the server and returns when it has stopped.
func (c *serverCommand) Run(ctx context.Context, out *console) error {
	cfg, findings, err := c.load()
	for _, finding := range findings {
		if finding.Severity != config.Error {
			fmt.Fprintf(out.stderr, "catalpa: %s\n", finding)
		}
	}
	if err != nil {
		return c.refuse(ctx, err)
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, server.Options{
		Sample: c.Sample, Stdout: out.stdout, Stderr: out.stderr, Version: release(), Reload: reload(options),
	})
}

// refuse adds to what the configuration is refused for what the data directory shows,
// unless a mistake leaves open which directory that is.
func (c *serverCommand) refuse(ctx context.Context, err error) error {
	var refused *config.Refused
	if !errors.As(err, &refused) {
		return err
	}
	options, failed := c.options()
	if failed != nil {
		return err
	}
	options.Offline = true
	cfg, _, failed := config.Load(options)
	if failed != nil {
		cfg = refused.Read
	}
	if cfg == nil {
		return err
	}
	return server.Refuse(ctx, cfg, reload(options), refused)
}

type botCommand struct {
	Token botTokenCommand `cmd:"" help:"Make a new token for a bot and print it."`
}

type botTokenCommand struct {
	Name   string `arg:"" help:"Name of the bot, such as ingestion-bot."`
	Expiry string `name:"expiry" default:"90" enum:"OneHour,1,7,30,60,90" placeholder:"DAYS" help:"How long the token lives: OneHour, or 1, 7, 30, 60 or 90 days (default: 90)."`
	dataDirFlags
}

// Help is shown below the flags.
func (botTokenCommand) Help() string {
	return `Standard output holds the token and nothing else, so that it can be used in scripts. Tokens the bot has already stay valid until they expire. The server may be running on the directory or not.

Example:
  export JWT=$(catalpa bot token ingestion-bot --data-dir /var/lib/catalpa)`
}

// Run prints a fresh token.
func (c *botTokenCommand) Run(ctx context.Context, out *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	token, err := server.BotToken(ctx, cfg, c.Name, c.Expiry)
	if err != nil {
		return fmt.Errorf("making a token for the bot %s: %w", c.Name, err)
	}
	_, err = fmt.Fprintln(out.stdout, token)
	return err
}

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Validate the configuration without starting."`
}

type configCheckCommand struct {
	settingsFlags
}

// Help is shown below the flags.
func (configCheckCommand) Help() string {
	return `Reads file and environment as "catalpa server" would, and prints every finding with its line and its remedy: errors stop the server, warnings deserve a look, notices name settings of OpenMetadata that do nothing here. Exit status 78 when there are errors.`
}

// Run prints the findings.
func (c *configCheckCommand) Run(out *console) error {
	cfg, findings, err := c.load()
	if err == nil {
		findings = append(findings, server.GuardKey(cfg)...)
	}
	for _, finding := range findings {
		fmt.Fprintln(out.stdout, finding)
	}
	if errs := findings.Errors(); len(errs) > 0 {
		return &refusedError{errors: len(errs)}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "ok: %s mode, listening on %s, data in %s (%d warnings, %d notices)\n",
		cfg.Mode, cfg.Server.Address(), cfg.DataDir, len(findings.Warnings()), len(findings.Notices()))
	return nil
}

type reindexCommand struct {
	dataDirFlags
}

// Help is shown below the flags.
func (reindexCommand) Help() string {
	return `The index can always be made again from the database; nothing is lost by it. Stop the server first.`
}

// Run rebuilds the index and reports progress on standard error.
func (c *reindexCommand) Run(ctx context.Context, out *console) error {
	started := time.Now()
	last := 0
	cfg, err := c.load()
	if err != nil {
		return err
	}
	err = server.Reindex(ctx, cfg, func(done, total int) {
		last = done
		fmt.Fprintf(out.stderr, "\rindexed %d of %d", done, total)
	})
	if last > 0 {
		fmt.Fprintln(out.stderr)
	}
	if err != nil {
		return fmt.Errorf("rebuilding the index: %w", err)
	}
	fmt.Fprintf(out.stdout, "indexed %d entities in %s\n", last, time.Since(started).Round(time.Millisecond))
	return nil
}
