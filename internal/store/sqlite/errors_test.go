package sqlite

import (
	"database/sql"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestFilesThatDoNotAnswer: a disk that is away is no fault of the request.
func TestFilesThatDoNotAnswer(t *testing.T) {
	db, err := sql.Open("sqlite", t.TempDir()) // a directory cannot be opened as a database
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	raw := db.PingContext(t.Context())
	if raw == nil {
		_, raw = db.ExecContext(t.Context(), "SELECT * FROM sqlite_master")
	}
	if raw == nil {
		t.Fatal("a directory was opened as a database")
	}
	if err := translate(raw); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("%v is translated to %v", raw, err)
	}
}
