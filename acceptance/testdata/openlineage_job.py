"""A job that tells of its run with the OpenLineage client."""
import os
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset, sql_job
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

NAMESPACE = "mysql://shop.example.org:3306"
PRODUCER = "https://example.org/nightly"

client = OpenLineageClient(
    transport=HttpTransport(
        HttpConfig(
            url=os.environ["CATALPA_HOST"],
            endpoint="api/v1/openlineage/lineage",
            timeout=30,
            auth=ApiKeyTokenProvider({"apiKey": os.environ["CATALPA_JWT"]}),
        )
    )
)
run = Run(runId=str(generate_new_uuid()))
job = Job(namespace="nightly", name="totals", facets={"sql": sql_job.SQLJobFacet(query="insert into totals select sum(amount) from orders")})
fields = {
    "amount": column_lineage_dataset.Fields(
        inputFields=[column_lineage_dataset.InputField(namespace=NAMESPACE, name="sales.orders", field="amount")]
    )
}
for state in (RunState.START, RunState.COMPLETE):
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(timezone.utc).isoformat(),
            run=run,
            job=job,
            producer=PRODUCER,
            inputs=[InputDataset(namespace=NAMESPACE, name="sales.orders")],
            outputs=[
                OutputDataset(
                    namespace=NAMESPACE,
                    name="sales.totals",
                    facets={"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)},
                )
            ],
        )
    )
client.close()
print("told")
