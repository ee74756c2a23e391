// Package jsonschema reads the JSON Schema files under schema/, checks request
// bodies against them, and tells what a schema says about its members: which
// are references, tag lists, secrets, or lists of named parts.
//
// The files use a small closed part of JSON Schema (draft 2020-12): $ref, $defs,
// type, enum, const, properties, required, additionalProperties, items, anyOf,
// format, pattern, default and the limits of strings, numbers and arrays. A
// keyword outside this list is an error when the schema is compiled, so that
// nothing in a file is silently ignored. Schemas are compiled on first use into
// a tree that follows the tokens of a document in one pass, without building a
// tree of the document.
//
// Decisions of ours that a general validator does not share: a member that has
// a default may be left out although it is required, and "format" is checked. The
// format "secret-uri" is ours: a URI of which what follows the host is a secret.
//
// The package may import entity only.
package jsonschema
