// Package openapi writes the OpenAPI document of the server: operations are described
// by short lines of facts, types by the JSON Schemas under schema/, which the document
// takes over as named components.
//
// The package may import entity and jsonschema.
package openapi
