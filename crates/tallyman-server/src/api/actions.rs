//! The list of all actions. To add one, write its file and name it here.

mod describe_cloud_center_instances;
mod describe_image_info_list;
mod describe_image_risk_changes;

use crate::api::Action;

/// Every action that is answered, by name.
pub(crate) const ACTIONS: &[Action] = &[
    describe_cloud_center_instances::ACTION,
    describe_image_info_list::ACTION,
    describe_image_risk_changes::ACTION,
];

/// Finds an action; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}
