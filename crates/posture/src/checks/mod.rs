//! The checks, one file each.

use crate::Check;

mod bg001_two_accounts;
mod bg002_account_usable;
mod bg003_cloud_only;
mod bg004_initial_domain;
mod bg005_domain_not_federated;
mod bg006_no_personal_data;
mod bg007_no_licence;
mod bg008_not_one_person;
mod bg009_global_administrator_active;
mod bg010_assignment_permanent;
mod bg011_assignment_tenant_wide;
mod bg012_telling_name;
mod bg013_few_global_administrators;
mod bg014_uses_explained;
mod bg015_designated_workstation;
mod bg016_no_access_review;
mod bg017_no_lifecycle_workflow;
mod bg018_fido2_key;
mod bg019_device_bound_keys;
mod bg020_attested_keys;
mod bg021_other_method_than_admins;
mod bg022_different_key_vendors;
mod bg023_registered_keys_agree;
mod bg024_no_weak_method;
mod bg025_in_restricted_unit;
mod bg026_in_role_assignable_group;
mod bg027_group_in_restricted_unit;
mod bg028_two_sites;
mod bg029_key_place_known;
mod bg030_envelope_complete;
mod bg031_seals_checked;
mod bg032_any_place_may_burn;
mod bg033_two_people_open;
mod bg034_printed_sheet;
mod bg035_hours_known;
mod bg036_drill_recent;
mod bg037_drill_cycle;
mod bg038_register_complete;
mod bg039_register_agrees;
mod bg040_people_trained;
mod bg041_people_still_there;
mod bg042_no_blocking_policy;
mod bg043_dedicated_policy;
mod bg044_short_sessions;
mod bg045_only_intended_policies;
mod bg046_way_in;
mod bg047_way_in_at_any_risk;
mod bg048_mandatory_mfa;
mod bg049_report_only_going_live;
mod bg050_logs_exported;
mod bg051_records_arrive;
mod bg052_logs_kept;
mod bg053_nothing_stops_records;
mod bg054_rules_name_object_ids;
mod bg055_rules_read_sign_ins;
mod bg056_rules_read_audit;
mod bg057_fires_on_anything;
mod bg058_every_minute;
mod bg059_told_by_mail_and_text;
mod bg060_told_not_one_person;
mod bg061_clear_subject;
mod bg062_severity_critical;
mod bg063_rule_identity;
mod bg064_sentinel_rules;
mod bg065_own_monitor;
mod bg066_out_of_band;
mod bg067_silence_alarms;
mod bg068_nothing_mutes;
mod bg069_guards_watched;
mod bg070_no_application_above_the_unit;
mod bg071_no_application_on_the_account;
mod bg072_no_standing_role_above_the_unit;
mod bg073_delegated_by_custom_role;
mod bg074_register_protected;
mod bg075_keeper_short_and_eligible;
mod bg076_keeper_approval;
mod bg077_keeper_second_factor;
mod bg078_group_holds_only_the_accounts;
mod bg079_policies_exclude_the_group;
mod bg080_membership_permanent;
mod bg081_role_held_directly;
mod bg082_permanent_assignment_allowed;
mod bg083_password_state;
mod bg084_not_at_risk;
mod bg085_no_self_service_reset;
mod bg086_no_user_consent;
mod bg087_workstation_ready;
mod bg088_methods_policy_takes_keys;
mod bg089_registration_attested;
mod bg090_drill_full_flow;
mod bg091_strength_takes_every_key;
mod bg092_no_key_advisory;
mod bg093_key_model_listed;
mod bg094_security_defaults_off;
mod bg095_protected_actions_met;
mod bg096_no_persistent_browser;
mod bg097_use_reviewed;
mod bg098_re_secured;
mod bg099_drill_after_staff_change;

