// Package conformance holds black-box tests of the wire contract: they speak HTTP
// to a server and check what every entity type has to do, taking the list of
// types from the registry and the form of requests and answers from the schemas.
//
// They run against the server that CATALPA_URL and CATALPA_TOKEN (an
// administrator's) name; without these they build the program and start it on an
// empty data directory, with the build tag postgres on an empty PostgreSQL database.
//
// The package may import registry, jsonschema, search and schema, for the names of
// things; never what serves the requests.
package conformance
