//! The evaluation of ranges: <https://ossf.github.io/osv-schema/#evaluation>.
//!
//! The schema sorts a range's events and plays them; the last one that the version has reached
//! decides. So one pass that remembers the highest event reached is enough, and gives the
//! interval's lower end at once.

use std::cmp::Ordering;

use tallyman_model::advisory::RangeEvent;
use tallyman_model::package::Ecosystem;

use crate::version::{InvalidVersion, compare};

/// Where a version stands in a range that affects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval<'a> {
    /// The version it is affected from; `0` is before every version.
    pub(crate) introduced: &'a str,
    /// The nearest event above the version that ends the interval.
    pub(crate) end: Option<&'a RangeEvent>,
}

impl Interval<'_> {
    /// Says it in words such as `>= 1.2, < 1.4`.
    pub(crate) fn describe(&self) -> String {
        let lower = (self.introduced != "0").then(|| format!(">= {}", self.introduced));
        let upper = self.end.and_then(|end| match end {
            RangeEvent::Fixed(version) | RangeEvent::Limit(version) => Some(format!("< {version}")),
            RangeEvent::LastAffected(version) => Some(format!("<= {version}")),
            RangeEvent::Introduced(_) => None,
        });
        match (lower, upper) {
            (Some(lower), Some(upper)) => format!("{lower}, {upper}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "all versions".to_owned(),
        }
    }
}

/// Finds the interval of a range that a version is in, if it is in any.
///
/// # Errors
/// Names the first version that has no place in the ecosystem's order.
pub(crate) fn locate<'a>(
    ecosystem: Ecosystem,
    version: &str,
    events: &'a [RangeEvent],
) -> Result<Option<Interval<'a>>, InvalidVersion> {
    if !is_before_limits(ecosystem, version, events)? {
        return Ok(None);
    }
    let mut reached: Option<&RangeEvent> = None;
    for event in events {
        let is_reached = match event {
            RangeEvent::Introduced(at) | RangeEvent::Fixed(at) => {
                compare_bounds(ecosystem, at, version)?.is_le()
            }
            RangeEvent::LastAffected(at) => compare_bounds(ecosystem, at, version)?.is_lt(),
            RangeEvent::Limit(_) => false,
        };
        // Of events at the same version the later one in the list is played later.
        if is_reached && !is_above(ecosystem, reached, event)? {
            reached = Some(event);
        }
    }
    let Some(RangeEvent::Introduced(introduced)) = reached else {
        return Ok(None);
    };
    let end = match nearest_end(ecosystem, version, events)? {
        None => only_limit(events),
        end => end,
    };
    Ok(Some(Interval { introduced, end }))
}

/// Compares two versions, where `0` is before every version as in `introduced`.
pub(crate) fn compare_bounds(
    ecosystem: Ecosystem,
    a: &str,
    b: &str,
) -> Result<Ordering, InvalidVersion> {
    match (a, b) {
        ("0", "0") => Ok(Ordering::Equal),
        ("0", _) => Ok(Ordering::Less),
        (_, "0") => Ok(Ordering::Greater),
        _ => compare(ecosystem, a, b),
    }
}

/// Returns the version of an event.
pub(crate) fn version_of(event: &RangeEvent) -> &str {
    match event {
        RangeEvent::Introduced(version)
        | RangeEvent::Fixed(version)
        | RangeEvent::LastAffected(version)
        | RangeEvent::Limit(version) => version,
    }
}

fn is_before_limits(
    ecosystem: Ecosystem,
    version: &str,
    events: &[RangeEvent],
) -> Result<bool, InvalidVersion> {
    let mut has_limit = false;
    for event in events {
        let RangeEvent::Limit(limit) = event else { continue };
        if limit == "*" || compare_bounds(ecosystem, version, limit)?.is_lt() {
            return Ok(true);
        }
        has_limit = true;
    }
    Ok(!has_limit)
}

fn is_above(
    ecosystem: Ecosystem,
    reached: Option<&RangeEvent>,
    event: &RangeEvent,
) -> Result<bool, InvalidVersion> {
    match reached {
        None => Ok(false),
        Some(reached) => {
            Ok(compare_bounds(ecosystem, version_of(reached), version_of(event))?.is_gt())
        }
    }
}

/// Returns the limit of a range that has one. The version is below it.
fn only_limit(events: &[RangeEvent]) -> Option<&RangeEvent> {
    let mut limits = events.iter().filter(|event| matches!(event, RangeEvent::Limit(_)));
    limits.next().filter(|limit| version_of(limit) != "*" && limits.next().is_none())
}

fn nearest_end<'a>(
    ecosystem: Ecosystem,
    version: &str,
    events: &'a [RangeEvent],
) -> Result<Option<&'a RangeEvent>, InvalidVersion> {
    let mut nearest: Option<&RangeEvent> = None;
    for event in events {
        let is_end = match event {
            RangeEvent::Fixed(at) => compare_bounds(ecosystem, at, version)?.is_gt(),
            RangeEvent::LastAffected(at) => compare_bounds(ecosystem, at, version)?.is_ge(),
            RangeEvent::Introduced(_) | RangeEvent::Limit(_) => false,
        };
        if !is_end {
            continue;
        }
        let is_nearer = match nearest {
            None => true,
            Some(known) => compare_bounds(ecosystem, version_of(event), version_of(known))?.is_lt(),
        };
        if is_nearer {
            nearest = Some(event);
        }
    }
    Ok(nearest)
}

#[cfg(test)]
mod tests;
