"""Walk every entity of metadata.sdk through its life: create, retrieve, list,
update, versions, followers, delete, restore, hard delete. Prints one JSON line an
entity with what the client saw last; the Go side compares it with the API."""
import json
import os
import sys
import traceback
import uuid

from metadata.generated.schema.api.classification.createClassification import CreateClassificationRequest
from metadata.generated.schema.api.classification.createTag import CreateTagRequest
from metadata.generated.schema.api.data.createAPICollection import CreateAPICollectionRequest
from metadata.generated.schema.api.data.createAPIEndpoint import CreateAPIEndpointRequest
from metadata.generated.schema.api.data.createChart import CreateChartRequest
from metadata.generated.schema.api.data.createCustomProperty import CreateCustomPropertyRequest
from metadata.generated.schema.api.data.createContainer import CreateContainerRequest
from metadata.generated.schema.api.data.createDashboard import CreateDashboardRequest
from metadata.generated.schema.api.data.createDashboardDataModel import CreateDashboardDataModelRequest
from metadata.generated.schema.api.data.createDataContract import CreateDataContractRequest
from metadata.generated.schema.api.data.createDatabase import CreateDatabaseRequest
from metadata.generated.schema.api.data.createDatabaseSchema import CreateDatabaseSchemaRequest
from metadata.generated.schema.api.data.createGlossary import CreateGlossaryRequest
from metadata.generated.schema.api.data.createGlossaryTerm import CreateGlossaryTermRequest
from metadata.generated.schema.api.data.createMetric import CreateMetricRequest
from metadata.generated.schema.api.data.createMlModel import CreateMlModelRequest
from metadata.generated.schema.api.data.createPipeline import CreatePipelineRequest
from metadata.generated.schema.api.data.createQuery import CreateQueryRequest
from metadata.generated.schema.api.data.createSearchIndex import CreateSearchIndexRequest
from metadata.generated.schema.api.data.createStoredProcedure import CreateStoredProcedureRequest
from metadata.generated.schema.api.data.createTable import CreateTableRequest
from metadata.generated.schema.api.domains.createDataProduct import CreateDataProductRequest
from metadata.generated.schema.api.domains.createDomain import CreateDomainRequest
from metadata.generated.schema.api.services.createApiService import CreateApiServiceRequest
from metadata.generated.schema.api.services.createDashboardService import CreateDashboardServiceRequest
from metadata.generated.schema.api.services.createDatabaseService import CreateDatabaseServiceRequest
from metadata.generated.schema.api.services.createMlModelService import CreateMlModelServiceRequest
from metadata.generated.schema.api.services.createPipelineService import CreatePipelineServiceRequest
from metadata.generated.schema.api.services.createSearchService import CreateSearchServiceRequest
from metadata.generated.schema.api.services.createStorageService import CreateStorageServiceRequest
from metadata.generated.schema.api.teams.createTeam import CreateTeamRequest
from metadata.generated.schema.api.teams.createUser import CreateUserRequest
from metadata.generated.schema.api.tests.createTestCase import CreateTestCaseRequest
from metadata.generated.schema.api.tests.createTestDefinition import CreateTestDefinitionRequest
from metadata.generated.schema.api.tests.createTestSuite import CreateTestSuiteRequest
from metadata.generated.schema.entity.data.table import Table
from metadata.generated.schema.type.basic import Markdown
import metadata.sdk
from metadata.ingestion.models.custom_properties import CustomPropertyDataTypes, OMetaCustomProperties
from metadata.sdk import (
    APICollections,
    APIEndpoints,
    Charts,
    Classifications,
    Containers,
    DashboardDataModels,
    Dashboards,
    DashboardServices,
    Databases,
    DatabaseSchemas,
    DatabaseServices,
    DataContracts,
    DataProducts,
    Domains,
    Glossaries,
    GlossaryTerms,
    Metrics,
    MLModels,
    Pipelines,
    Queries,
    SearchIndexes,
    StorageServices,
    StoredProcedures,
    Tables,
    Tags,
    Teams,
    TestCases,
    TestDefinitions,
    TestSuites,
    Users,
    configure,
)
from metadata.sdk.entities.base import BaseEntity

sdk = configure(host=os.environ["CATALPA_HOST"] + "/api", jwt_token=os.environ["CATALPA_JWT"])
ometa = sdk.ometa

# Services that the SDK has no class for are made with the client below it.
for request in (
    CreateApiServiceRequest(name="sdk_api", serviceType="Rest"),
    CreateMlModelServiceRequest(name="sdk_ml", serviceType="Mlflow"),
    CreatePipelineServiceRequest(name="sdk_pipeline", serviceType="Airflow"),
    CreateSearchServiceRequest(name="sdk_search", serviceType="ElasticSearch"),
):
    ometa.create_or_update(request)

follower = Users.create(CreateUserRequest(name="sdk_follower", email="sdk.follower@example.com"))
int_column = {"name": "id", "dataType": "INT"}

