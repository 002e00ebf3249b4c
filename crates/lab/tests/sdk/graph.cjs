// Reads and writes the twin with Microsoft's own Graph client for Node, and prints what came.
//
//     node graph.cjs PART        one part: see the end of the file
//
// Addresses and the secret come by environment variables; NODE_EXTRA_CA_CERTS names the twin's certificate authority.
// The output is one JSON object; the test in Rust judges it.
"use strict";

const { createRequire } = require("node:module");
const from = createRequire(`${process.env.LAB_NODE_DIR}/package.json`);
const { ClientSecretCredential } = from("@azure/identity");
const { BatchRequestContent, BatchResponseContent, Client, PageIterator } = from("@microsoft/microsoft-graph-client");
const { TokenCredentialAuthenticationProvider } = from(
  "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials",
);

const { LAB_GRAPH, LAB_LOGIN, LAB_TENANT, LAB_CLIENT_ID, LAB_CLIENT_SECRET, LAB_USER, LAB_GROUP, LAB_ORDINARY } = process.env;
const NOBODY = "00000000-0000-4000-8000-00000000dead";

const credential = new ClientSecretCredential(LAB_TENANT, LAB_CLIENT_ID, LAB_CLIENT_SECRET, {
  authorityHost: LAB_LOGIN,
  disableInstanceDiscovery: true,
});
const client = Client.initWithMiddleware({
  baseUrl: LAB_GRAPH,
  customHosts: new Set([new URL(LAB_GRAPH).hostname]),
  authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes: ["https://graph.microsoft.com/.default"] }),
});
const beta = (path) => client.api(path).version("beta");

async function all(request, headers) {
  const found = [];
  const iterator = new PageIterator(client, await request.get(), (item) => found.push(item) > 0, { headers });
  await iterator.iterate();
  return { found, complete: iterator.isComplete() };
}

async function refused(call) {
  try {
    return { notRefused: await call };
  } catch (error) {
    return { status: error.statusCode, code: error.code, message: error.message, requestId: error.requestId, date: error.date };
  }
}

const ids = ({ found, complete }) => ({ ids: found.map((item) => item.id), complete });
const type = (item) => [item["@odata.type"], item.id];

