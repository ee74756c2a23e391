//go:build postgres

package conformance

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/store/postgres/postgrestest"
)

// environment says where a server keeps its catalog: in a PostgreSQL of its own.
func environment(t *testing.T) []string {
	t.Helper()
	const password = "conforms-to-the-contract"
	server := postgrestest.Start(t, password)
	return []string{"CATALPA_STORE_ENGINE=postgresql", "DB_HOST=127.0.0.1", "DB_PORT=" + server.Port, "OM_DATABASE=postgres", "DB_USER=postgres", "DB_USER_PASSWORD=" + password}
}
