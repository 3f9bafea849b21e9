//! What may be said of an image's risk, by what is known of it.

use tallyman_model::coverage::AnalysisState;

/// What is known of an image's risk; `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The number of its vulnerabilities.
    pub vulnerabilities: Option<u64>,
    /// The number of its alarms.
    pub alarms: Option<u64>,
    /// Whether it is at risk.
    pub risky: Option<bool>,
}

impl Risk {
    /// A failed or partly judged image is never called clean: a zero is only known of an image
    /// that was judged as a whole. `found` are the vulnerabilities of one that was counted.
    pub fn of(state: &AnalysisState, found: Option<u64>, alarms: u64) -> Self {
        let (vulnerabilities, alarms) = match state {
            AnalysisState::Analyzed => (found, Some(alarms)),
            AnalysisState::Unsupported { .. } => (found.filter(|count| *count > 0), Some(alarms)),
            AnalysisState::Failed { .. } => (None, None),
        };
        let risky = match (vulnerabilities, alarms) {
            (Some(1..), _) | (_, Some(1..)) => Some(true),
            (Some(0), Some(0)) => Some(false),
            (None, _) | (_, None) => None,
        };
        Risk { vulnerabilities, alarms, risky }
    }
}
