package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/backup"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// backupDir is where in the data directory the copy of the database lies while a backup
// is made: there it is as well kept as the database itself.
const backupDir = "backup"

// Backup is a backup that was made or restored.
type Backup struct {
	backup.Head
	Size  int64 // of the file, in bytes; of one that was made
	Names []string
	// Elsewhere are the operator's own key files, which are not in it.
	Elsewhere []string
}

// BackUp writes what a catalog is into one file, while a server works on it or not: the
// database as it is at one moment, and the keys that belong to it. Whatever was
// acknowledged before it is called is in it.
func BackUp(ctx context.Context, cfg *config.Config, path, version string, seal *backup.Key) (made Backup, err error) {
	if err := embeddedOnly(cfg, "back it up with PostgreSQL's own tools, and copy the data directory"); err != nil {
		return made, err
	}
	if err := hasCatalog(cfg); err != nil {
		return made, err
	}
	if _, err := os.Lstat(path); err == nil { // before the work, not after it
		return made, entity.Conflict("%s is there already; a backup never takes the place of another", path)
	}
	dir := filepath.Join(cfg.DataDir, backupDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return made, err
	}
	release, err := lock(dir, false)
	if err != nil {
		if entity.KindOf(err) == entity.KindUnavailable {
			err = entity.Errorf(entity.KindUnavailable, "another backup of %s is being made; try again when it has ended", cfg.DataDir)
		}
		return made, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir), release()) }()
	copied := filepath.Join(dir, storeFile)
	secrets, err := copyWithKeys(ctx, cfg, copied)
	if err != nil {
		return made, err
	}
	made.Head = backup.Head{Version: version, Created: time.Now().UTC().Truncate(time.Second)}
	files := []backup.File{{Name: storeFile, Path: copied}}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		files = append(files, backup.File{Name: name, Data: secrets[name]})
	}
	for _, file := range files {
		made.Names = append(made.Names, file.Name)
	}
	for _, own := range []string{cfg.JWT.PrivateKeyPath, cfg.JWT.PublicKeyPath} {
		if own != "" {
			made.Elsewhere = append(made.Elsewhere, own)
		}
	}
	made.Size, err = backup.Create(ctx, path, made.Head, files, seal)
	return made, err
}

// embeddedOnly refuses what needs the database in the data directory.
func embeddedOnly(cfg *config.Config, instead string) error {
	if cfg.Database.Engine == config.EnginePostgreSQL {
		return entity.BadRequest("the catalog is in PostgreSQL: %s", instead)
	}
	return nil
}

// keyTries is how often the keys may change while the database is copied.
const keyTries = 5

// copyWithKeys copies the database and returns the files with the keys that belong to it.
// Keys that are rotated meanwhile may be those of before or of after, so then it is done
// again.
func copyWithKeys(ctx context.Context, cfg *config.Config, into string) (map[string][]byte, error) {
	for range keyTries {
		if err := os.Remove(into); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		before, err := secretFiles(cfg.DataDir)
		if err != nil {
			return nil, err
		}
		if err := sqlite.Snapshot(ctx, filepath.Join(cfg.DataDir, storeFile), into); err != nil {
			return nil, err
		}
		after, err := secretFiles(cfg.DataDir)
		if err != nil {
			return nil, err
		}
		if maps.EqualFunc(before, after, bytes.Equal) {
			if after[secret.MasterFile] == nil {
				return nil, entity.BadRequest("%s is not in the data directory: without it the secrets in the database cannot be read, and the backup would be of no use", secret.MasterFile)
			}
			return after, nil
		}
	}
	return nil, entity.Errorf(entity.KindUnavailable, "the keys are being changed all the time; try again when that is over")
}

// secretFiles reads the small files of a data directory that a catalog needs.
func secretFiles(dir string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, name := range []string{secret.MasterFile, keysDir + "/" + key.RingFile, auth.FirstPasswordFile, botTokenFile} {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[name] = data
	}
	return found, nil
}

// restoring is where in a data directory the files of a backup lie until all of them are
// judged. A server does not start while it is there.
const restoring = "restoring"

// Restore puts a backup into a data directory where nothing is. After an error there is
// nothing again.
func Restore(ctx context.Context, cfg *config.Config, path string, open *backup.Key) (done Backup, err error) {
	if err := embeddedOnly(cfg, "restore it with PostgreSQL's own tools"); err != nil {
		return done, err
	}
	if err := open.Opens(); err != nil {
		return done, err
	}
	fresh, err := emptyDir(cfg.DataDir)
	if err != nil {
		return done, err
	}
	release, err := lock(cfg.DataDir, false)
	if err != nil {
		return done, err
	}
	staged := filepath.Join(cfg.DataDir, restoring)
	defer func() {
		err = errors.Join(err, release())
		if err != nil {
			err = errors.Join(err, takeBack(cfg.DataDir, fresh))
		}
	}()
	if err := os.Mkdir(staged, 0o700); err != nil {
		return done, err
	}
	if done.Head, done.Names, err = backup.Extract(ctx, path, staged, open); err != nil {
		return done, fmt.Errorf("reading %s: %w", path, err)
	}
	if err := judge(ctx, staged, done.Names); err != nil {
		return done, fmt.Errorf("reading %s: %w", path, err)
	}
	return done, settleIn(cfg.DataDir, staged, done.Names)
}

// emptyDir makes the directory, or finds that there is nothing in it but what comes with
// a file system.
func emptyDir(dir string) (fresh bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		switch entry.Name() {
		case "lost+found", lockFile:
		case restoring:
			return false, entity.Conflict("an earlier restore into %s was cut off: empty the directory and try again", dir)
		default:
			return false, entity.Conflict("%s is not empty (it holds %s): nothing is restored over what is there; name another directory, or move its content away", dir, entry.Name())
		}
	}
	return false, os.Chmod(dir, 0o700)
}

// takeBack removes what a restore left that failed.
func takeBack(dir string, fresh bool) error {
	if fresh {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Name() != "lost+found" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// judge looks at what was in a backup as a server would.
func judge(ctx context.Context, staged string, names []string) error {
	for _, needed := range []string{storeFile, secret.MasterFile} {
		if !slices.Contains(names, needed) {
			return fmt.Errorf("%w: it holds no %s", backup.ErrDamaged, needed)
		}
	}
	for _, name := range names {
		switch {
		case name == storeFile, name == secret.MasterFile, name == auth.FirstPasswordFile, name == botTokenFile, strings.HasPrefix(name, keysDir+"/"):
		default:
			return fmt.Errorf("%w: it holds %s, which does not belong into a data directory", backup.ErrDamaged, name)
		}
	}
	if _, _, err := secret.OpenDir(staged); err != nil {
		return err
	}
	return sqlite.Verify(ctx, filepath.Join(staged, storeFile))
}

// settleIn moves the files to where a server looks for them. The directory that keeps it
// from starting goes last.
func settleIn(dir, staged string, names []string) error {
	if err := os.Mkdir(filepath.Join(dir, keysDir), 0o700); err != nil {
		return err
	}
	for _, name := range names {
		name = filepath.FromSlash(name)
		if err := os.Rename(filepath.Join(staged, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := errors.Join(syncDir(filepath.Join(dir, keysDir)), syncDir(dir)); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(staged), syncDir(dir))
}

// syncDir makes names in a directory durable, where the system can.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}

// halfRestored refuses a directory into which a restore did not come to its end.
func halfRestored(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, restoring)); err == nil {
		return entity.BadRequest("a restore into %s was cut off: empty the directory and restore again", dir)
	}
	return nil
}
