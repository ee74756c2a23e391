package config

import (
	"net"
	"strconv"
	"strings"
)

const keyOperations = "operations."

// operations reads where metrics are served. A port alone stands for this machine: what
// is served there asks nobody who they are.
func (b *binder) operations() Operations {
	o := Operations{Address: b.text(keyOperations+"address", ""), Pprof: b.flag(keyOperations+"pprof", false)}
	if port := strings.TrimPrefix(o.Address, ":"); port != "" && strings.Trim(port, "0123456789") == "" {
		o.Address = net.JoinHostPort("127.0.0.1", port)
	}
	return o
}

// checkOperations refuses what would let others look into the process.
func (b *binder) checkOperations(cfg *Config) {
	o := cfg.Operations
	if o.Address == "" {
		b.unused(keyOperations, keyOperations+"address is not set, so nothing is served there.", "pprof")
		return
	}
	host, port, err := net.SplitHostPort(o.Address)
	number, bad := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || bad != nil || net.ParseIP(host) == nil && !isHostName(host):
		b.refuse(keyOperations+"address", "%q is neither a port nor an address with one, such as 8586 or 10.0.0.5:8586.", clip(o.Address))
	case number != 0 && int(number) == cfg.Server.Port:
		b.refuse(keyOperations+"address", "port %s is the one that the API is served at.", port)
	case isLoopbackHost(host):
	case o.Pprof:
		b.refuse(keyOperations+"pprof", "profiles hold what is in memory, and %s can be reached by others. Serve them on this machine only: give a port alone as address.", clip(host))
	default:
		b.warn("CFG-OPERATIONS-OPEN", keyOperations+"address", "whoever reaches this address can read the metrics.", "let nobody but the monitoring reach it.")
	}
}
