"""Run checks of a table from code, as the SDK's data quality does."""
import os
import sys

from metadata.sdk import configure
from metadata.sdk.data_quality import ColumnValuesToBeNotNull, TableRowCountToBeBetween, TestRunner

configure(host=os.environ["CATALPA_HOST"] + "/api", jwt_token=os.environ["CATALPA_JWT"])
runner = TestRunner.for_table(sys.argv[1])
runner.add_test(TableRowCountToBeBetween(min_count=1, max_count=50, name="code_count"))
runner.add_test(ColumnValuesToBeNotNull(column="email", name="code_email"))
found = {r.testCase.name.root: r.testCaseResult.testCaseStatus.value for r in runner.run()}
# The runner also runs the checks that the table has already.
assert found.items() >= {"code_count": "Failed", "code_email": "Success"}.items(), found
