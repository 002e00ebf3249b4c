"""Reads and writes the twin with Microsoft's own Graph client for Python, and prints what the client understood.

    graph.py PART        one part: see the functions at the end of the file

Addresses, trust and the secret come by environment variables. The output is one JSON object; the test in Rust judges it.
"""

import asyncio
import dataclasses
import json
import os
import ssl
import sys

import httpx
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DeviceCodeCredential
from azure.identity.aio import CertificateCredential, ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.kiota_client_factory import DEFAULT_CONNECTION_TIMEOUT, DEFAULT_REQUEST_TIMEOUT
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.identity.conditional_access.evaluate.evaluate_post_request_body import EvaluatePostRequestBody
from msgraph.generated.models.administrative_unit import AdministrativeUnit
from msgraph.generated.models.application_context import ApplicationContext
from msgraph.generated.models.authentication_method_modes import AuthenticationMethodModes
from msgraph.generated.models.authentication_strength_policy import AuthenticationStrengthPolicy
from msgraph.generated.models.conditional_access_applications import ConditionalAccessApplications
from msgraph.generated.models.conditional_access_client_app import ConditionalAccessClientApp
from msgraph.generated.models.conditional_access_condition_set import ConditionalAccessConditionSet
from msgraph.generated.models.conditional_access_device_platform import ConditionalAccessDevicePlatform
from msgraph.generated.models.conditional_access_grant_control import ConditionalAccessGrantControl
from msgraph.generated.models.conditional_access_grant_controls import ConditionalAccessGrantControls
from msgraph.generated.models.conditional_access_policy import ConditionalAccessPolicy
from msgraph.generated.models.conditional_access_policy_state import ConditionalAccessPolicyState
from msgraph.generated.models.conditional_access_users import ConditionalAccessUsers
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.fido2_combination_configuration import Fido2CombinationConfiguration
from msgraph.generated.models.group import Group
from msgraph.generated.models.i_pv4_cidr_range import IPv4CidrRange
from msgraph.generated.models.ip_named_location import IpNamedLocation
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.sign_in_conditions import SignInConditions
from msgraph.generated.models.temporary_access_pass_authentication_method import TemporaryAccessPassAuthenticationMethod
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions
from msgraph.generated.models.user import User
from msgraph.generated.models.user_sign_in import UserSignIn
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory
from msgraph_core.authentication import AzureIdentityAuthenticationProvider
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

GRAPH = os.environ["LAB_GRAPH"]
LOGIN = os.environ["LAB_LOGIN"]
CA = os.environ["LAB_CA"]
TENANT = os.environ["LAB_TENANT"]
CLIENT = os.environ["LAB_CLIENT_ID"]
SECRET = os.environ["LAB_CLIENT_SECRET"]
USER = os.environ.get("LAB_USER", "")
GROUP = os.environ.get("LAB_GROUP", "")
READER = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"


def trusting() -> httpx.AsyncClient:
    """The client that the factory would make, with the twin's authority trusted, and no proxy from the environment."""
    timeout = httpx.Timeout(DEFAULT_REQUEST_TIMEOUT, connect=DEFAULT_CONNECTION_TIMEOUT)
    context = ssl.create_default_context(cafile=CA)
    return httpx.AsyncClient(verify=context, timeout=timeout, http2=True, trust_env=False, base_url=f"{GRAPH}/v1.0")


def credential(secret: str = SECRET) -> ClientSecretCredential:
    return ClientSecretCredential(
        TENANT, CLIENT, secret, authority=LOGIN, disable_instance_discovery=True, connection_verify=CA
    )


def connect(credentials) -> GraphServiceClient:
    scopes = ["https://graph.microsoft.com/.default"]
    auth = AzureIdentityAuthenticationProvider(credentials, scopes=scopes, allowed_hosts=[httpx.URL(GRAPH).host])
    client = GraphClientFactory.create_with_default_middleware(client=trusting(), options=options)
    adapter = GraphRequestAdapter(auth, client)
    adapter.base_url = f"{GRAPH}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


NAMES = {name: f"%24{name}" for name in ("filter", "select", "top", "count", "expand", "orderby", "search")}


