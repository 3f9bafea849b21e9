//! What to mend first: one order of all findings, and the three classes that the order is cut into.
//!
//! `docs/priority.md` tells the order with its reasons. Nothing of this is stored: it follows from
//! a finding and from what is known of the vulnerability on the day it is asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::advisory::FixState;
use crate::finding::Finding;
use crate::severity::Severity;
use crate::vulnerability::{Exploitation, Fraction, KnownExploited, VulnerabilityFacts};

/// From this probability on, exploitation is likely: 10 %.
pub const LIKELY: u32 = Fraction::STEPS / 10;
/// From this probability on, exploitation is possible: 1 %. What has no probability counts as this.
pub const POSSIBLE: u32 = Fraction::STEPS / 100;

/// How soon something is to be mended, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriorityClass {
    /// There is no need to for now.
    Nntf,
    /// With the next update.
    Later,
    /// As soon as possible.
    Asap,
}

impl PriorityClass {
    /// All classes in rising order.
    pub const ALL: [PriorityClass; 3] =
        [PriorityClass::Nntf, PriorityClass::Later, PriorityClass::Asap];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            PriorityClass::Nntf => "nntf",
            PriorityClass::Later => "later",
            PriorityClass::Asap => "asap",
        }
    }

    fn lower(self) -> Self {
        match self {
            PriorityClass::Asap => PriorityClass::Later,
            PriorityClass::Later | PriorityClass::Nntf => PriorityClass::Nntf,
        }
    }
}

impl fmt::Display for PriorityClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a text is no class.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a priority: expected asap, later or nntf")]
pub struct InvalidPriorityClass(String);

impl FromStr for PriorityClass {
    type Err = InvalidPriorityClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PriorityClass::ALL
            .into_iter()
            .find(|class| class.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidPriorityClass(text.to_owned()))
    }
}

/// What is known of somebody exploiting it, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threat {
    /// EPSS is below 1 %, and no exploit is known to be public.
    Unlikely,
    /// EPSS is from 1 % to below 10 %, or says nothing.
    Possible,
    /// An exploit is public.
    ProofOfConcept,
    /// EPSS is 10 % or more.
    Likely,
    /// It is exploited (SSVC).
    Exploited,
    /// It is exploited (CISA's catalogue).
    KnownExploited,
    /// It is exploited, and campaigns of ransomware do so.
    Ransomware,
}

impl Threat {
    /// Decides by what the feeds say.
    pub fn decide(
        kev: Option<&KnownExploited>,
        exploitation: Option<Exploitation>,
        epss: Option<Fraction>,
    ) -> Self {
        let probability = epss.map_or(POSSIBLE, Fraction::steps);
        match (kev, exploitation) {
            (Some(kev), _) if kev.ransomware => Threat::Ransomware,
            (Some(_), _) => Threat::KnownExploited,
            (None, Some(Exploitation::Active)) => Threat::Exploited,
            _ if probability >= LIKELY => Threat::Likely,
            (None, Some(Exploitation::Poc)) => Threat::ProofOfConcept,
            _ if probability >= POSSIBLE => Threat::Possible,
            (None, Some(Exploitation::None) | None) => Threat::Unlikely,
        }
    }

    /// Says it in words.
    pub fn describe(self) -> &'static str {
        match self {
            Threat::Unlikely => "exploitation unlikely",
            Threat::Possible => "exploitation possible",
            Threat::ProofOfConcept => "an exploit is public",
            Threat::Likely => "exploitation likely",
            Threat::Exploited => "exploited",
            Threat::KnownExploited => "known to be exploited",
            Threat::Ransomware => "known to be exploited by ransomware",
        }
    }
}

/// Whether there is something to mend it with, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The distribution looked at it and will not mend it.
    Refused,
    /// None yet.
    None,
    /// A fixed version is known.
    Available,
}

impl Remedy {
    /// Decides by what is known of a fix.
    pub fn decide(fixed_version: Option<&str>, state: FixState) -> Self {
        match (fixed_version, state) {
            (Some(_), _) => Remedy::Available,
            (None, FixState::WillNotFix | FixState::NotAffected) => Remedy::Refused,
            (None, FixState::Open | FixState::EndOfLife | FixState::Undetermined) => Remedy::None,
        }
    }

