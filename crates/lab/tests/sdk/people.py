"""A person signs in with MSAL, the library under the Azure CLI and azure-identity: by device code, then by a browser.

Says what it needs as lines of JSON, and reads from standard input where the browser was sent.
"""

import json
import sys

import msal

authority, client = sys.argv[1:3]
app = msal.PublicClientApplication(client, authority=authority, instance_discovery=False)


def say(**what):
    print(json.dumps(what), flush=True)


def told(result):
    claims = result.get("id_token_claims") or {}
    return {
        "error": result.get("error"),
        "description": result.get("error_description"),
        "scope": result.get("scope"),
        "name": claims.get("preferred_username"),
        "token": result.get("access_token"),
    }


flow = app.initiate_device_flow(scopes=["https://graph.microsoft.com/User.Read"])
say(code=flow["user_code"], message=flow["message"])
flow["interval"] = 1
say(device=told(app.acquire_token_by_device_flow(flow)))
account = app.get_accounts()[0]
say(account=account["username"])
say(silent=told(app.acquire_token_silent(["https://management.azure.com/.default"], account=account) or {}))

flow = app.initiate_auth_code_flow(["https://graph.microsoft.com/.default"], redirect_uri="http://localhost:8400")
say(open=flow["auth_uri"])
answer = json.loads(sys.stdin.readline())
say(browser=told(app.acquire_token_by_auth_code_flow(flow, answer)))
