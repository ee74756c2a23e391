package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// BotToken adds a fresh token for a bot and returns it. The server may be running
// on the directory or not; tokens in use stay valid.
func BotToken(ctx context.Context, cfg *config.Config, bot, expiry string) (token string, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		token, err = a.botToken(ctx, bot, expiry)
		return err
	})
	return token, err
}

// Reindex rebuilds the search index of a data directory that no server uses.
func Reindex(ctx context.Context, cfg *config.Config, progress func(done, total int)) error {
	return onDataDir(ctx, cfg, true, func(a *assembly) error { return a.indexer.Rebuild(ctx, progress) })
}

// onDataDir runs a command on a data directory that a server has made before.
func onDataDir(ctx context.Context, cfg *config.Config, withIndex bool, command func(*assembly) error) error {
	if err := hasCatalog(cfg); err != nil {
		return err
	}
	a, err := assemble(ctx, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), withIndex)
	if err != nil {
		return err
	}
	err = command(a)
	if closeErr := a.close(ctx); err == nil && closeErr != nil {
		err = fmt.Errorf("closing the data directory: %w", closeErr)
	}
	return err
}

// hasCatalog tells whether a server has been started on the data directory.
func hasCatalog(cfg *config.Config) error {
	sign := storeFile
	if cfg.Database.Engine == config.EnginePostgreSQL {
		sign = secret.MasterFile // the catalog lies elsewhere, what opens its secrets does not
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, sign)); err != nil {
		return entity.BadRequest("%s holds no catalog: start `catalpa server --data-dir %s` once, or name another directory", cfg.DataDir, cfg.DataDir)
	}
	return nil
}