/// Every check, by code.
pub(crate) static ALL: &[Check] = &[
    bg001_two_accounts::CHECK,
    bg002_account_usable::CHECK,
    bg003_cloud_only::CHECK,
    bg004_initial_domain::CHECK,
    bg005_domain_not_federated::CHECK,
    bg006_no_personal_data::CHECK,
    bg007_no_licence::CHECK,
    bg008_not_one_person::CHECK,
    bg009_global_administrator_active::CHECK,
    bg010_assignment_permanent::CHECK,
    bg011_assignment_tenant_wide::CHECK,
    bg012_telling_name::CHECK,
    bg013_few_global_administrators::CHECK,
    bg014_uses_explained::CHECK,
    bg015_designated_workstation::CHECK,
    bg016_no_access_review::CHECK,
    bg017_no_lifecycle_workflow::CHECK,
    bg018_fido2_key::CHECK,
    bg019_device_bound_keys::CHECK,
    bg020_attested_keys::CHECK,
    bg021_other_method_than_admins::CHECK,
    bg022_different_key_vendors::CHECK,
    bg023_registered_keys_agree::CHECK,
    bg024_no_weak_method::CHECK,
    bg025_in_restricted_unit::CHECK,
    bg026_in_role_assignable_group::CHECK,
    bg027_group_in_restricted_unit::CHECK,
    bg028_two_sites::CHECK,
    bg029_key_place_known::CHECK,
    bg030_envelope_complete::CHECK,
    bg031_seals_checked::CHECK,
    bg032_any_place_may_burn::CHECK,
    bg033_two_people_open::CHECK,
    bg034_printed_sheet::CHECK,
    bg035_hours_known::CHECK,
    bg036_drill_recent::CHECK,
    bg037_drill_cycle::CHECK,
    bg038_register_complete::CHECK,
    bg039_register_agrees::CHECK,
    bg040_people_trained::CHECK,
    bg041_people_still_there::CHECK,
    bg042_no_blocking_policy::CHECK,
    bg043_dedicated_policy::CHECK,
    bg044_short_sessions::CHECK,
    bg045_only_intended_policies::CHECK,
    bg046_way_in::CHECK,
    bg047_way_in_at_any_risk::CHECK,
    bg048_mandatory_mfa::CHECK,
    bg049_report_only_going_live::CHECK,
    bg050_logs_exported::CHECK,
    bg051_records_arrive::CHECK,
    bg052_logs_kept::CHECK,
    bg053_nothing_stops_records::CHECK,
    bg054_rules_name_object_ids::CHECK,
    bg055_rules_read_sign_ins::CHECK,
    bg056_rules_read_audit::CHECK,
    bg057_fires_on_anything::CHECK,
    bg058_every_minute::CHECK,
    bg059_told_by_mail_and_text::CHECK,
    bg060_told_not_one_person::CHECK,
    bg061_clear_subject::CHECK,
    bg062_severity_critical::CHECK,
    bg063_rule_identity::CHECK,
    bg064_sentinel_rules::CHECK,
    bg065_own_monitor::CHECK,
    bg066_out_of_band::CHECK,
    bg067_silence_alarms::CHECK,
    bg068_nothing_mutes::CHECK,
    bg069_guards_watched::CHECK,
    bg070_no_application_above_the_unit::CHECK,
    bg071_no_application_on_the_account::CHECK,
    bg072_no_standing_role_above_the_unit::CHECK,
    bg073_delegated_by_custom_role::CHECK,
    bg074_register_protected::CHECK,
    bg075_keeper_short_and_eligible::CHECK,
    bg076_keeper_approval::CHECK,
    bg077_keeper_second_factor::CHECK,
    bg078_group_holds_only_the_accounts::CHECK,
    bg079_policies_exclude_the_group::CHECK,
    bg080_membership_permanent::CHECK,
    bg081_role_held_directly::CHECK,
    bg082_permanent_assignment_allowed::CHECK,
    bg083_password_state::CHECK,
    bg084_not_at_risk::CHECK,
    bg085_no_self_service_reset::CHECK,
    bg086_no_user_consent::CHECK,
    bg087_workstation_ready::CHECK,
    bg088_methods_policy_takes_keys::CHECK,
    bg089_registration_attested::CHECK,
    bg090_drill_full_flow::CHECK,
    bg091_strength_takes_every_key::CHECK,
    bg092_no_key_advisory::CHECK,
    bg093_key_model_listed::CHECK,
    bg094_security_defaults_off::CHECK,
    bg095_protected_actions_met::CHECK,
    bg096_no_persistent_browser::CHECK,
    bg097_use_reviewed::CHECK,
    bg098_re_secured::CHECK,
    bg099_drill_after_staff_change::CHECK,
];
