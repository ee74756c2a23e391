package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	lib "modernc.org/sqlite/lib"
)

// fileHeader starts every SQLite database.
const fileHeader = "SQLite format 3\x00"

// prepareFile makes the directory and an empty file that only their owner can
// use; SQLite gives the files beside it the same permissions. It refuses a
// file that is something else before SQLite touches it.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the directory of the database: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	header := make([]byte, len(fileHeader))
	n, err := io.ReadFull(file, header)
	switch {
	case errors.Is(err, io.EOF):
		err = nil
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && string(header[:n]) != fileHeader:
		err = fmt.Errorf("%s: %w", path, ErrNotDatabase)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return checkDirectory(filepath.Dir(path))
}

// checkDirectory makes sure that the log can be created beside the database,
// which SQLite would report as an unspecific failure of the first statement.
func checkDirectory(dir string) error {
	probe, err := os.CreateTemp(dir, ".catalpa-probe-*")
	if err != nil {
		return fmt.Errorf("the directory of the database must be writable: %w", err)
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the directory of the database must be writable: %w", err)
	}
	return nil
}

// dataSource names the file in a form in which no character is special.
func dataSource(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the database: %w", err)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}
	return u.String(), nil
}

// claim marks an empty database as ours and refuses one of somebody else.
func claim(ctx context.Context, connector driver.Connector, path string, busyMillis int64) (err error) {
	c, err := newConn(ctx, connector)
	if err != nil {
		return fmt.Errorf("open the database %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.script(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyMillis)); err != nil {
		return fmt.Errorf("open the database %s: %w", path, err)
	}
	var id, tables int64
	err = c.query(ctx, func(r row) error {
		id, tables = r.integer(0), r.integer(1)
		return nil
	}, "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id")
	switch {
	case primaryCode(err) == lib.SQLITE_NOTADB, primaryCode(err) == lib.SQLITE_CORRUPT:
		return fmt.Errorf("%s: %w: %w", path, ErrNotDatabase, err)
	case err != nil:
		return fmt.Errorf("read the database %s: %w", path, err)
	case id == applicationID:
		return nil
	case id != 0 || tables != 0:
		return fmt.Errorf("%s: %w, but another program's", path, ErrNotDatabase)
	}
	if err := c.script(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("mark the database %s: %w", path, err)
	}
	return nil
}
