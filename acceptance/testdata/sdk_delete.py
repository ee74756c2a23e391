"""Delete for good what sdk.py made, leaves first, and see that it is gone.
Arguments: pairs of an SDK class and an id."""
import os
import sys

import metadata.sdk as sdk

sdk.configure(host=os.environ["CATALPA_HOST"] + "/api", jwt_token=os.environ["CATALPA_JWT"])
pairs = [argument.split("=", 1) for argument in sys.argv[1:]]
for name, identifier in reversed(pairs):
    facade = getattr(sdk, name)
    facade.delete(identifier, recursive=True, hard_delete=True)
    assert facade.retrieve(identifier) is None, f"{name} {identifier} is still there"
print(len(pairs))
