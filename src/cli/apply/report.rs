//! What came of a confirmation, as values.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::failure::code;
use crate::reconcile::Confirmation;

/// What `farmctl confirm -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ConfirmReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// What came of it.
    pub outcome: ConfirmKind,
    /// The farm whose change was confirmed; null where none was.
    pub farm: Option<String>,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// What a person is told: a full sentence.
    pub message: String,
}

/// What came of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConfirmKind {
    /// The change stays.
    Confirmed,
    /// Nothing waits: it was confirmed or undone already.
    NothingPending,
    /// The change went with a reboot or with its network namespace.
    Void,
}

impl ConfirmReport {
    /// The values of a confirmation.
    pub(crate) fn of(confirmation: &Confirmation) -> Self {
        let (outcome, message) = match confirmation {
            Confirmation::Confirmed { farm } => (
                ConfirmKind::Confirmed,
                format!("Confirmed: {farm} stays as it is."),
            ),
            Confirmation::NothingPending => (
                ConfirmKind::NothingPending,
                "Nothing waits for a confirmation: it was confirmed or undone already.".to_owned(),
            ),
            Confirmation::Void => (
                ConfirmKind::Void,
                "What waited went with a reboot or with its network namespace.".to_owned(),
            ),
        };
        let farm = match confirmation {
            Confirmation::Confirmed { farm } => Some(farm.clone()),
            Confirmation::NothingPending | Confirmation::Void => None,
        };
        Self {
            format_version: 1,
            exit_code: if farm.is_some() {
                code::OK
            } else {
                code::DIFFERENT
            },
            outcome,
            farm,
            message,
        }
    }
}
