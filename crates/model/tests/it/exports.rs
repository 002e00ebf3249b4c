//! Every accepted form of input, what is set aside, and the collections of other people's exports.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use breakglass_model::{
    Collection, ObjectId, Reading, TenantSnapshot,
    export::{self, Counts, InputFile, SNAPSHOT_SCHEMA},
    tenant::{AssignmentKind, GLOBAL_ADMINISTRATOR, MethodKind},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const U1: &str = "11111111-aaaa-4aaa-8aaa-000000000001";
const G1: &str = "22222222-bbbb-4bbb-8bbb-000000000001";
const GRAPH: &str = "https://graph.microsoft.com/v1.0/$metadata#";

fn file(path: &str, content: impl Into<Vec<u8>>) -> InputFile {
    InputFile {
        path: path.to_owned(),
        bytes: content.into(),
    }
}

fn doc(path: &str, content: &Value) -> InputFile {
    file(path, content.to_string())
}

fn read(files: &[InputFile]) -> TenantSnapshot {
    export::read(files.to_vec())
}

fn policy(name: &str) -> Value {
    json!({
        "id": "33333333-cccc-4ccc-8ccc-000000000001", "displayName": name, "state": "enabled",
        "conditions": {"users": {"includeUsers": ["All"], "excludeGroups": [G1]}},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}, "sessionControls": null
    })
}

