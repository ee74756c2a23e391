package registry

// driveTypes lists files and folders of drives.
func driveTypes() []*Type {
	return []*Type{
		{
			Name: "directory", Plural: "directories", Collection: "/v1/drives/directories",
			Schema: "entity/data/directory.json", Create: "api/data/createDirectory.json",
			Parents:   []ParentField{{"parent", "directory"}, {"service", "driveService"}},
			Ancestors: []string{"service", "serviceType"},
			Children:  []Child{{"children", "directory"}},
			Records:   []string{"usageSummary"},
			Expand: []string{
				"owners", "children", "parent", "usageSummary", "tags", "extension", "domains", "sourceHash",
				"lifeCycle", "votes", "followers", "certification", "dataProducts",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"driveService"}},
				{Param: "parent", Kind: FilterParent, Types: []string{"directory"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "file", Plural: "files", Collection: "/v1/drives/files",
			Schema: "entity/data/file.json", Create: "api/data/createFile.json",
			Parents:   []ParentField{{"directory", "directory"}, {"service", "driveService"}},
			Ancestors: []string{"service", "serviceType"},
			Relations: []Relation{
				{Field: "lastModifiedBy", Types: []string{"user"}},
			},
			Records: []string{"sampleData", "usageSummary"},
			Expand:  []string{"owners", "tags", "certification", "extension", "dataProducts", "followers", "votes"},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"driveService"}},
				{Param: "directory", Kind: FilterParent, Types: []string{"directory"}},
				{Param: "fileType", Kind: FilterField, Field: "fileType"},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
			Hooks:    columnHooks("columns"),
		},
		{
			Name: "spreadsheet", Plural: "spreadsheets", Collection: "/v1/drives/spreadsheets",
			Schema: "entity/data/spreadsheet.json", Create: "api/data/createSpreadsheet.json",
			Parents:   []ParentField{{"directory", "directory"}, {"service", "driveService"}},
			Ancestors: []string{"service", "serviceType"},
			Relations: []Relation{
				{Field: "directory", Types: []string{"directory"}, Request: "parent"},
				{Field: "lastModifiedBy", Types: []string{"user"}},
			},
			Children: []Child{{"worksheets", "worksheet"}},
			Records:  []string{"usageSummary"},
			Expand: []string{
				"owners", "directory", "worksheets", "usageSummary", "tags", "extension", "domains", "sourceHash",
				"lifeCycle", "votes", "followers", "certification", "dataProducts",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"driveService"}},
				{Param: "directory", Kind: FilterParent, Types: []string{"directory"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "worksheet", Plural: "worksheets", Collection: "/v1/drives/worksheets",
			Schema: "entity/data/worksheet.json", Create: "api/data/createWorksheet.json",
			Parents:   []ParentField{{"spreadsheet", "spreadsheet"}},
			Ancestors: []string{"service", "serviceType"},
			Records:   []string{"sampleData", "usageSummary"},
			Expand: []string{
				"owners", "spreadsheet", "columns", "sampleData", "usageSummary", "tags", "extension", "domains",
				"sourceHash", "lifeCycle", "votes", "followers", "certification", "dataProducts",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"driveService"}},
				{Param: "spreadsheet", Kind: FilterParent, Types: []string{"spreadsheet"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
			Hooks:    columnHooks("columns"),
		},
	}
}
