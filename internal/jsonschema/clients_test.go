package jsonschema_test

import "testing"

// TestBodiesOfClients holds the shapes of request that clients in the field send.
// A schema that refuses one of them breaks an ingestion run.
func TestBodiesOfClients(t *testing.T) {
	tests := []struct{ name, schema, doc string }{
		{"service", "api/services/createDatabaseService.json", `{
			"name": "shop_sqlite", "serviceType": "SQLite",
			"connection": {"config": {"type": "SQLite", "scheme": "sqlite+pysqlite", "hostPort": ":memory:", "databaseMode": ":memory:"}}}`},
		{"service without a connection", "api/services/createDatabaseService.json", `{"name": "pg", "serviceType": "Postgres"}`},
		{"service with a masked password", "api/services/createDatabaseService.json", `{
			"name": "pg", "serviceType": "Postgres",
			"connection": {"config": {"username": "u", "hostPort": "h:5432", "database": "d", "authType": {"password": "*********"}}}}`},
		{"database", "api/data/createDatabase.json", `{"name": "default", "service": "shop_sqlite", "sourceHash": "0123456789abcdef0123456789abcdef"}`},
		{"schema", "api/data/createDatabaseSchema.json", `{
			"name": "main", "description": "The main schema.", "database": "shop_sqlite.default", "sourceHash": "0123456789abcdef0123456789abcdef"}`},
		{"table", createTable, `{
			"name": "orders", "description": null, "tableType": "Regular",
			"columns": [
				{"name": "id", "dataType": "INT", "dataLength": 1, "dataTypeDisplay": "INTEGER", "constraint": "PRIMARY_KEY"},
				{"name": "price", "dataType": "DECIMAL", "precision": 10, "scale": 2, "dataTypeDisplay": "DECIMAL(10,2)", "constraint": "NULL"},
				{"name": "tags", "dataType": "ARRAY", "arrayDataType": "STRING", "dataTypeDisplay": "array<string>"},
				{"name": "line", "dataType": "STRUCT", "children": [{"name": "item", "dataType": "VARCHAR", "dataLength": 20}]}],
			"tableConstraints": [], "databaseSchema": "shop_sqlite.default.main", "sourceHash": "0123456789abcdef0123456789abcdef",
			"owners": [{"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "type": "user"}],
			"tags": [{"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Automated", "state": "Suggested"}]}`},
		{"view", createTable, `{
			"name": "recent", "tableType": "View", "columns": [], "schemaDefinition": "CREATE VIEW recent AS SELECT 1",
			"databaseSchema": "shop_sqlite.default.main"}`},
		{"names with reserved words", createTable, `{
			"name": "a__reserved__colon__b", "columns": [{"name": "x__reserved__quote__", "dataType": "INT"}, {"name": "say \"hi\"", "dataType": "INT"}],
			"databaseSchema": "s.d.\"p.q\""}`},
		{"foreign key", createTable, `{
			"name": "lines", "columns": [{"name": "order_id", "dataType": "INT"}],
			"tableConstraints": [{"constraintType": "FOREIGN_KEY", "columns": ["order_id"], "referredColumns": ["s.d.p.orders.id"], "relationshipType": "MANY_TO_ONE"}],
			"databaseSchema": "s.d.p"}`},
		{"stored procedure", "api/data/createStoredProcedure.json", `{
			"name": "refresh", "storedProcedureCode": {"code": "BEGIN END"}, "storedProcedureType": "StoredProcedure",
			"databaseSchema": "s.d.p", "sourceHash": "0123456789abcdef0123456789abcdef"}`},
		{"query of the usage workflow", "api/data/createQuery.json", `{
			"query": "SELECT 1", "duration": 0.25, "usedBy": ["ada"], "dialect": "postgres", "queryDate": 1795477529578,
			"service": "pg", "users": ["ada"], "processedLineage": true}`},
		{"ingestion pipeline", "api/services/ingestionPipelines/createIngestionPipeline.json", `{
			"name": "meta", "pipelineType": "metadata", "sourceConfig": {"config": {"type": "DatabaseMetadata", "markDeletedTables": true}},
			"airflowConfig": {}, "service": {"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "type": "databaseService"}, "enableStreamableLogs": false}`},
		{"status of a run", "entity/services/ingestionPipelines/ingestionPipeline.json#/$defs/pipelineStatus", `{
			"runId": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "pipelineState": "success", "startDate": 1795477529578, "timestamp": 1795477529578,
			"endDate": 1795477529999, "config": {}, "status": [{"name": "Source", "records": 10, "updated_records": 0, "warnings": 0, "errors": 0, "filtered": 0}]}`},
		{"suite of a table", "api/tests/createTestSuite.json", `{
			"name": "s.d.p.orders.testSuite", "displayName": "orders", "description": "", "basicEntityReference": "s.d.p.orders"}`},
		{"test case", "api/tests/createTestCase.json", `{
			"name": "email_not_null", "entityLink": "<#E::table::s.d.p.orders::columns::email>", "testDefinition": "columnValuesToBeNotNull",
			"parameterValues": []}`},
		{"test case of a quoted table", "api/tests/createTestCase.json", `{
			"name": "rows", "entityLink": "<#E::table::s.d.\"p.q\".orders>", "testDefinition": "tableRowCountToBeBetween",
			"parameterValues": [{"name": "minValue", "value": "1"}, {"name": "maxValue", "value": "10"}]}`},
		{"test result", "tests/basic.json#/$defs/testCaseResult", `{
			"timestamp": 1795477529578, "testCaseStatus": "Failed", "result": "Found 3.", "testResultValue": [{"name": "nullCount", "value": "3"}], "minBound": 0, "maxBound": 1}`},
		{"lineage", "api/lineage/addLineage.json", `{
			"edge": {
				"fromEntity": {"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "type": "table"},
				"toEntity": {"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a7", "type": "table"},
				"lineageDetails": {"sqlQuery": "SELECT 1", "source": "QueryLineage", "columnsLineage": [{"fromColumns": ["s.d.p.a.x"], "toColumn": "s.d.p.b.x"}]}}}`},
		{"sample data", "entity/data/table.json#/$defs/tableData", `{"columns": ["a", "b"], "rows": [[1, "x"], [null, "y"]]}`},
		{"classification", "api/classification/createClassification.json", `{"name": "dbtTags", "description": "", "mutuallyExclusive": false}`},
		{"tag", "api/classification/createTag.json", `{"name": "daily", "description": "", "classification": "dbtTags"}`},
		{"glossary term", "api/data/createGlossaryTerm.json", `{
			"name": "Order", "description": "An order.", "glossary": "Sales", "synonyms": ["purchase"], "references": [{"name": "w", "endpoint": "http://example.com"}]}`},
		{"user", "api/teams/createUser.json", `{"name": "ada", "email": "ada@example.com", "displayName": "Ada", "isBot": false, "createPasswordType": "USER_CREATE"}`},
		{"team", "api/teams/createTeam.json", `{"name": "red", "teamType": "Group", "users": ["6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"], "isJoinable": true}`},
		{"bot", "api/createBot.json", `{"name": "ingestion-bot", "botUser": "ingestion-bot"}`},
		{"topic", "api/data/createTopic.json", `{
			"name": "orders", "service": "kafka", "partitions": 3, "replicationFactor": 1, "retentionSize": -1, "maximumMessageSize": 1048588, "cleanupPolicies": ["delete"],
			"messageSchema": {"schemaText": "{}", "schemaType": "JSON", "schemaFields": [{"name": "id", "dataType": "INT"}]}, "topicConfig": {"a": "b"}}`},
		{"pipeline", "api/data/createPipeline.json", `{
			"name": "etl", "service": "airflow", "sourceUrl": "http://x/dags/etl", "scheduleInterval": "0 * * * *", "startDate": "2026-11-24T01:02:03Z",
			"tasks": [{"name": "load", "taskType": "PythonOperator", "downstreamTasks": [], "startDate": "2026-11-24T01:02:03Z"}]}`},
		{"dashboard", "api/data/createDashboard.json", `{"name": "1", "displayName": "Sales", "service": "superset", "charts": ["superset.2"], "sourceUrl": "http://x/1"}`},
		{"container", "api/data/createContainer.json", `{
			"name": "raw", "service": "s3", "prefix": "/", "numberOfObjects": 3, "size": 1024.0, "fileFormats": ["csv"],
			"dataModel": {"isPartitioned": false, "columns": [{"name": "a", "dataType": "STRING"}]}}`},
		{"life cycle with times as numbers", createTable, `{
			"name": "a", "columns": [], "databaseSchema": "s.d.p", "lifeCycle": {"accessed": {"timestamp": 1795477529578, "accessedBy": null, "accessedByAProcess": "etl"}}}`},
		{"tag with a date as text", createTable, `{
			"name": "a", "columns": [], "databaseSchema": "s.d.p", "tags": [{"tagFQN": "Tier.Tier1", "appliedAt": "2026-11-24T01:02:03Z", "appliedBy": "ada"}]}`},
		{"tag with a date as number", createTable, `{
			"name": "a", "columns": [], "databaseSchema": "s.d.p", "tags": [{"tagFQN": "Tier.Tier1", "appliedAt": 1795477529578}]}`},
	}
	set := load(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := set.Validate(test.schema, []byte(test.doc)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConnectionsOfClients holds settings of connections as people write them.
func TestConnectionsOfClients(t *testing.T) {
	tests := []struct{ category, product, config string }{
		{"databaseService", "Postgres", `{"type": "Postgres", "username": "u", "authType": {"password": "p"}, "hostPort": "h:5432", "database": "d", "ingestAllDatabases": true}`},
		{"databaseService", "Mysql", `{"username": "u", "authType": {"awsConfig": {"awsRegion": "eu-west-1", "enabled": true}}, "hostPort": "h:3306"}`},
		{"databaseService", "Snowflake", `{"username": "u", "password": "p", "account": "a", "warehouse": "w", "privateKey": "k", "snowflakePrivatekeyPassphrase": "x"}`},
		{"databaseService", "BigQuery", `{"type": "BigQuery", "credentials": {"gcpConfig": {"type": "service_account", "projectId": "p", "privateKeyId": "i", "privateKey": "k", "clientEmail": "e@x.y", "clientId": "1", "authUri": "https://a", "tokenUri": "https://t", "authProviderX509CertUrl": "https://c", "clientX509CertUrl": "https://d"}}}`},
		{"databaseService", "BigQuery", `{"credentials": {"gcpConfig": {"projectId": ["a", "b"], "type": "gcp_adc"}}}`},
		{"databaseService", "Trino", `{"username": "u", "hostPort": "h:8080", "authType": {"jwt": "t"}, "catalog": "c"}`},
		{"databaseService", "Hive", `{"hostPort": "h:10000", "metastoreConnection": {"type": "Mysql", "username": "u", "hostPort": "h", "authType": {"password": "p"}}}`},
		{"databaseService", "CustomDatabase", `{"type": "CustomDatabase", "sourcePythonClass": "a.B", "connectionOptions": {"k": "v"}}`},
		{"dashboardService", "Superset", `{"hostPort": "http://h:8088", "connection": {"provider": "db", "username": "u", "password": "p"}}`},
		{"dashboardService", "Metabase", `{"username": "u", "password": "p", "hostPort": "http://h:3000"}`},
		{"messagingService", "Kafka", `{"type": "Kafka", "bootstrapServers": "h:9092", "schemaRegistryURL": "http://r", "consumerConfig": {}}`},
		{"pipelineService", "Airflow", `{"hostPort": "http://h:8080", "connection": {"type": "Backend"}}`},
		{"pipelineService", "Dagster", `{"host": "http://h:3000"}`},
		{"mlmodelService", "Mlflow", `{"trackingUri": "http://h", "registryUri": "http://h"}`},
		{"storageService", "S3", `{"awsConfig": {"awsAccessKeyId": "i", "awsSecretAccessKey": "k", "awsRegion": "eu"}, "bucketNames": ["a"]}`},
		{"searchService", "ElasticSearch", `{"hostPort": "http://h:9200", "authType": {"username": "u", "password": "p"}}`},
		{"apiService", "Rest", `{"openAPISchemaConnection": {"openAPISchemaURL": "https://x/openapi.json"}}`},
		{"metadataService", "OpenMetadata", `{"hostPort": "http://h:8585/api", "authProvider": "openmetadata", "securityConfig": {"jwtToken": "t"}}`},
	}
	set := load(t)
	for _, test := range tests {
		t.Run(test.product, func(t *testing.T) {
			if err := set.ValidateConnection(test.category, test.product, []byte(test.config)); err != nil {
				t.Error(err)
			}
		})
	}
}