fn id(text: &str) -> ObjectId {
    ObjectId::parse(text).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_policy_reads_alike_in_every_encoding() {
    let text = policy("Zürich").to_string();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        text.clone().into_bytes(),
        [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(),
        [&[0xff, 0xfe], &wide[..]].concat(),
        [&[0xfe, 0xff], &big[..]].concat(),
        gzip(text.as_bytes()),
    ] {
        let tenant = read(&[file("p.json", bytes)]);
        assert_eq!(tenant.policies.items.len(), 1, "{:?}", tenant.set_aside);
        assert_eq!(
            tenant.policies.items[0].display_name.as_deref(),
            Some("Zürich")
        );
        assert!(tenant.policies.is_complete());
        assert!(tenant.set_aside.is_empty());
        assert_eq!(
            tenant.assumptions,
            ["the policies in this file are taken to be all policies of the tenant"]
        );
    }
}

#[test]
fn c1_a_group_that_only_a_policy_names_is_unreadable_not_empty() {
    let tenant = read(&[doc("p.json", &json!([policy("a"), policy("b")]))]);
    let group = tenant.group(&id(&G1.to_uppercase())).unwrap();
    assert!(group.members.why_not().unwrap().contains(G1));
    assert!(tenant.groups_of(&id(U1)).get().is_none());
}

#[test]
fn a_snapshot_reads_plain_and_packed() {
    let snapshot = json!({
        "schema": SNAPSHOT_SCHEMA, "tenant": {"id": "t", "name": "T"},
        "collectedAt": "2026-11-24T10:00:00Z",
        "collections": {
            "users": [{"id": U1, "userPrincipalName": "a@b.c", "accountEnabled": true,
                "onPremisesSyncEnabled": null, "signInActivity": null,
                "authentication": {"methods": [
                    {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "m",
                     "aaGuid": "CB69481E-8FF7-4039-93EC-0A2729A154A8", "model": "K",
                     "attestationLevel": "attested", "passkeyType": "deviceBound"}]}}],
            "groups": [{"id": G1, "members": [{"id": U1}], "groupTypes": []}],
            "accessReviews": [], "diagnosticSettings": []
        },
        "notRead": [{"collection": "x", "reason": "403", "permission": "X.Read"}]
    });
    for bytes in [
        snapshot.to_string().into_bytes(),
        gzip(snapshot.to_string().as_bytes()),
    ] {
        let tenant = read(&[file("t.snapshot", bytes)]);
        assert!(tenant.set_aside.is_empty(), "{:?}", tenant.set_aside);
        assert!(tenant.users.is_complete() && tenant.access_reviews.is_complete());
        assert!(!tenant.domains.is_complete() && !tenant.policies.is_complete());
        assert_eq!(tenant.other["diagnosticSettings"], Vec::<Value>::new());
        assert_eq!(tenant.missing().last().unwrap().collection, "x");
        let user = tenant.user(&id(U1)).unwrap();
        assert_eq!(user.synchronised, Reading::Read(false));
        assert_eq!(user.last_sign_in, Reading::Read(None));
        assert!(user.licences.get().is_none());
        let method = &user.methods.get().unwrap()[0];
        assert_eq!(method.kind, MethodKind::Fido2);
        assert_eq!(
            method.aaguid.as_deref(),
            Some("cb69481e-8ff7-4039-93ec-0a2729a154a8")
        );
        let groups = tenant.groups_of(&id(U1));
        assert!(groups.get().unwrap().contains(&id(G1)));
    }
}

#[test]
fn another_snapshot_version_is_set_aside() {
    let tenant = read(&[doc(
        "s.json",
        &json!({"schema": "breakglass/snapshot/v9", "collections": {"users": []}}),
    )]);
    assert!(tenant.set_aside[0].reason.contains("v9"));
    assert!(!tenant.users.is_complete());
}

#[test]
fn graph_pages_name_their_collection_and_their_owner() {
    let tenant = read(&[
        doc(
            "a.json",
            &json!({"@odata.context": format!("{GRAPH}users(id)"), "value": [{"id": U1}]}),
        ),
        doc(
            "b.json",
            &json!({"@odata.context": format!("{GRAPH}users('{U1}')/authentication/methods"), "value": []}),
        ),
        doc(
            &format!("x/groups/{G1}/members.json"),
            &json!({"@odata.context": format!("{GRAPH}directoryObjects"), "value": [{"id": U1}]}),
        ),
        doc(
            &format!("users/{U1}/transitiveMemberOf.json"),
            &json!({"value": [{"@odata.type": "#microsoft.graph.group", "id": G1}]}),
        ),
        doc(
            "members.json",
            &json!({"@odata.context": format!("{GRAPH}directoryObjects"), "value": [{"id": U1}]}),
        ),
        doc(
            "roleAssignmentScheduleInstances.json",
            &json!({"value": [{"id": "x", "principalId": U1, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
                "directoryScopeId": "/", "endDateTime": null, "assignmentType": "Assigned"}]}),
        ),
        doc(
            "roleAssignments.json",
            &json!({"value": [{"id": "y", "principalId": U1, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"},
                {"id": "z", "principalId": G1, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}]}),
        ),
    ]);
    assert!(tenant.users.is_complete());
    let user = tenant.user(&id(U1)).unwrap();
    assert_eq!(user.methods, Reading::Read(Vec::new()));
    assert_eq!(user.transitive_member_of, Reading::Read(vec![id(G1)]));
    let group = tenant.group(&id(G1)).unwrap();
    assert_eq!(group.members, Reading::Read(vec![id(U1)]));
    assert!(!tenant.groups.is_complete());
    assert_eq!(tenant.set_aside.len(), 1, "{:?}", tenant.set_aside);
    assert_eq!(tenant.set_aside[0].file, "members.json");
    assert!(tenant.set_aside[0].reason.contains("names no group"));
    let active = &tenant.active_assignments;
    assert!(active.is_complete());
    assert_eq!(active.items.len(), 2);
    assert_eq!(active.items[0].end, Reading::Read(None));
    assert!(active.items[1].end.why_not().is_some());
}

#[test]
fn a_page_with_a_next_link_is_not_the_whole_list() {
    let next = "https://graph.microsoft.com/v1.0/users?$skiptoken=x";
    let tenant = read(&[
        doc(
            "users.json",
            &json!({"@odata.nextLink": next, "value": [{"id": U1, "userPrincipalName": "a@b.c"}]}),
        ),
        doc(
            &format!("groups/{G1}/members.json"),
            &json!({"@odata.nextLink": next, "value": [{"id": U1}]}),
        ),
    ]);
    let missing = tenant.users.missing.as_ref().unwrap();
    assert!(missing.reason.contains("users.json") && missing.reason.contains("nextLink"));
    assert_eq!(missing.permission.as_deref(), Some("User.Read.All"));
    assert!(tenant.group(&id(G1)).unwrap().members.get().is_none());
}

#[test]
fn an_expanded_list_of_twenty_may_be_cut_off() {
    let members: Vec<Value> = (0..20).map(|n| json!({"id": format!("u{n}")})).collect();
    let tenant = read(&[doc(
        "groups.json",
        &json!({"value": [{"id": G1, "groupTypes": [], "members": members}]}),
    )]);
    let why = tenant
        .group(&id(G1))
        .unwrap()
        .members
        .why_not()
        .unwrap()
        .to_owned();
    assert!(why.contains("cut off after 20"), "{why}");
}

#[test]
fn an_entra_exporter_directory_reads() {
    let tenant = read(&[
        doc(
            &format!("Users/{U1}/{U1}.json"),
            &json!({"id": U1, "userPrincipalName": "a@b.c"}),
        ),
        doc(
            &format!("Groups/{G1}/{G1}.json"),
            &json!({"id": G1, "groupTypes": []}),
        ),
        doc(
            &format!("Groups/{G1}/Members/{U1}/{U1}.json"),
            &json!({"id": U1}),
        ),
        doc("Identity/Conditional/AccessPolicies/1/1.json", &policy("p")),
        doc(
            "Organization/Organization.json",
            &json!([{"id": "t", "displayName": "T", "verifiedDomains": []}]),
        ),
        doc(
            "Domains/b.c/b.c.json",
            &json!({"id": "b.c", "isInitial": false, "authenticationType": "Federated"}),
        ),
    ]);
    assert!(tenant.set_aside.is_empty(), "{:?}", tenant.set_aside);
    assert_eq!(tenant.name.as_deref(), Some("T"));
    assert_eq!(
        tenant.group(&id(G1)).unwrap().members,
        Reading::Read(vec![id(U1)])
    );
    assert!(tenant.users.is_complete() && tenant.policies.is_complete());
    assert_eq!(tenant.domains.items[0].federated, Reading::Read(true));
    assert!(
        tenant
            .assumptions
            .iter()
            .any(|a| a.contains("folder of users"))
    );
    assert!(
        tenant
            .assumptions
            .iter()
            .any(|a| a
                == "the policies in this directory are taken to be all policies of the tenant")
    );
}

#[test]
fn an_intune_management_export_names_its_groups() {
    let tenant = read(&[
        doc("Config/ConditionalAccess/p.json", &policy("p")),
        doc(
            "Config/MigrationTable.json",
            &json!({"TenantId": "t", "Organization": "Org", "Objects": [
                {"Id": G1, "DisplayName": "Break glass", "Type": "Group"}]}),
        ),
    ]);
    assert!(tenant.set_aside.is_empty());
    assert_eq!(tenant.name.as_deref(), Some("Org"));
    let group = tenant.group(&id(G1)).unwrap();
    assert_eq!(group.display_name.as_deref(), Some("Break glass"));
    assert!(group.members.get().is_none());
}

#[test]
fn a_scubagear_export_reads() {
    let tenant = read(&[doc(
        "ProviderSettingsExport.json",
        &json!({
            "timestamp_zulu": "2026-05-04T17:15:48.307Z",
            "tenant_details": [{"DisplayName": "T", "TenantId": "t"}],
            "conditional_access_policies": {"Id": "p", "DisplayName": "P", "State": "enabled",
                "Conditions": {"Users": {"IncludeUsers": ["All"]},
                    "Platforms": {"IncludePlatforms": null, "AdditionalProperties": {}}},
                "GrantControls": null},
            "privileged_users": {U1: {"DisplayName": "A", "OnPremisesImmutableId": null}},
            "privileged_roles": [{"DisplayName": "Global Administrator",
                "RoleTemplateId": GLOBAL_ADMINISTRATOR, "Assignments": {
                    "Id": "a", "PrincipalId": U1, "RoleDefinitionId": GLOBAL_ADMINISTRATOR,
                    "DirectoryScopeId": "/", "EndDateTime": "/Date(1777406310050)/",
                    "AssignmentType": "Assigned"}}]
        }),
    )]);
    assert!(tenant.set_aside.is_empty(), "{:?}", tenant.set_aside);
    assert!(tenant.collected_at.is_some());
    assert!(!tenant.users.is_complete() && !tenant.eligible_assignments.is_complete());
    assert_eq!(tenant.users.items[0].synchronised, Reading::Read(false));
    assert!(tenant.users.items[0].account_enabled.get().is_none());
    let assignment = &tenant.active_assignments.items[0];
    assert_eq!(assignment.kind, AssignmentKind::Active);
    assert!(matches!(assignment.end, Reading::Read(Some(_))));
    let raw = &tenant.policies.items[0].raw;
    assert_eq!(raw["conditions"]["users"]["includeUsers"], json!(["All"]));
    assert_eq!(raw["conditions"]["platforms"], Value::Null);
}

#[test]
fn a4_directory_roles_with_members_are_assignments_without_end() {
    let tenant = read(&[doc(
        "directoryRoles.json",
        &json!({"value": [{"id": "r1", "displayName": "Global Administrator",
            "roleTemplateId": GLOBAL_ADMINISTRATOR, "members": [{"id": U1}]}]}),
    )]);
    let assignment = &tenant.active_assignments.items[0];
    assert!(tenant.is_global_administrator(&assignment.role));
    assert_eq!(assignment.scope, Reading::Read("/".to_owned()));
    assert!(assignment.end.get().is_none());
    assert!(!tenant.active_assignments.is_complete());
}

#[test]
fn direct_groups_of_a_user_are_not_taken_for_all() {
    let tenant = read(&[
        doc(
            "users.json",
            &json!({"value": [{"id": U1, "userPrincipalName": "a@b.c"}]}),
        ),
        doc(
            &format!("users/{U1}/memberOf.json"),
            &json!({"value": [{"id": G1}]}),
        ),
    ]);
    let why = tenant.users.items[0]
        .transitive_member_of
        .why_not()
        .unwrap()
        .to_owned();
    assert!(why.contains("memberOf"), "{why}");
}

#[test]
fn expanded_direct_groups_of_everything_give_the_transitive_ones() {
    let role = json!({"@odata.type": "#microsoft.graph.directoryRole", "id": "r"});
    let tenant = read(&[
        doc(
            "users.json",
            &json!({"value": [{"id": U1, "userPrincipalName": "a@b.c",
                "memberOf": [role, {"@odata.type": "#microsoft.graph.group", "id": G1}]}]}),
        ),
        doc(
            "groups.json",
            &json!({"value": [{"id": G1, "groupTypes": [], "memberOf": [{"id": "outer"}]},
                {"id": "outer", "groupTypes": [], "memberOf": []}]}),
        ),
    ]);
    let Reading::Read(groups) = &tenant.users.items[0].transitive_member_of else {
        panic!("not read")
    };
    assert_eq!(groups, &[id(G1), id("outer")]);
}

#[test]
fn c4_two_versions_of_a_policy_are_not_the_whole_truth() {
    let tenant = read(&[doc("a.json", &policy("p")), doc("b.json", &policy("q"))]);
    assert_eq!(tenant.policies.items.len(), 1);
    let missing = tenant.policies.missing.unwrap();
    assert!(missing.reason.contains("different policies"), "{missing:?}");
}

#[test]
fn broken_files_are_named_and_hide_nothing() {
    let (tenant, counts) = export::read_with_counts(vec![
        doc("good.json", &policy("p")),
        file("bad.json", "{\n  \"a\": ,\n}"),
        file("cut.json", &b"\xff\xfe{\0}"[..]),
        file("README.md", "# hello"),
        file("data.csv", "a,b"),
        file("empty.json", ""),
        file("number.json", "42"),
        file("deep.json", "[".repeat(100_000)),
        doc("odd.json", &json!([{"what": 1}, 7])),
        doc("twice.json", &policy("p")),
    ]);
    assert_eq!(tenant.policies.items.len(), 1);
    assert_eq!(tenant.policies.items[0].display_name.as_deref(), Some("p"));
    assert!(
        tenant
            .assumptions
            .iter()
            .any(|a| a.contains("more than once"))
    );
    let at = |name: &str| {
        let found = tenant.set_aside.iter().find(|s| s.file == name).unwrap();
        (found.position.as_str(), found.reason.as_str())
    };
    let missing = tenant.policies.missing.as_ref().unwrap();
    assert!(missing.reason.contains(".json"), "{missing:?}");
    assert_eq!(at("bad.json").0, "line 2 column 8");
    assert!(at("cut.json").1.contains("byte 4"));
    assert_eq!(at("README.md").1, "not JSON");
    assert_eq!(at("data.csv").1, "not JSON");
    assert!(at("empty.json").1.contains("empty"));
    assert!(at("number.json").1.contains("a number"));
    assert!(at("deep.json").1.contains("recursion"));
    assert_eq!(at("odd.json").0, "[0]");
    assert_nothing_lost(&counts);
}

#[test]
fn what_a_broken_file_may_have_held_is_incomplete() {
    let tenant = read(&[
        doc(
            "users.json",
            &json!({"value": [{"id": U1, "userPrincipalName": "a@b.c"}, 5]}),
        ),
        file(&format!("groups/{G1}/members.json"), "{"),
        doc("p.json", &policy("p")),
        file("domains.json", "?"),
    ]);
    assert!(tenant.users.missing.unwrap().reason.contains("users.json"));
    assert!(
        tenant
            .domains
            .missing
            .as_ref()
            .unwrap()
            .reason
            .contains("domains.json")
    );
    assert!(tenant.policies.is_complete());
    let why = tenant.groups.items[0].members.why_not().unwrap();
    assert!(why.contains("members.json"), "{why}");
}

#[test]
fn placeholders_stay_and_are_assumed() {
    let mut template = policy("t");
    template["id"] = Value::Null;
    template["conditions"]["users"]["excludeGroups"] = json!([
        "<EmergencyAccessAccountsGroup>",
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    ]);
    template["GrantControls"] = template["grantControls"].take();
    template.as_object_mut().unwrap().remove("grantControls");
    let tenant = read(&[doc("t.json", &template)]);
    let policy = &tenant.policies.items[0];
    assert_eq!(policy.id, None);
    assert!(policy.raw["grantControls"].is_object());
    assert!(
        tenant
            .group(&id("<emergencyaccessaccountsgroup>"))
            .is_some()
    );
    let line = tenant
        .assumptions
        .iter()
        .find(|a| a.contains("placeholders"))
        .unwrap();
    assert!(line.contains("<EmergencyAccessAccountsGroup>"));
}

#[test]
fn a_zip_bomb_is_set_aside() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..257 {
        packer.write_all(&block).unwrap();
    }
    let bomb = packer.finish().unwrap();
    let tenant = read(&[file("bomb.json.gz", bomb), doc("p.json", &policy("p"))]);
    assert_eq!(tenant.policies.items.len(), 1);
    assert!(tenant.set_aside[0].reason.contains("unpacks to more than"));
}

#[test]
fn the_digest_depends_on_content_and_not_on_order() {
    let (a, b) = (doc("a.json", &policy("a")), file("b.md", "b"));
    let one = read(&[a.clone(), b.clone()]).digest;
    assert_eq!(one, read(&[b, a.clone()]).digest);
    assert_ne!(one, read(&[a]).digest);
    assert_eq!(one.len(), 64);
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "id",
        "value",
        "@odata.context",
        "@odata.type",
        "schema",
        "collections",
        "users",
        "members",
        "conditions",
        "grantControls",
        "Objects",
        "TenantId",
        "privileged_roles",
        "Assignments",
        "privileged_users",
        "principalId",
        "roleDefinitionId",
        "AdditionalProperties",
        "authentication",
        "methods",
        "endDateTime",
        "notRead",
        "memberOf",
        "personal",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            SNAPSHOT_SCHEMA,
            "#microsoft.graph.user",
            "https://g/$metadata#users('x')/authentication/methods",
            "/Date(9223372036854775807)/",
            "/subscriptions/x",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), path in ".{0,30}") {
        let (_, counts) = export::read_with_counts(vec![file(&path, bytes)]);
        assert_nothing_lost(&counts);
    }

    #[test]
    fn no_json_makes_it_panic(value in arbitrary_json(), path in "(users|groups|x)[/-]a[/-](members|methods)?\\.json") {
        export::read(vec![doc(&path, &value)]);
    }
}