def asked(headers=None, **parameters):
    """Query parameters and headers of one request. The client reads the fields of a data class; the generated ones differ
    by request only in which fields they have."""
    query = dataclasses.make_dataclass("Query", parameters, namespace={"get_query_parameter": lambda _self, name: NAMES[name]})
    configuration = RequestConfiguration(query_parameters=query(**parameters))
    for name, value in (headers or {}).items():
        configuration.headers.add(name, value)
    return configuration


ADVANCED = {"ConsistencyLevel": "eventual"}


async def everything(builder, configuration=None):
    """All pages by hand, as Microsoft's documentation of the client shows it."""
    page = await builder.get(configuration)
    pages, found, empty = 1, list(page.value or []), 0
    while page.odata_next_link:
        page = await builder.with_url(page.odata_next_link).get(configuration and RequestConfiguration(headers=configuration.headers))
        pages += 1
        empty += not page.value
        found += page.value or []
    return found, {"pages": pages, "emptyPages": empty}


def kind(thing):
    return type(thing).__name__


def enum(value):
    return None if value is None else getattr(value, "value", value)


def error(failure: ODataError):
    inner = failure.error.inner_error if failure.error else None
    return {
        "status": failure.response_status_code,
        "code": failure.error and failure.error.code,
        "message": failure.error and failure.error.message,
        "requestId": inner and inner.request_id,
        "clientRequestId": inner and inner.client_request_id,
        "date": inner and inner.date and str(inner.date),
        "headers": sorted(failure.response_headers or {}),
    }


async def refused(call):
    try:
        answer = await call
    except ODataError as failure:
        return error(failure)
    return {"notRefused": str(answer)[:200]}


async def paging(client):
    """All users, by hand (which goes on after an empty page) and by the page iterator (which stops at one)."""
    by_hand, shape = await everything(client.users, asked(select=["id", "userPrincipalName"], top=4))
    iterated = []
    first = await client.users.get(asked(select=["id", "userPrincipalName"], top=4))
    iterator = PageIterator(first, client.request_adapter)
    await iterator.iterate(lambda user: iterated.append(user.id) or True)
    return {"byHand": [user.id for user in by_hand], "shape": shape, "iterated": iterated}