# Class, request or what makes it once its parents are there, and what the entity
# cannot do: soft (it is deleted for good), follow (nobody can follow it). Parents
# stand before their children.
LIVES = [
    (DatabaseServices, CreateDatabaseServiceRequest(name="sdk_db", serviceType="Mysql"), {"follow"}),
    (Databases, CreateDatabaseRequest(name="shop", service="sdk_db"), {"follow"}),
    (DatabaseSchemas, CreateDatabaseSchemaRequest(name="sales", database="sdk_db.shop"), {"follow"}),
    (
        Tables,
        CreateTableRequest(
            name="orders.2026",
            databaseSchema="sdk_db.shop.sales",
            columns=[
                int_column,
                {"name": "title", "dataType": "VARCHAR", "dataLength": 80},
                {"name": "address", "dataType": "STRUCT", "children": [{"name": "city", "dataType": "STRING"}]},
            ],
        ),
        set(),
    ),
    (
        StoredProcedures,
        CreateStoredProcedureRequest(
            name="tidy", databaseSchema="sdk_db.shop.sales", storedProcedureCode={"language": "SQL", "code": "select 1"}
        ),
        set(),
    ),
    (Queries, CreateQueryRequest(query="select 1 from orders", service="sdk_db"), {"soft"}),
    (Glossaries, CreateGlossaryRequest(name="sdk_words", description="Words of the shop"), {"follow"}),
    (
        GlossaryTerms,
        CreateGlossaryTermRequest(name="customer", glossary="sdk_words", description="Somebody who pays"),
        {"follow"},
    ),
    (Classifications, CreateClassificationRequest(name="SdkLevel", description="How much it matters"), {"follow"}),
    (Tags, CreateTagRequest(name="High", classification="SdkLevel", description="It does"), {"follow"}),
    (Users, CreateUserRequest(name="sdk_person", email="sdk.person@example.com"), {"follow"}),
    (Teams, CreateTeamRequest(name="sdk_team", teamType="Group"), {"follow"}),
    (Domains, CreateDomainRequest(name="sdk_domain", domainType="Aggregate", description="Selling"), {"soft", "follow"}),
    (
        DataProducts,
        CreateDataProductRequest(name="sdk_product", description="Orders, ready to use", domains=["sdk_domain"]),
        {"soft", "follow"},
    ),
    (DashboardServices, CreateDashboardServiceRequest(name="sdk_bi", serviceType="Superset"), {"follow"}),
    (Charts, CreateChartRequest(name="revenue", service="sdk_bi"), set()),
    (Dashboards, CreateDashboardRequest(name="board", service="sdk_bi", charts=["sdk_bi.revenue"]), set()),
    (
        DashboardDataModels,
        CreateDashboardDataModelRequest(
            name="facts", service="sdk_bi", dataModelType="SupersetDataModel", columns=[int_column]
        ),
        set(),
    ),
    (Pipelines, CreatePipelineRequest(name="nightly", service="sdk_pipeline", tasks=[{"name": "load"}]), set()),
    (MLModels, CreateMlModelRequest(name="churn", service="sdk_ml", algorithm="forest"), set()),
    (StorageServices, CreateStorageServiceRequest(name="sdk_store", serviceType="S3"), {"follow"}),
    (Containers, CreateContainerRequest(name="bucket", service="sdk_store"), set()),
    (
        SearchIndexes,
        CreateSearchIndexRequest(name="books", service="sdk_search", fields=[{"name": "title", "dataType": "TEXT"}]),
        set(),
    ),
    (APICollections, CreateAPICollectionRequest(name="v1", service="sdk_api"), {"follow"}),
    (APIEndpoints, CreateAPIEndpointRequest(name="getOrder", apiCollection="sdk_api.v1"), set()),
    (Metrics, CreateMetricRequest(name="sdk_revenue"), set()),
    (
        TestDefinitions,
        CreateTestDefinitionRequest(
            name="sdkCheck", entityType="TABLE", testPlatforms=["OpenMetadata"], description="A check"
        ),
        {"follow"},
    ),
    (TestSuites, CreateTestSuiteRequest(name="sdk_suite", description="Checks of the shop"), {"follow"}),
    (
        TestCases,
        CreateTestCaseRequest(
            name="enough_rows",
            entityLink='<#E::table::sdk_db.shop.sales."orders.2026">',
            testDefinition="tableRowCountToBeBetween",
            parameterValues=[{"name": "minValue", "value": "1"}],
        ),
        {"follow"},
    ),
    (
        DataContracts,
        lambda: CreateDataContractRequest(
            name="sdk_contract",
            entity={"id": Tables.retrieve_by_name('sdk_db.shop.sales."orders.2026"').id, "type": "table"},
            schema=[int_column],
        ),
        {"follow"},
    ),
]


def text(value):
    return getattr(value, "root", value)