/// Every file gave something, or stands among what was set aside.
fn assert_nothing_lost(counts: &[Counts]) {
    for file in counts {
        assert!(
            file.set_aside > 0 || !file.recognised.is_empty(),
            "{} was lost in silence",
            file.file
        );
    }
}

fn shared_data() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|parent| parent.join("shared/data"))
        .find(|path| path.is_dir());
    if found.is_none() {
        println!("skipped: no shared data");
    }
    found
}

fn walk(root: &Path) -> Vec<InputFile> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else {
            let name = path.strip_prefix(root.parent().unwrap()).unwrap();
            files.push(file(
                &name.to_string_lossy().replace('\\', "/"),
                std::fs::read(&path).unwrap(),
            ));
        }
    }
    files
}

#[test]
fn c1_every_policy_of_other_peoples_exports_reads() {
    let Some(data) = shared_data() else { return };
    for (name, policies) in [
        ("j0eyv-baseline", 36),
        ("alexfilipin-templates", 59),
        ("clutch2view-nis2", 22),
        ("azure-samples-templates", 6),
        ("scubagear-sample-export-aad.json", 7),
    ] {
        let (tenant, counts) = export::read_with_counts(walk(&data.join("ca-policies").join(name)));
        println!("{name}: {} policies", tenant.policies.items.len());
        println!("  set aside {:?}", tenant.set_aside);
        println!("  assumptions {:?}", tenant.assumptions);
        for file in &counts {
            println!("  {} {:?} {}", file.file, file.recognised, file.set_aside);
        }
        assert_eq!(tenant.policies.items.len(), policies, "{name}");
        assert!(tenant.policies.is_complete());
        assert!(
            name == "azure-samples-templates"
                || tenant
                    .policies
                    .items
                    .iter()
                    .all(|p| p.display_name.is_some())
        );
        assert!(
            tenant.set_aside.iter().all(|s| s.reason == "not JSON"),
            "{:?}",
            tenant.set_aside
        );
        assert_nothing_lost(&counts);
    }
}