async def read(client):
    answer = {}
    plain = await client.users.by_user_id(USER).get()
    chosen = await client.users.by_user_id(USER).get(
        asked(select=["id", "userPrincipalName", "accountEnabled", "userType", "onPremisesSyncEnabled", "assignedLicenses"])
    )
    answer["user"] = {
        "plain": {"id": plain.id, "upn": plain.user_principal_name, "name": plain.display_name, "enabled": plain.account_enabled},
        "selected": {"id": chosen.id, "upn": chosen.user_principal_name, "name": chosen.display_name, "enabled": chosen.account_enabled,
                     "type": chosen.user_type, "synced": chosen.on_premises_sync_enabled},
    }
    activity = await client.users.by_user_id(USER).get(asked(select=["id", "signInActivity"]))
    answer["lastSuccess"] = str(activity.sign_in_activity and activity.sign_in_activity.last_successful_sign_in_date_time)
    by_name = await client.users.get(asked(filter=f"userPrincipalName eq '{plain.user_principal_name}'"))
    answer["filtered"] = [user.id for user in by_name.value]
    advanced = await client.users.get(
        asked(ADVANCED, filter="endsWith(userPrincipalName,'.onmicrosoft.com')", count=True, select=["id", "userPrincipalName"], orderby=["userPrincipalName"])
    )
    answer["advanced"] = {"count": advanced.odata_count, "found": [user.user_principal_name for user in advanced.value]}
    answer["search"] = [user.display_name for user in (await client.users.get(asked(ADVANCED, search='"displayName:Break"'))).value]
    answer["userCount"] = await client.users.count.get(asked(ADVANCED))

    groups = (await client.groups.get()).value
    answer["groups"] = {group.id: [group.display_name, group.is_assignable_to_role, group.security_enabled] for group in groups}
    members = await client.groups.by_group_id(GROUP).transitive_members.get()
    answer["transitiveMembers"] = [[kind(member), member.id] for member in members.value]
    direct = await client.groups.by_group_id(GROUP).members.get()
    answer["members"] = [[kind(member), member.id] for member in direct.value]
    holding = await client.users.by_user_id(USER).transitive_member_of.get()
    answer["memberOf"] = [[kind(holder), holder.id] for holder in holding.value]
    units = (await client.directory.administrative_units.get()).value
    answer["units"] = [[unit.id, unit.display_name, unit.is_member_management_restricted] for unit in units]
    inside = await client.directory.administrative_units.by_administrative_unit_id(units[0].id).members.get()
    answer["unitMembers"] = [[kind(member), member.id] for member in inside.value]

    directory = client.role_management.directory
    answer["roles"] = {role.id: [role.display_name, role.is_built_in] for role in (await directory.role_definitions.get()).value}
    answer["assignments"] = [
        [row.principal_id, row.role_definition_id, row.directory_scope_id] for row in (await directory.role_assignments.get()).value
    ]
    answer["active"] = [
        [row.principal_id, row.role_definition_id, row.assignment_type, row.member_type, row.end_date_time and str(row.end_date_time)]
        for row in (await directory.role_assignment_schedule_instances.get()).value
    ]
    answer["eligible"] = [
        [row.principal_id, row.role_definition_id, row.directory_scope_id, row.member_type]
        for row in (await directory.role_eligibility_schedule_instances.get()).value
    ]
    settings = await client.policies.role_management_policy_assignments.get(
        asked(filter="scopeId eq '/' and scopeType eq 'DirectoryRole'", expand=["policy($expand=rules)"])
    )
    answer["settings"] = {
        row.role_definition_id: sorted(kind(rule) for rule in (row.policy.rules or [])) for row in settings.value
    }

    access = client.identity.conditional_access
    answer["policies"] = {
        policy.id: {
            "name": policy.display_name,
            "state": enum(policy.state),
            "created": str(policy.created_date_time),
            "clientApps": [enum(app) for app in policy.conditions.client_app_types],
            "includeUsers": policy.conditions.users.include_users,
            "excludeGroups": policy.conditions.users.exclude_groups,
            "controls": [enum(control) for control in policy.grant_controls.built_in_controls] if policy.grant_controls else None,
            "strength": policy.grant_controls
            and policy.grant_controls.authentication_strength
            and policy.grant_controls.authentication_strength.id,
        }
        for policy in (await access.policies.get()).value
    }
    answer["locations"] = [
        [kind(place), place.id, place.display_name, len(getattr(place, "ip_ranges", None) or getattr(place, "countries_and_regions", None) or [])]
        for place in (await access.named_locations.get()).value
    ]
    answer["strengths"] = [
        [strength.id, enum(strength.policy_type), [enum(mode) for mode in strength.allowed_combinations or []]]
        for strength in (await client.policies.authentication_strength_policies.get()).value
    ]

    methods = (await client.users.by_user_id(USER).authentication.methods.get()).value
    answer["methods"] = [[kind(method), method.id] for method in methods]
    keys = (await client.users.by_user_id(USER).authentication.fido2_methods.get()).value
    answer["keys"] = [[key.display_name, key.aa_guid, enum(key.attestation_level), enum(key.passkey_type), str(key.created_date_time)] for key in keys]
    organisation = (await client.organization.get()).value[0]
    answer["organisation"] = [organisation.id, organisation.display_name, [domain.name for domain in organisation.verified_domains]]
    answer["domains"] = [[domain.id, domain.is_initial, domain.authentication_type] for domain in (await client.domains.get()).value]
    return answer


async def logs(client):
    sign_ins, shape = await everything(client.audit_logs.sign_ins, asked(filter=f"userId eq '{USER}'"))
    audits, _ = await everything(client.audit_logs.directory_audits)
    return {
        "signIns": [
            {
                "id": row.id, "user": row.user_id, "upn": row.user_principal_name, "at": str(row.created_date_time),
                "error": row.status and row.status.error_code, "access": enum(row.conditional_access_status),
                "applied": [[policy.id, enum(policy.result)] for policy in row.applied_conditional_access_policies or []],
                "ip": row.ip_address, "interactive": row.is_interactive,
            }
            for row in sign_ins
        ],
        "signInPages": shape["pages"],
        "audits": [
            {
                "id": row.id, "activity": row.activity_display_name, "category": row.category, "result": enum(row.result),
                "app": row.initiated_by and row.initiated_by.app and row.initiated_by.app.display_name,
                "targets": [[target.type, target.id] for target in row.target_resources or []],
            }
            for row in audits
        ],
    }


