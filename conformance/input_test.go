package conformance

import "testing"

func inputChecks() map[string]func(*testing.T, *maker) {
	return map[string]func(*testing.T, *maker){}
}
