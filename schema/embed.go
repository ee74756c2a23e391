// Package schema embeds the JSON Schema files of the API: entities, bodies of
// requests, and connections of services. It is data and imports nothing of ours.
package schema

import "embed"

// Files holds the schema files by path, e.g. "entity/data/table.json", and
// connections.json, which maps each service type to the schema of its connection.
//
//go:embed connections.json
//go:embed analytics answer api auth configuration dataInsight email entity events governance
//go:embed metadataIngestion search security settings system tests type
var Files embed.FS
