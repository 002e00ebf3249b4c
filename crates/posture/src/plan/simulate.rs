//! What a step changes, on the snapshot: so that the proof can be made before anything is written.

use breakglass_model::{
    ObjectId, Reading, TenantSnapshot, Upn,
    plan::{Effect, merge},
    tenant::{
        AdministrativeUnit, AssignmentKind, Group, Method, MethodKind, Policy, Role,
        RoleAssignment, User,
    },
};
use serde_json::{Map, Value, json};

/// Makes the changes of a step. Objects that are not in the snapshot are made.
pub fn simulate(snapshot: &mut TenantSnapshot, effects: &[Effect]) {
    for effect in effects {
        one(snapshot, effect);
    }
}

fn one(snapshot: &mut TenantSnapshot, effect: &Effect) {
    match effect {
        Effect::User { id, set } => user(snapshot, id, set),
        Effect::MethodGone { user, method } => {
            if let Some(user) = find_user(snapshot, user)
                && let Reading::Read(methods) = &mut user.methods
            {
                methods.retain(|own| own.id.as_deref() != Some(method));
            }
        }
        Effect::Group { id, name } => snapshot.groups.items.push(Group {
            id: object_id(id),
            display_name: Some(name.clone()),
            role_assignable: Reading::Read(true),
            dynamic: Reading::Read(false),
            members: Reading::Read(Vec::new()),
            transitive_members: Reading::Read(Vec::new()),
            owners: Reading::Read(Vec::new()),
            expires: Reading::Read(None),
        }),
        Effect::Member { group, member } => join(snapshot, group, member),
        Effect::MemberGone { group, member } => leave(snapshot, group, member),
        Effect::Unit { id, name } => snapshot.units.items.push(AdministrativeUnit {
            id: object_id(id),
            display_name: Some(name.clone()),
            restricted: Reading::Read(true),
            members: Reading::Read(Vec::new()),
        }),
        Effect::UnitMember { unit, member } => {
            let member = object_id(member);
            let unit = snapshot
                .units
                .items
                .iter_mut()
                .find(|own| own.id.as_ref().is_some_and(|id| id.is(unit)));
            if let (Some(unit), Some(member)) = (unit, member)
                && let Reading::Read(members) = &mut unit.members
            {
                members.push(member);
            }
        }
        Effect::Role { id, name, actions } => snapshot.roles.items.push(Role {
            id: object_id(id),
            template_id: object_id(id),
            display_name: Some(name.clone()),
            built_in: Reading::Read(false),
            actions: actions.clone(),
        }),
        Effect::Assignment { .. } => assignment(snapshot, effect),
        Effect::Policy { id, set } => policy(snapshot, id, set),
        Effect::Object {
            collection,
            id,
            set,
        } => {
            let objects = snapshot.other.entry(collection.clone()).or_default();
            let same = |object: &&mut Value| {
                object["id"]
                    .as_str()
                    .is_some_and(|own| own.eq_ignore_ascii_case(id))
            };
            if let Some(object) = objects.iter_mut().find(same) {
                merge(object, set);
            } else {
                let mut object = json!({"id": id});
                merge(&mut object, set);
                objects.push(object);
            }
        }
    }
}

fn object_id(text: &str) -> Option<ObjectId> {
    ObjectId::parse(text).ok()
}

fn find_user<'a>(snapshot: &'a mut TenantSnapshot, id: &str) -> Option<&'a mut User> {
    snapshot
        .users
        .items
        .iter_mut()
        .find(|user| user.id.as_ref().is_some_and(|own| own.is(id)))
}

