//go:build !postgres

package conformance

import "testing"

// environment says where a server keeps its catalog: below its data directory.
func environment(*testing.T) []string { return nil }