def policy_of(name: str, user: str) -> ConditionalAccessPolicy:
    return ConditionalAccessPolicy(
        display_name=name,
        state=ConditionalAccessPolicyState.EnabledForReportingButNotEnforced,
        conditions=ConditionalAccessConditionSet(
            client_app_types=[ConditionalAccessClientApp.All],
            applications=ConditionalAccessApplications(include_applications=["All"]),
            users=ConditionalAccessUsers(include_users=["All"], exclude_users=[user]),
        ),
        grant_controls=ConditionalAccessGrantControls(operator="OR", built_in_controls=[ConditionalAccessGrantControl.Mfa]),
    )


async def write(client):
    answer = {}
    policies = client.identity.conditional_access.policies
    made = await policies.post(policy_of("Made by the Python client", USER))
    one = policies.by_conditional_access_policy_id(made.id)
    await one.patch(ConditionalAccessPolicy(state=ConditionalAccessPolicyState.Disabled))
    changed = await one.get()
    await one.delete()
    answer["policy"] = {
        "id": made.id, "state": enum(made.state), "afterPatch": enum(changed.state), "name": changed.display_name,
        "excluded": changed.conditions.users.exclude_users, "afterDelete": await refused(one.get()),
        "refused": await refused(policies.post(ConditionalAccessPolicy(display_name="says nothing"))),
    }

    group = await client.groups.post(
        Group(display_name="Made by the Python client", mail_enabled=False, mail_nickname="python", security_enabled=True, group_types=[])
    )
    this = client.groups.by_group_id(group.id)
    reference = ReferenceCreate(odata_id=f"{GRAPH}/v1.0/directoryObjects/{USER}")
    await this.members.ref.post(reference)
    with_member = [member.id for member in (await this.members.get()).value]
    twice = await refused(this.members.ref.post(reference))
    await this.patch(Group(description="changed"))
    description = (await this.get()).description
    await this.members.by_directory_object_id(USER).ref.delete()
    without = [member.id for member in (await this.members.get()).value]
    gone = await refused(this.members.by_directory_object_id(USER).ref.delete())
    await this.delete()
    answer["group"] = {
        "id": group.id, "type": kind(group), "withMember": with_member, "twice": twice, "description": description,
        "without": without, "notAMember": gone, "afterDelete": await refused(this.get()),
    }

    units = client.directory.administrative_units
    unit = await units.post(AdministrativeUnit(display_name="Made by the Python client", description="a unit"))
    this = units.by_administrative_unit_id(unit.id)
    await this.members.ref.post(ReferenceCreate(odata_id=f"{GRAPH}/v1.0/users/{os.environ['LAB_ORDINARY']}"))
    inside = [member.id for member in (await this.members.get()).value]
    await this.patch(AdministrativeUnit(description="changed"))
    description = (await this.get()).description
    await this.members.by_directory_object_id(os.environ["LAB_ORDINARY"]).ref.delete()
    await this.delete()
    answer["unit"] = {"id": unit.id, "inside": inside, "description": description, "afterDelete": await refused(this.get())}
    return answer