fn user(snapshot: &mut TenantSnapshot, id: &str, set: &Value) {
    if find_user(snapshot, id).is_none() {
        snapshot.users.items.push(fresh(id));
    }
    let Some(user) = find_user(snapshot, id) else {
        return;
    };
    for (field, value) in set.as_object().into_iter().flatten() {
        match field.as_str() {
            "accountEnabled" => {
                user.account_enabled = Reading::Read(value.as_bool().unwrap_or_default());
            }
            "userPrincipalName" => {
                user.upn = value.as_str().and_then(|text| Upn::parse(text).ok());
                user.domain = user.upn.as_ref().map(|upn| upn.domain().to_owned());
            }
            "displayName" => user.display_name = value.as_str().map(str::to_owned),
            field if is_empty(value) => {
                if let Reading::Read(personal) = &mut user.personal {
                    personal.retain(|(own, _)| own != field);
                }
            }
            _ => {}
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// A user as `POST /users` makes one.
fn fresh(id: &str) -> User {
    User {
        id: object_id(id),
        account_enabled: Reading::Read(true),
        synchronised: Reading::Read(false),
        user_type: Some("Member".to_owned()),
        personal: Reading::Read(Vec::new()),
        licences: Reading::Read(Vec::new()),
        last_sign_in: Reading::Read(None),
        methods: Reading::Read(vec![Method {
            kind: MethodKind::Password,
            ..Method::default()
        }]),
        transitive_member_of: Reading::Read(Vec::new()),
        per_user_mfa: Reading::Read(false),
        devices: Reading::Read(Vec::new()),
        ..User::default()
    }
}

/// A group, and every group that holds it.
pub(super) fn with_holders(snapshot: &TenantSnapshot, group: &ObjectId) -> Vec<ObjectId> {
    let mut all = vec![group.clone()];
    all.extend(
        snapshot
            .groups_of(group)
            .get()
            .into_iter()
            .flatten()
            .cloned(),
    );
    all
}

fn join(snapshot: &mut TenantSnapshot, group: &str, member: &str) {
    let (Some(group), Some(member)) = (object_id(group), object_id(member)) else {
        return;
    };
    // What holds the group holds the new member too.
    let holding = with_holders(snapshot, &group);
    for own in &mut snapshot.groups.items {
        let Some(id) = &own.id else { continue };
        if *id == group
            && let Reading::Read(members) = &mut own.members
        {
            members.push(member.clone());
        }
        if holding.contains(id)
            && let Reading::Read(members) = &mut own.transitive_members
            && !members.contains(&member)
        {
            members.push(member.clone());
        }
    }
    if let Some(user) = find_user(snapshot, member.as_str())
        && let Reading::Read(groups) = &mut user.transitive_member_of
    {
        for group in holding {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
}

/// A member leaves a group. What holds the group loses it too, when nothing else brought it there; a way that is not
/// seen would only make the account look worse off than it is.
pub(super) fn leave(snapshot: &mut TenantSnapshot, group: &str, member: &str) {
    let (Ok(group), Ok(member)) = (ObjectId::parse(group), ObjectId::parse(member)) else {
        return;
    };
    let left = with_holders(snapshot, &group);
    for own in &mut snapshot.groups.items {
        let Some(id) = &own.id else { continue };
        if *id == group
            && let Reading::Read(members) = &mut own.members
        {
            members.retain(|own| *own != member);
        }
        if left.contains(id)
            && let Reading::Read(members) = &mut own.transitive_members
        {
            members.retain(|own| *own != member);
        }
    }
    for user in &mut snapshot.users.items {
        if user.id.as_ref() == Some(&member)
            && let Reading::Read(groups) = &mut user.transitive_member_of
        {
            groups.retain(|own| !left.contains(own));
        }
    }
}

fn assignment(snapshot: &mut TenantSnapshot, effect: &Effect) {
    let Effect::Assignment {
        principal,
        role,
        scope,
        active,
        given,
    } = effect
    else {
        return;
    };
    let (Some(who), Some(what)) = (object_id(principal), object_id(role)) else {
        return;
    };
    let kind = if *active {
        AssignmentKind::Active
    } else {
        AssignmentKind::Eligible
    };
    let list = if *active {
        &mut snapshot.active_assignments
    } else {
        &mut snapshot.eligible_assignments
    };
    let same = |own: &RoleAssignment| {
        own.principal == who
            && own.role == what
            && own
                .scope
                .get()
                .is_some_and(|own| own.eq_ignore_ascii_case(scope))
            && own.activated.get() != Some(&true)
    };
    list.items.retain(|own| !same(own));
    if *given {
        list.items.push(RoleAssignment {
            id: None,
            principal: who.clone(),
            role: what.clone(),
            kind,
            scope: Reading::Read(scope.clone()),
            end: Reading::Read(None),
            activated: Reading::Read(false),
        });
    }
    if *active
        && scope == "/"
        && let Some(user) = find_user(snapshot, principal)
        && let Reading::Read(roles) = &mut user.roles
    {
        roles.retain(|own| *own != what);
        if *given {
            roles.push(what);
        }
    }
}

fn policy(snapshot: &mut TenantSnapshot, id: &str, set: &Value) {
    let policies = &mut snapshot.policies.items;
    let place = policies
        .iter()
        .position(|own| own.id.as_ref().is_some_and(|own| own.is(id)));
    let made = place.is_none();
    let place = place.unwrap_or_else(|| {
        policies.push(Policy {
            id: object_id(id),
            display_name: None,
            state: None,
            raw: Value::Object(Map::from_iter([("id".to_owned(), Value::from(id))])),
        });
        policies.len() - 1
    });
    let policy = &mut policies[place];
    merge(&mut policy.raw, set);
    if made {
        // Graph answers with every key; here one that is absent is one that was not read.
        breakglass_conditional_access::policy::complete(&mut policy.raw);
    }
    let text = |key: &str| policy.raw[key].as_str().map(str::to_owned);
    policy.display_name = text("displayName");
    policy.state = text("state");
}
