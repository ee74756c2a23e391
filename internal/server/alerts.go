package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/mail"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// newAlerts makes what tells others about changes.
func (a *assembly) newAlerts(ctx context.Context, cfg *config.Config, opts Options, log *slog.Logger) (*notify.Service, error) {
	options := notify.Options{
		Engine: a.engine, Shared: opts.Replica != "", Log: log,
		Client: outbound.New(outbound.Options{
			Allow: cfg.Server.OutboundAllow, Development: cfg.Mode == config.Development, NoRedirects: true,
			// Destinations name times of their own, up to these; nobody reads what they answer.
			Timeout: notify.MaxTime, MaxBytes: notify.MaxAnswer,
		}),
	}
	if address := publicURL(cfg); address != "" {
		options.Base = address + "/api"
	}
	mailer, err := senderOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("setting up mail: %w", err)
	}
	if mailer != nil {
		options.Mailer = mailer
	}
	alerts := notify.New(options)
	return alerts, alerts.Begin(ctx)
}

// senderOf is nil when mail is not configured.
func senderOf(cfg *config.Config) (*mail.Sender, error) {
	e := &cfg.Email
	if !e.Enabled {
		return nil, nil
	}
	return mail.New(mail.Config{
		Service: e.Entity, From: e.Sender, Host: e.Host, Port: e.Port, Username: e.Username, Password: e.Password.Reveal(),
		Transport: mail.Transport(e.Strategy), Support: e.SupportURL, ServerURL: cfg.Server.URL,
	})
}