async def govern(client):
    """A person's account from beginning to end: made, given a role, a pass, disabled, signed out, deleted, restored."""
    answer = {}
    user = await client.users.post(
        User(account_enabled=True, display_name="Made by the Python client", mail_nickname="python",
             user_principal_name="python@contoso.onmicrosoft.com",
             password_profile=PasswordProfile(password="Twin-Password-1", force_change_password_next_sign_in=False))
    )
    this = client.users.by_user_id(user.id)
    answer["user"] = [user.id, user.user_principal_name]
    roles = client.role_management.directory.role_assignments
    role = await roles.post(
        UnifiedRoleAssignment(principal_id=user.id, role_definition_id=READER, directory_scope_id="/")
    )
    instances = client.role_management.directory.role_assignment_schedule_instances
    shown = await instances.get(asked(filter=f"principalId eq '{user.id}'"))
    answer["assignment"] = [role.id, role.principal_id, [[row.assignment_type, row.end_date_time] for row in shown.value]]
    expanded = await roles.get(asked(filter=f"principalId eq '{user.id}'", expand=["principal"]))
    answer["principal"] = [[kind(row.principal), row.principal.display_name] for row in expanded.value]
    await roles.by_unified_role_assignment_id(role.id).delete()
    answer["unassigned"] = len((await roles.get(asked(filter=f"principalId eq '{user.id}'"))).value)
    eligible = await client.role_management.directory.role_eligibility_schedule_requests.post(
        UnifiedRoleEligibilityScheduleRequest(
            action=UnifiedRoleScheduleRequestActions.AdminAssign, principal_id=user.id, role_definition_id=READER,
            directory_scope_id="/", justification="to look",
            schedule_info=RequestSchedule(expiration=ExpirationPattern(type=ExpirationPatternType.NoExpiration)),
        )
    )
    answer["eligible"] = [eligible.status, enum(eligible.action), eligible.principal_id]
    made = await this.authentication.temporary_access_pass_methods.post(
        TemporaryAccessPassAuthenticationMethod(lifetime_in_minutes=60, is_usable_once=True)
    )
    again = await this.authentication.temporary_access_pass_methods.by_temporary_access_pass_authentication_method_id(made.id).get()
    answer["pass"] = [bool(made.temporary_access_pass), made.lifetime_in_minutes, again.temporary_access_pass, again.is_usable]
    await this.patch(User(account_enabled=False))
    answer["enabled"] = (await this.get(asked(select=["accountEnabled"]))).account_enabled
    answer["revoked"] = (await this.revoke_sign_in_sessions.post()).value
    await this.delete()
    answer["afterDelete"] = await refused(this.get())
    restored = await client.directory.deleted_items.by_directory_object_id(user.id).restore.post()
    answer["restored"] = [kind(restored), restored.id]

    locations = client.identity.conditional_access.named_locations
    place = await locations.post(
        IpNamedLocation(display_name="Made by the Python client", is_trusted=True,
                        ip_ranges=[IPv4CidrRange(cidr_address="198.51.100.0/24")])
    )
    one = locations.by_named_location_id(place.id)
    await one.patch(IpNamedLocation(display_name="changed", is_trusted=False))
    changed = await one.get()
    answer["location"] = [kind(place), changed.display_name, changed.is_trusted, [kind(part) for part in changed.ip_ranges]]
    await one.delete()

    strengths = client.policies.authentication_strength_policies
    strength = await strengths.post(
        AuthenticationStrengthPolicy(display_name="Python keys", allowed_combinations=[AuthenticationMethodModes.Fido2])
    )
    await strengths.by_authentication_strength_policy_id(strength.id).combination_configurations.post(
        Fido2CombinationConfiguration(
            allowed_a_a_g_u_i_ds=["2fc0579f-8113-47ea-b116-bb5a8db9202a"], applies_to_combinations=[AuthenticationMethodModes.Fido2]
        )
    )
    narrowed = await strengths.by_authentication_strength_policy_id(strength.id).combination_configurations.get()
    answer["strength"] = [enum(strength.policy_type), enum(strength.requirements_satisfied),
                          [[kind(row), row.allowed_a_a_g_u_i_ds] for row in narrowed.value]]
    return answer


async def batch(client):
    """Three reads at once; the second asks for a user that does not exist."""
    requests = {
        "user": client.users.by_user_id(USER).to_get_request_information(asked(select=["id", "displayName"])),
        "nobody": client.users.by_user_id("00000000-0000-4000-8000-00000000dead").to_get_request_information(),
        "users": client.users.to_get_request_information(asked(select=["id"], top=3)),
    }
    answered = await send_batch(client, requests, relative=True)
    # The client leaves the whole address in the batch (microsoftgraph/msgraph-sdk-python issue 1015), which the service
    # refuses: people take the beginning away themselves.
    absolute = await send_batch(client, {"user": requests["user"]}, relative=False)
    # Bodies that are JSON objects are dropped by the client's JSON reader (microsoft/kiota-python issue 737): the Node client
    # looks into them.
    return {"statuses": answered.get_response_status_codes(), "absolute": absolute.get_response_status_codes()}


