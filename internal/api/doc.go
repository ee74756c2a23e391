// Package api speaks the wire contract: it routes requests, authenticates them,
// reads and limits what comes in, calls the rooms behind it and turns their
// answers and errors into JSON. It holds no rule about entities of its own.
//
// Every route is one entry of a table (Route) that says who may call it; there
// is no default that lets a request through. The package may import engine,
// openapi, lineage, search, auth, policy, registry, entity and pages, never a store's
// backend.
package api
