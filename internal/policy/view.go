package policy

// OperationsForView derives the operations that reading an entity with the given
// extra fields needs. Without fields, ViewBasic is enough; a field that nobody
// has classified needs ViewAll, which covers the others.
func OperationsForView(typ string, fields ...string) []Operation {
	need := setOf(ViewBasic)
	for _, field := range fields {
		need |= setOf(OperationForView(typ, field))
	}
	return need.List()
}

// OperationForView is what seeing one field needs.
func OperationForView(typ, field string) Operation {
	if op := viewOfAny(field); op != noOperation {
		return op
	}
	if op := viewOfType(typ, field); op != noOperation {
		return op
	}
	return ViewAll
}

// viewOfAny knows the fields that mean the same on every type.
func viewOfAny(field string) Operation {
	switch field {
	case "owners", "followers", "votes", "tags", "extension", "domains", "dataProducts", "experts":
		return ViewBasic
	case "usageSummary":
		return ViewUsage
	case "sampleData":
		return ViewSampleData
	}
	return noOperation
}

func viewOfType(typ, field string) Operation {
	switch typ {
	case "table":
		return viewOfTable(field)
	case "database":
		return basicIf(field == "databaseSchemas" || field == "location")
	case "pipeline":
		return basicIf(field == "tasks" || field == "pipelineStatus")
	case "policy":
		return basicIf(field == "location" || field == "roles" || field == "teams")
	}
	return noOperation
}

func basicIf(basic bool) Operation {
	if basic {
		return ViewBasic
	}
	return noOperation
}

func viewOfTable(field string) Operation {
	switch field {
	case "columns", "joins", "schemaDefinition", "tablePartition", "dataModel", "tableConstraints":
		return ViewBasic
	case "customMetrics", "testSuite", "tests":
		return ViewTests
	case "queries":
		return ViewQueries
	case "profile", "tableProfilerConfig":
		return ViewDataProfile
	}
	return noOperation
}
