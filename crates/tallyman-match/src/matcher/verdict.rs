//! Who is right, where some records call a package affected and others say that it is not.
//!
//! What a feed itself says of a package wins over what feeds say that are believed no more than
//! it; so a distribution's word on its own package wins over everybody else's. A feed that says
//! both of one package (of two products of one release, for example) is read as the worse.

use tallyman_model::advisory::FixState;

use super::group::{Group, rank, trust};
use super::{Denied, Hit};
use crate::index::IndexedAdvisory;

/// What the records on one vulnerability come to.
pub(super) enum Verdict<'a> {
    /// The package is affected, by the word of the records that are left in the group.
    Affected { group: Group<'a>, contradicted_by: Vec<String> },
    /// It would be, were it not for a record that is believed more.
    Denied(Denied),
    /// No record calls it affected.
    Silent,
}

/// Weighs the records of a group.
pub(super) fn of<'a>(group: &Group<'a>) -> Verdict<'a> {
    let (denials, claims): (Vec<&Hit<'a>>, Vec<&Hit<'a>>) =
        group.hits.iter().partition(|hit| hit.advisory.affected.fix_state == FixState::NotAffected);
    let (overruled, left): (Vec<&Hit<'a>>, Vec<&Hit<'a>>) = claims.into_iter().partition(|claim| {
        denials.iter().any(|denial| is_overruled(claim.advisory, denial.advisory))
    });
    let Some(decided) = left.iter().copied().min_by_key(|hit| rank(hit.advisory)) else {
        let Some(denial) = denials.first().filter(|_| !overruled.is_empty()) else {
            return Verdict::Silent;
        };
        return Verdict::Denied(Denied {
            id: group.name.clone(),
            by: describe(denial),
            overruled: describe_all(&overruled),
        });
    };
    let contradicted_by = describe_all(&denials);
    Verdict::Affected { group: Group { decided, hits: left, ..group.clone() }, contradicted_by }
}

fn is_overruled(claim: &IndexedAdvisory, denial: &IndexedAdvisory) -> bool {
    claim.feed != denial.feed && trust(denial) <= trust(claim)
}

fn describe(hit: &Hit<'_>) -> String {
    format!("{} {}", hit.advisory.feed, hit.advisory.id)
}

fn describe_all(hits: &[&Hit<'_>]) -> Vec<String> {
    let mut all: Vec<String> = hits.iter().map(|hit| describe(hit)).collect();
    all.sort();
    all.dedup();
    all
}
