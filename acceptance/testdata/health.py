"""The client's own check of health and version."""
import os

from metadata.generated.schema.entity.services.connections.metadata.openMetadataConnection import (
    AuthProvider,
    OpenMetadataConnection,
)
from metadata.generated.schema.security.client.openMetadataJWTClientConfig import (
    OpenMetadataJWTClientConfig,
)
from metadata.ingestion.ometa.ometa_api import OpenMetadata

client = OpenMetadata(
    OpenMetadataConnection(
        hostPort=os.environ["CATALPA_HOST"] + "/api",
        authProvider=AuthProvider.openmetadata,
        securityConfig=OpenMetadataJWTClientConfig(jwtToken=os.environ["CATALPA_JWT"]),
        enableVersionValidation=True,
    )
)
assert client.health_check() is True
client.validate_versions()
print(client.get_server_version())