def versions_of(facade, entity):
    """The documents of an entity's history; the client hands them over as text or dict."""
    return [json.loads(v) if isinstance(v, str) else v for v in facade.get_versions(entity.id.root)]


def live(facade, request, cannot):
    created = facade.create(request)
    fqn = text(created.fullyQualifiedName)
    assert created.id is not None, "no id"
    again = facade.create(request)
    assert again.id == created.id, f"create or update made a second one: {again.id}"
    assert again.version == created.version, f"nothing changed, yet {created.version} became {again.version}"

    assert facade.retrieve(created.id.root).id == created.id
    assert facade.retrieve_by_name(fqn).id == created.id

    changed = facade.retrieve(created.id.root)
    changed.description = Markdown("Changed by the *SDK*.")
    changed.displayName = "Shown name"
    updated = facade.update(changed)
    assert text(updated.description) == "Changed by the *SDK*.", updated.description
    assert updated.displayName == "Shown name", updated.displayName
    assert text(updated.version) > text(created.version), (created.version, updated.version)

    assert created.id in [e.id for e in facade.list_all(batch_size=7)], "not in the list"
    first = facade.get_specific_version(created.id.root, str(text(created.version)))
    assert text(first.version) == text(created.version), first.version
    assert len(versions_of(facade, created)) >= 2, "history lacks a version"

    if "follow" not in cannot:
        followed = facade.add_followers(created.id.root, [follower.id.root])
        assert [f.id for f in followed.followers.root] == [follower.id], followed.followers
        left = facade.remove_followers(created.id.root, [follower.id.root])
        assert not left.followers or not left.followers.root, left.followers

    if "soft" not in cannot:
        facade.delete(created.id.root, recursive=True)
        assert facade.retrieve(created.id.root) is None, "still there after delete"
        restored = facade.restore(created.id.root)
        assert restored.id == created.id
        assert text(facade.retrieve(created.id.root).description) == "Changed by the *SDK*."
    last = facade.retrieve(created.id.root)
    return {"id": str(created.id.root), "fqn": fqn, "version": text(last.version)}


failures = 0
lived = []
classes = [c for c in vars(metadata.sdk).values() if isinstance(c, type) and issubclass(c, BaseEntity) and c is not BaseEntity]
for facade in set(classes) - {facade for facade, _, _ in LIVES}:
    failures += 1
    print(json.dumps({"entity": facade.__name__, "ok": False, "error": "it is not tried"}))
for facade, request, cannot in LIVES:
    try:
        seen = live(facade, request() if callable(request) else request, cannot)
        lived.append((facade, seen))
        print(json.dumps({"entity": facade.__name__, "ok": True, **seen}))
    except Exception as error:  # all of them are tried; each failure is shown
        failures += 1
        print(json.dumps({"entity": facade.__name__, "ok": False, "error": f"{type(error).__name__}: {error}"}))
        traceback.print_exc(file=sys.stdout)



def tags_and_columns():
    orders = Tables.retrieve_by_name('sdk_db.shop.sales."orders.2026"', fields=["columns"])
    Tables.add_tag(orders.id.root, "Tier.Tier1")
    described = orders.model_copy(deep=True)
    described.columns[1].description = Markdown("What it is called")
    Tables.update(described)


def custom_properties():
    orders = Tables.retrieve_by_name('sdk_db.shop.sales."orders.2026"')
    ometa.create_or_update_custom_property(
        OMetaCustomProperties(
            entity_type=Table,
            createCustomPropertyRequest=CreateCustomPropertyRequest(
                name="shelf",
                description="Where it stands",
                propertyType=ometa.get_property_type_ref(CustomPropertyDataTypes.STRING),
            ),
        )
    )
    Tables.update_custom_properties(orders.id.root).with_property("shelf", "top left").execute()
    extended = Tables.retrieve(orders.id.root, fields=["extension"])
    assert extended.extension.root == {"shelf": "top left"}, extended.extension


def csv():
    exported = str(Glossaries.export_csv("sdk_words").execute())
    assert "customer" in exported, exported
    result = Glossaries.import_csv("sdk_words").with_data(exported).set_dry_run(True).execute()
    assert result.get("status") == "success", result


# What only some entities have.
for extra in (tags_and_columns, custom_properties, csv):
    try:
        extra()
        print(json.dumps({"entity": extra.__name__, "ok": True}))
    except Exception as error:
        failures += 1
        print(json.dumps({"entity": extra.__name__, "ok": False, "error": f"{type(error).__name__}: {error}"}))
        traceback.print_exc(file=sys.stdout)

# Asking for what is not there gives none, not an error.
if Tables.retrieve(str(uuid.uuid4())) is not None or Tables.retrieve_by_name("no.such.table.here") is not None:
    failures += 1
    print(json.dumps({"entity": "absent", "ok": False, "error": "a missing table is not none"}))
else:
    print(json.dumps({"entity": "absent", "ok": True}))
sys.exit(1 if failures else 0)