#[test]
fn hostile_files_are_set_aside_or_read() {
    let Some(data) = shared_data() else { return };
    let files = walk(&data.join("hostile-input/test_parsing"));
    assert_eq!(files.len(), 318);
    for one in &files {
        export::read(vec![one.clone()]);
    }
    let (_, counts) = export::read_with_counts(files);
    assert_nothing_lost(&counts);
}

#[test]
fn documented_responses_are_recognised_or_set_aside() {
    let Some(data) = shared_data() else { return };
    for name in ["docs-examples-v1.0.json", "docs-examples-beta.json"] {
        let bytes = std::fs::read(data.join("api-specs/graph").join(name)).unwrap();
        let examples: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        let (mut recognised, mut aside) = (0, 0);
        for (n, example) in examples.iter().enumerate() {
            if example["json"].is_null() || example["kind"] != "response" {
                continue;
            }
            let path = format!("{n}.json");
            let (_, counts) = export::read_with_counts(vec![doc(&path, &example["json"])]);
            assert_nothing_lost(&counts);
            if counts[0].recognised.is_empty() {
                aside += 1;
                println!("  {} {}", example["page"], example["odataType"]);
            } else {
                recognised += 1;
            }
        }
        println!("{name}: {recognised} recognised, {aside} set aside");
        assert!(recognised > 0);
    }
}

