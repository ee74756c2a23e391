package sqlite

import (
	"context"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"
)

// applicationID marks the file as a Catalpa database ("Ctlp" in ASCII).
const applicationID = 0x43746c70

// Sizes of a connection's page cache. Together with the rest of the server
// they keep idle memory small; the operating system caches the file anyway.
const (
	writerCacheKiB = 16 << 10
	readerCacheKiB = 4 << 10
)

// checkpointPages is the length of the log, in pages of 4 KiB, at which a
// commit moves it into the database: 16 MiB.
const checkpointPages = 4000

// configure sets a fresh connection up. The order matters:
//
//  1. busy_timeout, so that each later statement waits for another process's
//     lock instead of failing;
//  2. journal_mode, which is stored in the file and needs the lock: from here
//     on readers and the writer do not block one another;
//  3. synchronous, whose meaning depends on the journal: FULL syncs the log at
//     each commit, so an acknowledged write survives a loss of power;
//  4. the rest, which is private to the connection, with query_only last since
//     it forbids what comes before.
func configure(ctx context.Context, c *conn, writer bool, busyMillis int64) error {
	cache := readerCacheKiB
	if writer {
		cache = writerCacheKiB
	}
	pragmas := []string{
		fmt.Sprintf("PRAGMA busy_timeout = %d", busyMillis),
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA mmap_size = 0",
		fmt.Sprintf("PRAGMA cache_size = -%d", cache),
		fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", checkpointPages),
		"PRAGMA journal_size_limit = 67108864",
	}
	if !writer {
		pragmas = append(pragmas, "PRAGMA query_only = ON")
	}
	for _, pragma := range pragmas {
		err := retryBusy(ctx, time.Duration(busyMillis)*time.Millisecond, func() error { return c.script(ctx, pragma) })
		if err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	return nil
}

// retryBusy repeats what SQLite refuses at once, without regard to
// busy_timeout, while another process opens, migrates or closes the file.
func retryBusy(ctx context.Context, patience time.Duration, fn func() error) error {
	const pause = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := fn()
		if code := primaryCode(err); code != lib.SQLITE_BUSY && code != lib.SQLITE_LOCKED || waited >= patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
