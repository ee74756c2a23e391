package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/seed"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/web"
)

// WireVersion is the version of the API that clients compare with their own.
const WireVersion = "1.12.14"

// Options say how a server runs besides its configuration.
type Options struct {
	Sample bool // load the sample catalog
	// Replica is a directory of this server alone, for its search index; the data
	// directory is then shared with other replicas on the same host. If it is empty,
	// the data directory is this server's alone.
	Replica        string
	Stdout, Stderr io.Writer
	Version        string
	// Reload reads the configuration again, with saved settings on top. Without it
	// sign-on settings cannot be saved.
	Reload Reload
	// Ready is called with the address once requests are answered; optional.
	Ready func(address string)
}

// Run serves until ctx is cancelled, then lets running requests finish and
// closes the store. It returns nil after a clean stop.
func Run(ctx context.Context, cfg *config.Config, opts Options) error {
	started := time.Now()
	tuneMemory()
	target := &logTarget{to: opts.Stderr}
	log := newLogger(cfg, target)
	if opts.Reload == nil {
		opts.Reload = fixed(cfg)
	}
	before := guardKeys(cfg)
	if len(before.Errors()) > 0 {
		return Refuse(ctx, cfg, opts.Reload, nil)
	}
	if cfg.Accepts(config.CodeKeyMode) {
		if err := makePrivate(cfg); err != nil {
			return fmt.Errorf("making the keys private: %w", err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Server.Address())
	if err != nil {
		return fmt.Errorf("listening on %s: %w", cfg.Server.Address(), err)
	}
	indexDir := opts.Replica
	if indexDir == "" {
		indexDir = cfg.DataDir
	}
	a, err := open(ctx, cfg, log, indexDir)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a.log, a.guarded = target, before
	a.measure(cfg, opts.Version)
	err = a.prepare(ctx, cfg, opts, log)
	if err == nil {
		err = a.serve(ctx, cfg, opts, listener, log, started)
	}
	_ = listener.Close() // already closed after serving
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(err, a.close(closing))
}

// prepare brings a new data directory into being, and an old one up to date.
func (a *assembly) prepare(ctx context.Context, cfg *config.Config, opts Options, log *slog.Logger) error {
	w := seedWriter{engine: a.engine, lineage: lineage.New(a.engine)}
	fresh, err := seedCatalog(ctx, w)
	if err != nil {
		return err
	}
	if err := a.authenticate(ctx, cfg, log); err != nil {
		return err
	}
	if err := a.openSignOn(ctx, opts.Reload, log); err != nil {
		return err
	}
	if err := a.ensureAdmins(ctx, a.signOn.Config(), opts.Stdout); err != nil {
		return err
	}
	if err := a.demoteOthers(ctx, a.signOn.Config(), opts.Stderr); err != nil {
		return err
	}
	if err := a.guard(ctx, opts.Stderr); err != nil {
		return err
	}
	if fresh {
		if err := a.firstBotToken(ctx); err != nil {
			return err
		}
	}
	if opts.Sample {
		report, err := seed.LoadSample(ctx, w)
		if err != nil {
			return fmt.Errorf("loading the sample catalog: %w", err)
		}
		if report.Created > 0 {
			fmt.Fprintf(opts.Stdout, "Loaded the sample catalog: %d entities.\n", report.Created)
		}
	}
	return nil
}

// ensureAdmins makes the administrators of the configuration; the first one gets
// a one-time password when it has none.
func (a *assembly) ensureAdmins(ctx context.Context, cfg *config.Config, out io.Writer) error {
	w := seedWriter{engine: a.engine}
	for i, principal := range cfg.Authorizer.AdminPrincipals {
		name, domain, ok := strings.Cut(principal, "@")
		if !ok {
			domain = cfg.Authorizer.PrincipalDomain
		}
		name = strings.ToLower(name)
		if domain == "" {
			domain = "example.com"
		}
		request := fmt.Sprintf(`{"name":%q,"email":%q,"isAdmin":true,"isBot":false,"description":"Administrator named in the configuration."}`, name, name+"@"+domain)
		if _, err := w.EnsureAll(ctx, "user", [][]byte{[]byte(request)}); err != nil {
			return fmt.Errorf("making the administrator %s: %w", name, err)
		}
		if i > 0 || cfg.Authentication.Provider != config.ProviderBasic {
			continue
		}
		user, err := directory{store: a.store}.ByName(ctx, name)
		if err != nil {
			return err
		}
		password, err := a.auth.FirstPassword(ctx, user.ID, cfg.Authentication.InitialAdminPassword.Reveal())
		if err != nil {
			return err
		}
		if password != "" {
			fmt.Fprintf(out, "The administrator is %q. One-time password, shown only now (and in %s): %s\n",
				user.Name, filepath.Join(a.dataDir, auth.FirstPasswordFile), password)
		}
	}
	return nil
}

// firstBotToken makes the ingestion bot's first token and puts it into a file
// that only the server's account can read; clients take the file's path as token.
func (a *assembly) firstBotToken(ctx context.Context) error {
	token, err := a.botToken(ctx, "ingestion-bot", string(auth.ExpireNinetyDays))
	if err != nil {
		return err
	}
	return secret.ReplaceFile(filepath.Join(a.dataDir, botTokenFile), []byte(token))
}

func (a *assembly) serve(ctx context.Context, cfg *config.Config, opts Options, listener net.Listener, log *slog.Logger, started time.Time) error {
	var err error
	if a.alerts, err = a.newAlerts(ctx, cfg, opts, log); err != nil {
		return err
	}
	handler := a.newAPI(cfg, opts, log)
	watched, err := a.operate(ctx, cfg, handler, log)
	if err != nil {
		return err
	}
	defer watched.close()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := a.engine.Resume(ctx); err != nil {
		return err
	}
	indexing := make(chan error, 1)
	go func() { indexing <- a.indexer.Run(background) }()
	go a.signOn.Run(background)
	telling := make(chan struct{})
	go func() {
		defer close(telling)
		_ = a.alerts.Run(background) // ends with the context alone
	}()
	if err := handler.ResumeJobs(ctx); err != nil {
		return err
	}
	keeping := make(chan struct{})
	go func() {
		defer close(keeping)
		jobs := make(chan struct{})
		go func() {
			defer close(jobs)
			handler.KeepJobs(background)
		}()
		handler.KeepApps(background)
		<-jobs
	}()

	live := newConnections()
	server := &http.Server{
		Handler: handler, ConnState: live.note, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: max(1, cfg.Limits.MaxHeaderBytes-headerSlop),
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	fmt.Fprintf(opts.Stdout, "Catalpa %s is ready on http://%s after %s. Data: %s\n",
		opts.Version, reachable(listener.Addr().String()), time.Since(started).Round(time.Millisecond), a.dataDir)
	go releaseMemory()
	if opts.Ready != nil {
		opts.Ready(listener.Addr().String())
	}

	select {
	case err = <-serving:
	case <-ctx.Done():
		handler.Drain()
		linger(serving, cfg.Server.DrainDelay)
		drain, cancel := context.WithTimeout(background, cfg.Server.ShutdownTimeout)
		_ = listener.Close()                                  // newcomers go elsewhere
		if err := <-serving; !errors.Is(err, net.ErrClosed) { // whom it accepted, live knows
			log.Warn("the listener ended before the server", "error", err)
		}
		server.SetKeepAlivesEnabled(false)
		live.settle(drain)
		err = server.Shutdown(drain)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			log.Warn("requests still ran at the end of the shutdown time and were cut off")
			err = server.Close()
		}
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if jobsErr := handler.Close(ending); jobsErr != nil {
		log.Warn("work in the background did not end in time", "err", jobsErr)
	}
	stop()
	<-telling
	<-keeping
	if indexErr := <-indexing; indexErr != nil && !errors.Is(indexErr, context.Canceled) {
		err = errors.Join(err, indexErr)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// headerSlop is what net/http takes beyond the limit of headers, for its buffer.
const headerSlop = 4 << 10

// reachable is an address to open in a browser: one that stands for all addresses
// becomes this machine's own.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

func (a *assembly) newAPI(cfg *config.Config, opts Options, log *slog.Logger) *api.API {
	limits := api.DefaultLimits()
	limits.MaxBody, limits.MaxUpload = cfg.Limits.MaxBodyBytes, cfg.Limits.MaxUploadBytes
	limits.MaxURL, limits.MaxPage = cfg.Limits.MaxURLBytes, cfg.Limits.MaxPageSize
	limits.Concurrent, limits.Timeout = cfg.Limits.MaxConcurrent, cfg.Limits.RequestTimeout
	return api.New(api.Options{
		Engine: a.engine, Auth: a.auth, Index: a.index, Indexer: a.indexer, Limits: limits,
		Version: opts.Version, UI: web.Files(), Wire: WireVersion, Log: log, Observe: a.observeRequests(), PublicURL: publicURL(cfg), SignOn: a.signOnSettings, Security: a.signOn, Checkup: a.checkup, Accepted: a.accepted, Defaults: seed.DefaultSetting, Alerts: a.alerts,
		Shared: opts.Replica != "",
		Settings: api.Settings{
			ClusterName: cfg.ClusterName, Provider: cfg.Authentication.Provider, PrincipalDomain: cfg.Authorizer.PrincipalDomain, EnforceDomain: cfg.Authorizer.EnforcePrincipalDomain,
			AdminPrincipals: cfg.Authorizer.AdminPrincipals, JWTPrincipals: cfg.Authentication.JWTPrincipalClaims,
			MaxLoginFails: cfg.Login.MaxFailedAttempts, LoginBlock: cfg.Login.AccessBlockTime, AccessLifetime: cfg.Login.TokenExpiry,
		},
	})
}

// publicURL is what links in answers begin with: what the operator named, otherwise
// the address a request came to.
func publicURL(cfg *config.Config) string {
	if cfg.Source(serverURLSetting) == "default" {
		return ""
	}
	return cfg.Server.URL
}

const serverURLSetting = "authenticationConfiguration.oidcConfiguration.serverUrl"

// botToken adds a token for a bot's user, beside those in use.
func (a *assembly) botToken(ctx context.Context, bot, expiry string) (string, error) {
	user, err := a.botUser(ctx, bot)
	if err != nil {
		return "", err
	}
	token, err := a.auth.AddBotToken(ctx, entity.System(), user, auth.Expiry(expiry))
	return token.Token, err
}

// botUser returns the user of the bot with the name.
func (a *assembly) botUser(ctx context.Context, bot string) (entity.ID, error) {
	var user entity.ID
	err := a.store.View(ctx, func(r store.Reader) error {
		row, err := r.EntityByFQN(ctx, store.Key{Type: "bot", FQN: entity.QuoteName(bot)})
		if err != nil || row.Deleted {
			return entity.NotFound("bot", bot)
		}
		relations, err := r.RelationsTo(ctx, []entity.ID{row.ID}, "botUser")
		if err != nil {
			return err
		}
		if len(relations) == 0 {
			return entity.NotFound("user of bot", bot)
		}
		user = relations[0].From
		return nil
	})
	return user, err
}