#[test]
fn the_registration_report_is_kept_apart_from_methods() {
    let snapshot = read(&[doc(
        "s.json",
        &json!({"schema": SNAPSHOT_SCHEMA, "tenant": {"id": "t"}, "collections": {
            "users": [{"id": U1, "userType": "Guest", "domain": "contoso.com", "homeDomain": "fabrikam.com"}],
            "userRegistrationDetails": [{"id": U1, "methodsRegistered": ["fido2SecurityKey"]}],
        }}),
    )]);
    let [user] = snapshot.users.items.as_slice() else {
        panic!("{:?}", snapshot.users);
    };
    assert_eq!(user.methods.get(), None);
    let registered = user.registered.unwrap();
    assert_eq!(registered.words().collect::<Vec<_>>(), ["fido2SecurityKey"]);
    assert_eq!(
        (user.domain(), user.home_domain.as_deref()),
        (Some("contoso.com"), Some("fabrikam.com"))
    );
    assert!(!snapshot.other.contains_key("userRegistrationDetails"));
}

#[test]
fn a_collection_that_is_there_and_in_not_read_is_not_whole() {
    let not_read = |name: &str| json!({"collection": name, "reason": "one of two refused", "permission": "Reader"});
    let snapshot = read(&[doc(
        "s.json",
        &json!({"schema": SNAPSHOT_SCHEMA, "tenant": {"id": "t"}, "notes": ["look twice"],
            "notRead": [not_read("groups"), not_read("actionGroups"), not_read("groups/members")],
            "collections": {"groups": [{"id": G1}], "actionGroups": [{"id": "/a/b"}]}}),
    )]);
    assert_eq!(snapshot.groups.items.len(), 1);
    assert_eq!(
        snapshot.groups.missing.as_ref().unwrap().reason,
        "one of two refused"
    );
    assert_eq!(snapshot.other["actionGroups"].len(), 1);
    let names: Vec<&str> = snapshot
        .not_read
        .iter()
        .map(|one| one.collection.as_str())
        .collect();
    assert_eq!(names, ["actionGroups", "groups/members"]);
    assert_eq!(snapshot.assumptions, ["look twice"]);
}

