"""Store rows of a table the way the sampler does, with values of many types."""
import os

from metadata.generated.schema.entity.data.table import Table, TableData
from metadata.sdk import configure

ometa = configure(host=os.environ["CATALPA_HOST"] + "/api", jwt_token=os.environ["CATALPA_JWT"]).ometa
table = ometa.get_by_name(entity=Table, fqn="shop_pg.shop.sales.customers")
rows = [[1, "Ada", "c1@example.com", None, 1.25], [2, "Größe \"x\"", "c2@example.com", True, "2026-01-01"]]
stored = ometa.ingest_table_sample_data(
    table, TableData(columns=["id", "name", "email", "phone", "balance"], rows=rows)
)
assert stored is not None and len(stored.rows) == 2, stored