async def send_batch(client, requests, relative):
    content = BatchRequestContent()
    for name, request in requests.items():
        request.path_parameters["baseurl"] = f"{GRAPH}/v1.0"
        item = BatchRequestItem(request, id=name)
        if relative:
            item.url = item.url.removeprefix(f"{GRAPH}/v1.0")
        content.add_request(name, item)
    return await client.batch.post(content)


async def storm(client):
    """Reads while every second request is refused; what the client's retries do not get over is counted."""
    survived, failed = 0, []
    for _ in range(3):
        try:
            await client.users.get(asked(select=["id"], top=1))
            survived += 1
        except ODataError as failure:
            failed.append(error(failure))
    return {"survived": survived, "failed": failed}


async def errors(client):
    return {
        "unknownUser": await refused(client.users.by_user_id("nobody@contoso.com").get()),
        "nobodysOwn": await refused(client.me.get()),
        "notSupported": await refused(client.users.get(asked(filter="endsWith(userPrincipalName,'x')"))),
        "countWithoutHeader": await refused(client.users.count.get()),
        "unknownGroup": await refused(client.groups.by_group_id("00000000-0000-4000-8000-00000000dead").get()),
        "unknownPolicy": await refused(
            client.identity.conditional_access.policies.by_conditional_access_policy_id("00000000-0000-4000-8000-00000000dead").get()
        ),
    }


async def denied(client):
    """For an app that may do nothing."""
    return {
        "users": await refused(client.users.get()),
        "policies": await refused(client.identity.conditional_access.policies.get()),
        "signIns": await refused(client.audit_logs.sign_ins.get()),
    }


async def evaluate(client):
    body = EvaluatePostRequestBody(
        sign_in_identity=UserSignIn(user_id=USER),
        sign_in_context=ApplicationContext(include_applications=["797f4846-ba00-4fd7-ba43-dac1f8f63013"]),
        sign_in_conditions=SignInConditions(
            client_app_type=ConditionalAccessClientApp.Browser, device_platform=ConditionalAccessDevicePlatform.Windows,
            country="DE", ip_address="198.51.100.7",
        ),
        applied_policies_only=False,
    )
    answer = await client.identity.conditional_access.evaluate.post(body)
    return [
        {"id": row.id, "name": row.display_name, "state": enum(row.state), "applies": row.policy_applies, "type": kind(row)}
        for row in answer.value
    ]


async def wrong_secret(_client):
    """What the identity library makes of the token endpoint's refusals."""
    async with credential("not the secret") as bad:
        try:
            await bad.get_token("https://graph.microsoft.com/.default")
        except ClientAuthenticationError as failure:
            return {"message": str(failure)}
    return {"notRefused": True}


async def certificate(_client):
    """An app that proves itself by a certificate and not by a secret."""
    async with CertificateCredential(
        TENANT, CLIENT, os.environ["LAB_CERTIFICATE"], authority=LOGIN, disable_instance_discovery=True, connection_verify=CA
    ) as credentials:
        return [row.display_name for row in (await connect(credentials).organization.get()).value]


async def person(_client):
    """Somebody who signs in on another device: the code goes to standard output, and the test in Rust types it."""
    def show(_address, code, _expires):
        print(json.dumps({"code": code}), flush=True)

    credentials = DeviceCodeCredential(
        os.environ["LAB_PUBLIC_CLIENT"], tenant_id=TENANT, prompt_callback=show, authority=LOGIN,
        disable_instance_discovery=True, connection_verify=CA,
    )
    client = connect(credentials)
    me = await client.me.get()
    return {
        "me": [me.id, me.user_principal_name],
        "organisation": [row.id for row in (await client.organization.get()).value],
    }


PARTS = {
    part.__name__: part
    for part in (paging, read, logs, write, batch, storm, errors, denied, evaluate, wrong_secret, certificate, person, govern)
}


async def main():
    async with credential() as credentials:
        answers = {name: await PARTS[name](connect(credentials)) for name in sys.argv[1:]}
    print(json.dumps(answers))


asyncio.run(main())