/// A snapshot is read object by object; any other order of its parts is read as a document.
#[test]
fn a_snapshot_reads_alike_in_one_go_and_piece_by_piece() {
    let collections = json!({
        "users": [
            {"id": U1, "userPrincipalName": "a@contoso.com", "accountEnabled": true, "authentication": {"methods": [
                {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "m", "aaGuid": "X"}]},
                "transitiveMemberOf": [{"@odata.type": "#microsoft.graph.group", "id": G1}], "registeredDevices": []},
            {"id": "11111111-aaaa-4aaa-8aaa-000000000002", "userType": "Guest", "domain": "contoso.com"},
        ],
        "groups": [{"id": G1, "groupTypes": [], "members": [{"id": U1}]}],
        "conditionalAccessPolicies": [policy("P")],
        "userRegistrationDetails": [{"id": U1, "methodsRegistered": ["email"]}],
        "namedLocations": [],
    });
    let head = format!("\"schema\": \"{SNAPSHOT_SCHEMA}\"");
    let tail = "\"tenant\": {\"id\": \"t\"}, \"notRead\": [], \"notes\": [\"n\"]";
    let piece = format!("{{{head}, \"collections\": {collections}, {tail}}}");
    let whole = format!("{{\"collections\": {collections}, {head}, {tail}}}");
    let (mut one, counts) = export::read_with_counts([file("s.json", piece)]);
    let (other, same) = export::read_with_counts([file("s.json", whole)]);
    one.digest.clone_from(&other.digest);
    assert_eq!(one, other);
    assert_eq!(counts, same);
    assert_eq!(one.users.items.len(), 2);
}

#[test]
fn a_snapshot_with_an_object_that_is_none_is_not_taken_for_whole() {
    let text = format!(
        "{{\"schema\": \"{SNAPSHOT_SCHEMA}\", \"collections\": {{\"users\": [{{\"id\": \"{U1}\"}}, 7]}}}}"
    );
    let snapshot = read(&[file("s.json", text)]);
    assert_eq!(snapshot.users.items.len(), 1);
    assert!(!snapshot.users.is_complete());
    assert_eq!(snapshot.set_aside[0].position, "collections.users[1]");
}

#[test]
fn an_empty_input_knows_nothing() {
    let tenant = read(&[]);
    assert!(tenant.users.items.is_empty());
    let users: &Collection<_> = &tenant.users;
    assert!(!users.is_complete());
}
