package jsonschema

// What tests of the package from outside need to see.
var (
	Matcher     = matcher
	FormatCheck = formatCheck
	ParseSource = parseSource
)
