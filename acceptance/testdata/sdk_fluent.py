"""Use what the SDK has besides the lives of entities, on what sdk.py made: lineage,
search, contracts as ODCS, and what only tables have."""
import asyncio
import os

from metadata.generated.schema.api.data.createTable import CreateTableRequest
from metadata.generated.schema.api.tests.createCustomMetric import CreateCustomMetricRequest
from metadata.generated.schema.entity.data.table import Table, TableData
from metadata.generated.schema.type.entityReferenceList import EntityReferenceList
from metadata.sdk import DataContracts, Tables, Users, configure, to_entity_reference
from metadata.sdk.api.lineage import Lineage
from metadata.sdk.api.search import Search

sdk = configure(host=os.environ["CATALPA_HOST"] + "/api", jwt_token=os.environ["CATALPA_JWT"])
Lineage.set_default_client(sdk)
Search.set_default_client(sdk)

NAME = 'sdk_db.shop.sales."orders.2026"'
orders = Tables.retrieve_by_name(NAME)
request = {"name": "totals", "databaseSchema": "sdk_db.shop.sales", "columns": [{"name": "id", "dataType": "INT"}]}
totals = Tables.create(CreateTableRequest(**request))
source, target = str(orders.id.root), str(totals.id.root)


def arrows(graph):
    graph = graph if isinstance(graph, dict) else graph.model_dump(mode="json")
    return [(edge["fromEntity"], edge["toEntity"]) for edge in graph.get("downstreamEdges") or []]


# Lineage: set, read in every way, described, removed.
Lineage.add_lineage(source, "table", target, "table", description="How *totals* come about")
assert arrows(Lineage.get_entity_lineage(Table, source)) == [(source, target)]
assert arrows(Lineage.builder().entity_type(Table).entity_id(source).downstream_depth(2).execute()) == [(source, target)]
assert arrows(Lineage.export_lineage(Table, source)) == [(source, target)]
assert arrows(asyncio.run(Lineage.get_entity_lineage_async(Table, source))) == [(source, target)]
Lineage.delete_lineage(source, "table", target, "table")
assert arrows(Lineage.get_entity_lineage(Table, source)) == []
Lineage.builder().from_entity(source, "table").to_entity(target, "table").execute()
assert arrows(Lineage.get_entity_lineage(Table, source)) == [(source, target)]

# Search finds the table, with filters and facets, and by its name.
found = Search.search("orders", index="table_search_index")
assert source in [hit["_id"] for hit in found["hits"]["hits"]], found
found = Search.builder().query("*").index("table_search_index").filter("name.keyword", "totals").size(5).execute()
assert [hit["_id"] for hit in found["hits"]["hits"]] == [target], found
assert source in [str(t.id.root) for t in Tables.search("sdk_db.shop.sales.*")]

# A page after the other, of one schema.
first = Tables.list(limit=1, filters={"databaseSchema": "sdk_db.shop.sales"})
second = Tables.list(limit=1, after=first.after, filters={"databaseSchema": "sdk_db.shop.sales"})
assert {str(t.id.root) for t in first.entities + second.entities} == {source, target} and not second.after

# What only tables have.
rows = TableData(columns=["id"], rows=[[1], [None], ["Größe"]])
Tables.add_sample_data(target, rows)
assert Tables.get_sample_data(target).sampleData.rows == rows.rows
measured = Tables.add_custom_metric(target, CreateCustomMetricRequest(name="rows", expression="select count(*) from totals"))
assert [m.name.root for m in measured.customMetrics] == ["rows"], measured.customMetrics

# An owner by reference, and a custom property taken away.
owned = Tables.retrieve(target, fields=["owners"])
changed = owned.model_copy(deep=True)
changed.owners = EntityReferenceList(root=[to_entity_reference(Users.retrieve_by_name("sdk_follower"))])
Tables.update(changed)
assert [o.name for o in Tables.retrieve(target, fields=["owners"]).owners.root] == ["sdk_follower"]
Tables.update_custom_properties(source).clear_property("shelf").execute()
assert not Tables.retrieve(source, fields=["extension"]).extension

# A contract goes out in the open standard, and comes back for another table.
contract = DataContracts.retrieve_by_name(NAME + ".dataContract_sdk_contract")
standard = DataContracts.export_odcs(str(contract.id.root)).execute()
assert standard.schema_[0].properties[0].name == "id", standard
text = DataContracts.export_odcs_by_name(NAME + ".dataContract_sdk_contract").as_yaml().execute()
assert "apiVersion" in text and "sdk_contract" in text, text
merged = DataContracts.import_odcs(source, "table").from_odcs(standard).merge().execute()
assert merged.id == contract.id, merged
standard.name = "copied"
standard.id = "11111111-2222-4333-8444-555555555555"
copied = DataContracts.import_odcs(target, "table").from_odcs(standard).create_new().execute()
assert str(copied.entity.id.root) == target and copied.id != contract.id, copied
DataContracts.delete(str(copied.id.root), hard_delete=True)
Tables.delete(target, hard_delete=True)
