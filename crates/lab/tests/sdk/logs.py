"""Queries Log Analytics in the twin with Microsoft's own client (`azure-monitor-query`), and prints what it understood.

Addresses, trust and the secret come by environment variables. The output is one JSON object; the test in Rust judges it.
"""

import json
import os
from datetime import timedelta

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.monitor.query import LogsBatchQuery, LogsQueryClient

CA = os.environ["LAB_CA"]
WORKSPACE = os.environ["LAB_WORKSPACE"]
QUERY = "SigninLogs | where TimeGenerated > ago(2h) | take 10"

credential = ClientSecretCredential(
    os.environ["LAB_TENANT"], os.environ["LAB_CLIENT_ID"], os.environ["LAB_CLIENT_SECRET"],
    authority=os.environ["LAB_LOGIN"], disable_instance_discovery=True, connection_verify=CA,
)
client = LogsQueryClient(
    credential, endpoint=os.environ["LAB_LOGS"], audience="https://api.loganalytics.io", connection_verify=CA, retry_total=0
)


def table_of(result):
    if not hasattr(result, "status"):
        return {"error": str(result)}
    tables = getattr(result, "tables", None) or getattr(result, "partial_data", None) or []
    return {
        "status": result.status.value,
        "columns": dict(zip(tables[0].columns, tables[0].columns_types)) if tables else None,
        "rows": [dict(zip(tables[0].columns, map(str, row))) for row in tables[0].rows] if tables else None,
        "statistics": bool(getattr(result, "statistics", None)),
        "partial": getattr(getattr(result, "partial_error", None), "code", None),
    }


def ask(workspace, query):
    try:
        return table_of(client.query_workspace(workspace, query, timespan=timedelta(hours=2), include_statistics=True))
    except HttpResponseError as failure:
        return {"status": failure.status_code, "code": failure.error and failure.error.code, "message": str(failure.message)}


batch = client.query_batch([
    LogsBatchQuery(WORKSPACE, QUERY, timespan=timedelta(hours=2)),
    LogsBatchQuery("00000000-0000-4000-8000-00000000dead", QUERY, timespan=timedelta(hours=2)),
])
print(json.dumps({
    "query": ask(WORKSPACE, QUERY),
    "unknownWorkspace": ask("00000000-0000-4000-8000-00000000dead", QUERY),
    "badQuery": ask(WORKSPACE, "SigninLogs | wher"),
    "batch": [table_of(result) | {"kind": type(result).__name__} for result in batch],
}))
