// Package acceptance runs the unmodified clients of OpenMetadata 1.12 against the
// built binary and asserts on what the API then serves. The clients are installed
// from their registries and know nothing of Catalpa, which is the point: a test
// here fails when a person's existing ingestion would.
//
// Its tests have the build tag acceptance, since they need PostgreSQL and a Python
// environment:
//
//	make test-acceptance
//
// runs them with everything set up. By hand, CATALPA_BIN names the binary and
// CATALPA_PYTHON the interpreter of the environment with the clients.
//
// The package may import nothing of ours: it sees Catalpa from outside.
package acceptance