    /// Says it in words.
    pub fn describe(self) -> &'static str {
        match self {
            Remedy::Refused => "will not be fixed",
            Remedy::None => "no fix yet",
            Remedy::Available => "a fix is there",
        }
    }
}

/// What a priority is decided by.
#[derive(Clone, Copy, Debug)]
pub struct PriorityInput<'a> {
    /// The severity, in which the distribution's own rating is.
    pub severity: Severity,
    /// The CVSS base score.
    pub score: Option<f64>,
    /// Whether there is a fix.
    pub remedy: Remedy,
    /// EPSS's probability.
    pub epss: Option<Fraction>,
    /// The entry in CISA's catalogue.
    pub kev: Option<&'a KnownExploited>,
    /// What SSVC says of exploits.
    pub exploitation: Option<Exploitation>,
}

/// The place of a finding among all: the greater, the sooner. Fields are compared in this order.
/// What refines it is written elsewhere in a report; read back, only class, threat and remedy count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Priority {
    class: PriorityClass,
    threat: Threat,
    remedy: Remedy,
    #[serde(skip)]
    severity: u8,
    #[serde(skip)]
    epss: u32,
    /// The bits of a number that is not below zero rise with it.
    #[serde(skip)]
    score: u64,
}

impl Priority {
    /// Decides the priority. An input that is worse never lowers it.
    pub fn decide(input: &PriorityInput<'_>) -> Self {
        let threat = Threat::decide(input.kev, input.exploitation, input.epss);
        let score = input.score.filter(|score| score.is_finite() && *score > 0.0);
        Priority {
            class: class(threat, input.severity, input.remedy),
            threat,
            remedy: input.remedy,
            severity: rank(input.severity),
            epss: input.epss.map_or(POSSIBLE, Fraction::steps),
            score: score.map_or(0, f64::to_bits),
        }
    }

    /// Decides the priority of a finding by what is known of its vulnerability.
    pub fn of(finding: &Finding, facts: &VulnerabilityFacts) -> Self {
        Priority::decide(&PriorityInput {
            severity: finding.severity,
            score: finding.score,
            remedy: Remedy::decide(finding.fixed_version.as_deref(), finding.fix_state),
            epss: facts.epss.map(|epss| epss.probability),
            kev: facts.kev.as_ref(),
            exploitation: facts.exploitation,
        })
    }

    /// Returns how soon it is to be mended.
    pub fn class(self) -> PriorityClass {
        self.class
    }

    /// Returns what is known of somebody exploiting it.
    pub fn threat(self) -> Threat {
        self.threat
    }

    /// Returns whether there is something to mend it with.
    pub fn remedy(self) -> Remedy {
        self.remedy
    }
}

/// Cuts the order into classes. What nobody has rated counts as medium.
fn class(threat: Threat, severity: Severity, remedy: Remedy) -> PriorityClass {
    use PriorityClass::{Asap, Later, Nntf};
    let class = match (threat, severity) {
        (
            Threat::Ransomware | Threat::KnownExploited | Threat::Exploited,
            Severity::Critical
            | Severity::High
            | Severity::Medium
            | Severity::Unknown
            | Severity::Low,
        )
        | (Threat::Likely, Severity::Critical | Severity::High)
        | (Threat::ProofOfConcept | Threat::Possible, Severity::Critical) => Asap,
        (Threat::Ransomware | Threat::KnownExploited | Threat::Exploited, Severity::Negligible)
        | (Threat::Likely, Severity::Medium | Severity::Unknown | Severity::Low)
        | (
            Threat::ProofOfConcept | Threat::Possible,
            Severity::High | Severity::Medium | Severity::Unknown,
        )
        | (Threat::Unlikely, Severity::Critical | Severity::High) => Later,
        (Threat::Likely, Severity::Negligible)
        | (Threat::ProofOfConcept | Threat::Possible, Severity::Low | Severity::Negligible)
        | (
            Threat::Unlikely,
            Severity::Medium | Severity::Unknown | Severity::Low | Severity::Negligible,
        ) => Nntf,
    };
    // Who looks after the package has judged it, which counts as long as nobody is likely to exploit it.
    if remedy == Remedy::Refused && threat < Threat::Likely { class.lower() } else { class }
}

fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Negligible => 0,
        Severity::Low => 1,
        Severity::Medium | Severity::Unknown => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

#[cfg(test)]
mod tests;
