// Package acceptance runs the unmodified clients of OpenMetadata 1.12 against the
// built binary and asserts on what the API then serves. The clients are installed
// from their registries and know nothing of Catalpa, which is the point: a test
// here fails when a person's existing ingestion would.
//
// Databases and brokers are real servers that a test starts for itself. Sources that
// are reached over HTTP alone are played by a fake: the answers their API gives, and a
// failure for every request that the real one was not seen to be asked.
//
// Its tests have the build tag acceptance, since they need PostgreSQL, MariaDB, Kafka
// with Java, and a Python environment:
//
//	make test-acceptance
//
// runs them with everything set up. By hand, CATALPA_BIN names the binary and
// CATALPA_PYTHON the interpreter of the environment with the clients, CATALPA_KAFKA
// the folder with the broker's jars, CATALPA_SCHEMATHESIS the program of that name.
//
// The package may import nothing of ours: it sees Catalpa from outside.
package acceptance
