package sqlite

import (
	"context"
	"testing"
)

// TestPragmas reads back what durability and memory depend on.
func TestPragmas(t *testing.T) {
	s := openQuiet(t)
	reader := <-s.readers
	defer func() { s.readers <- reader }()
	tests := []struct {
		pragma         string
		writer, reader int64
	}{
		{"synchronous", 2, 2}, // FULL
		{"foreign_keys", 1, 1},
		{"busy_timeout", 5000, 5000},
		{"cache_size", -writerCacheKiB, -readerCacheKiB},
		{"mmap_size", 0, 0},
		{"query_only", 0, 1},
		{"wal_autocheckpoint", checkpointPages, checkpointPages},
		{"application_id", applicationID, applicationID},
	}
	get := func(c *conn, pragma string) (v int64) {
		err := c.query(context.Background(), func(r row) error {
			v = r.integer(0)
			return nil
		}, "PRAGMA "+pragma)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range tests {
		if got := get(s.written, test.pragma); got != test.writer {
			t.Errorf("the writer's %s is %d, want %d", test.pragma, got, test.writer)
		}
		if got := get(reader, test.pragma); got != test.reader {
			t.Errorf("a reader's %s is %d, want %d", test.pragma, got, test.reader)
		}
	}
	var mode string
	err := reader.query(context.Background(), func(r row) error {
		mode = r.text(0)
		return nil
	}, "PRAGMA journal_mode")
	if err != nil || mode != "wal" {
		t.Errorf("the journal mode is %q (%v), want wal", mode, err)
	}
}