const parts = {
  // Empty pages in the middle are followed by this client's page iterator.
  async paging() {
    return ids(await all(client.api("/users").select("id,userPrincipalName").top(4)));
  },

  async read() {
    const advanced = { ConsistencyLevel: "eventual" };
    const answer = {};
    answer.user = {
      plain: await client.api(`/users/${LAB_USER}`).get(),
      selected: await client.api(`/users/${LAB_USER}`).select("id,accountEnabled,userType,onPremisesSyncEnabled,signInActivity").get(),
    };
    const upn = answer.user.plain.userPrincipalName;
    answer.byUpn = (await client.api(`/users/${encodeURIComponent(upn)}`).get()).id;
    answer.filtered = ids(await all(client.api("/users").filter(`userPrincipalName eq '${upn}'`)));
    const found = await client.api("/users").headers(advanced).filter("endsWith(userPrincipalName,'.onmicrosoft.com')").count(true).get();
    answer.advanced = { count: found["@odata.count"], ids: found.value.map((user) => user.id) };
    // The reader of text bodies gives an empty object for `text/plain` unless it is told what comes.
    answer.userCount = await client.api("/users/$count").headers(advanced).responseType("text").get();
    answer.groups = ids(await all(client.api("/groups")));
    answer.transitiveMembers = (await all(client.api(`/groups/${LAB_GROUP}/transitiveMembers`))).found.map(type);
    answer.memberOf = (await all(client.api(`/users/${LAB_USER}/transitiveMemberOf`))).found.map(type);
    answer.units = (await all(client.api("/directory/administrativeUnits"))).found;
    answer.assignments = (await all(client.api("/roleManagement/directory/roleAssignments"))).found;
    answer.active = (await all(client.api("/roleManagement/directory/roleAssignmentScheduleInstances"))).found;
    answer.eligible = (await all(client.api("/roleManagement/directory/roleEligibilityScheduleInstances"))).found;
    answer.roles = (await all(client.api("/roleManagement/directory/roleDefinitions"))).found;
    answer.privileged = ids(await all(beta("/roleManagement/directory/roleDefinitions").filter("isPrivileged eq true")));
    answer.policies = (await all(client.api("/identity/conditionalAccess/policies"))).found;
    answer.betaPolicies = ids(await all(beta("/identity/conditionalAccess/policies")));
    answer.locations = (await all(client.api("/identity/conditionalAccess/namedLocations"))).found;
    answer.strengths = (await all(client.api("/policies/authenticationStrengthPolicies"))).found;
    answer.methods = (await all(client.api(`/users/${LAB_USER}/authentication/methods`))).found;
    answer.keys = (await all(client.api(`/users/${LAB_USER}/authentication/fido2Methods`))).found;
    answer.organisation = (await client.api("/organization").get()).value;
    answer.domains = (await client.api("/domains").get()).value;
    return answer;
  },

  async logs() {
    return {
      signIns: (await all(client.api("/auditLogs/signIns").filter(`userId eq '${LAB_USER}'`))).found,
      betaSignIns: (await all(beta("/auditLogs/signIns").filter("signInEventTypes/any(t: t eq 'nonInteractiveUser')"))).found,
      audits: (await all(client.api("/auditLogs/directoryAudits"))).found,
    };
  },

  async write() {
    const answer = {};
    const made = await client.api("/identity/conditionalAccess/policies").post({
      displayName: "Made by the Node client",
      state: "disabled",
      conditions: {
        clientAppTypes: ["all"],
        applications: { includeApplications: ["All"] },
        users: { includeUsers: ["All"], excludeUsers: [LAB_USER] },
      },
      grantControls: { operator: "OR", builtInControls: ["block"] },
    });
    const policy = `/identity/conditionalAccess/policies/${made.id}`;
    await client.api(policy).patch({ state: "enabledForReportingButNotEnforced" });
    answer.policy = { made, changed: await client.api(policy).get() };
    await client.api(policy).delete();
    answer.policy.afterDelete = await refused(client.api(policy).get());

    const group = await client.api("/groups").post({
      displayName: "Made by the Node client", mailEnabled: false, mailNickname: "node", securityEnabled: true,
      isAssignableToRole: true, "members@odata.bind": [`${LAB_GRAPH}/v1.0/users/${LAB_ORDINARY}`],
    });
    answer.group = { made: group, members: (await all(client.api(`/groups/${group.id}/members`))).found.map(type) };
    answer.group.immutable = await refused(client.api(`/groups/${group.id}`).patch({ isAssignableToRole: false }));
    await client.api(`/groups/${group.id}`).patch({ description: "changed" });
    await client.api(`/groups/${group.id}/members/${LAB_ORDINARY}/$ref`).delete();
    answer.group.changed = await client.api(`/groups/${group.id}`).get();
    answer.group.without = (await all(client.api(`/groups/${group.id}/members`))).found.map(type);
    await client.api(`/groups/${group.id}`).delete();
    answer.group.afterDelete = await refused(client.api(`/groups/${group.id}`).get());
    answer.group.restored = (await client.api(`/directory/deletedItems/${group.id}/restore`).post({})).id;
    await client.api(`/groups/${group.id}`).delete();

    const unit = await client.api("/directory/administrativeUnits").post({
      displayName: "Made by the Node client", isMemberManagementRestricted: true,
    });
    const path = `/directory/administrativeUnits/${unit.id}`;
    await client.api(`${path}/members/$ref`).post({ "@odata.id": `${LAB_GRAPH}/v1.0/users/${LAB_ORDINARY}` });
    answer.unit = { made: unit, members: (await all(client.api(`${path}/members`))).found.map(type) };
    answer.unit.protects = await refused(client.api(`/users/${LAB_ORDINARY}`).patch({ jobTitle: "Nobody may" }));
    await client.api(path).patch({ description: "changed" });
    answer.unit.changed = await client.api(path).get();
    await client.api(`${path}/members/${LAB_ORDINARY}/$ref`).delete();
    await client.api(path).delete();
    answer.unit.afterDelete = await refused(client.api(path).get());
    return answer;
  },

  async batch() {
    // A `Request` of Node must be absolute; the client takes scheme and host away, and leaves a version where it is, which
    // the service would refuse (microsoftgraph/msgraph-sdk-javascript issue 1998).
    const step = (id, path, rest) => ({ id, request: new Request(`${LAB_GRAPH}${path}`, { method: "GET" }), ...rest });
    const content = await new BatchRequestContent([
      step("1", `/users/${LAB_USER}?$select=id,displayName`),
      step("2", `/users/${NOBODY}`, { dependsOn: ["1"] }),
      step("3", "/organization", { dependsOn: ["2"] }),
    ]).getContent();
    const answered = new BatchResponseContent(await client.api("/$batch").post(content));
    const result = {};
    for (const [id, response] of answered.getResponses()) {
      result[id] = { status: response.status, body: await response.json() };
    }
    return result;
  },

  async storm() {
    let survived = 0;
    const failed = [];
    for (let call = 0; call < 3; call++) {
      try {
        await client.api("/users").select("id").top(1).get();
        survived++;
      } catch (error) {
        failed.push([error.statusCode, error.code]);
      }
    }
    return { survived, failed };
  },

  async errors() {
    return {
      unknownUser: await refused(client.api(`/users/${NOBODY}`).get()),
      notSupported: await refused(client.api("/users").filter("endsWith(userPrincipalName,'x')").get()),
      search: await refused(client.api("/users").search('"displayName:x"').get()),
    };
  },

  async evaluate() {
    const answer = await client.api("/identity/conditionalAccess/evaluate").post({
      signInIdentity: { "@odata.type": "#microsoft.graph.userSignIn", userId: LAB_USER },
      signInContext: {
        "@odata.type": "#microsoft.graph.applicationContext",
        includeApplications: ["797f4846-ba00-4fd7-ba43-dac1f8f63013"],
      },
      signInConditions: { devicePlatform: "windows", clientAppType: "browser", country: "DE", ipAddress: "198.51.100.7" },
      appliedPoliciesOnly: false,
    });
    return answer.value;
  },
};

(async () => {
  const answers = {};
  for (const name of process.argv.slice(2)) {
    answers[name] = await parts[name]();
  }
  console.log(JSON.stringify(answers));
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
