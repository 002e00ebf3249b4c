"""For every account that occurs in the shared sign-in and audit logs: the ids of the signals about it.

Independent of the Rust code: `json` and `csv` only. Prints one JSON object:
{file: {"rows": n, "accounts": {folded id or name: [signal ids]}}}. An account here is a user id or user
principal name in the place of the user of a sign-in, the initiating user, or a target of an audit record.
"""
import csv
import hashlib
import io
import json
import sys
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "signal.breakglass.invalid")


def low(record):
    """Keys in lower case; null and empty are left out; `X_dynamic`, `X_string` and `X [UTC]` are `X`."""
    out = {}
    for key, value in record.items():
        key = key.strip().lower()
        for twin in ("_dynamic", "_string", " [utc]"):
            key = key.removesuffix(twin)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            out.setdefault(key, value)
    return out


def inner(value):
    return json.loads(value) if isinstance(value, str) and value.strip()[:1] in "{[" else value


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def tenant_of(outer, props, enveloped):
    for fields in (outer, props):
        if "aadtenantid" in fields:
            return fields["aadtenantid"]
    if enveloped and (outer.get("tenantid") or props.get("tenantid")):
        return outer.get("tenantid") or props.get("tenantid")
    parts = [p for p in outer.get("resourceid", "").split("/") if p]
    return parts[1] if len(parts) > 1 and parts[0].lower() == "tenants" else ""


def signal(record):
    outer = low(record)
    enveloped = isinstance(outer.get("properties"), dict)
    raw = outer["properties"] if enveloped else record
    props = low(raw) if enveloped else outer
    audit = "targetresources" in props or "initiatedby" in props
    stream = "audit" if audit else "sign-in"
    own = props.get("activitydatetime" if audit else "createddatetime")
    rid = props.get("id") or outer.get("id")
    if rid is None:
        if enveloped:
            content = [raw, outer.get("correlationid"), outer.get("resulttype"), None if own else outer.get("time")]
        else:
            content = [record, None, None, None]
        rid = "content:" + hashlib.sha256(canonical(content).encode()).hexdigest()
    names = set()
    if audit:
        user = (inner(props.get("initiatedby")) or {}).get("user") or {}
        names |= {user.get("id"), user.get("userPrincipalName")}
        targets = inner(props.get("targetresources")) or []
        for target in targets if isinstance(targets, list) else [targets]:
            names |= {target.get("id"), target.get("userPrincipalName")}
    else:
        names |= {props.get("userid"), props.get("userprincipalname")}
    name = "\n".join((tenant_of(outer, props, enveloped).lower(), stream, rid))
    return str(uuid.uuid5(NAMESPACE, name)), {n.strip().lower() for n in names if n}


def records(path):
    text = open(path, encoding="utf-8-sig", newline="").read()
    if path.endswith(".csv"):
        rows = csv.reader(io.StringIO(text))
        head = next(rows)
        return [{h: c for h, c in zip(head, row) if c.strip()} for row in rows if row]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


result = {}
for path in sys.argv[1:]:
    accounts, rows = {}, 0
    for record in records(path):
        rows += 1
        sid, names = signal(record)
        for name in names:
            accounts.setdefault(name, set()).add(sid)
    result[path] = {"rows": rows, "accounts": {k: sorted(v) for k, v in accounts.items()}}
json.dump(result, sys.stdout)
