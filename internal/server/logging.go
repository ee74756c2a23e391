package server

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/config"
)

func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// logTarget is where the log goes. A log that cannot be written stops nobody, so it
// remembers that for whoever looks after the server.
type logTarget struct {
	to io.Writer

	mu      sync.Mutex
	failing time.Time // since when; zero if all is well
}

// Write implements io.Writer.
func (l *logTarget) Write(p []byte) (int, error) {
	n, err := l.to.Write(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.failing = time.Time{}
	case l.failing.IsZero():
		l.failing = time.Now()
	}
	return n, err
}

// since tells since when the log cannot be written; the zero time if it can.
func (l *logTarget) since() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failing
}
