//! Requirements of RubyGems (`Gem::Requirement`), and what is outside of all of them.

use std::cmp::Ordering;

use tallyman_model::advisory::RangeEvent;
use tallyman_model::package::Ecosystem;

use crate::range::compare_bounds;
use crate::version::is_rankable;

/// More requirements than this in one record are none.
const REQUIREMENTS: usize = 1000;

/// Versions from one on, up to before another or up to and with it.
#[derive(Clone, Debug)]
struct Interval {
    /// The first version, or the last one before.
    from: String,
    /// Whether `from` is outside.
    is_after: bool,
    /// The end, and whether it is inside.
    to: Option<(String, bool)>,
}

/// Returns the ranges that no requirement is met in; `None` if one is no requirement.
pub(super) fn affected_outside(requirements: &[String]) -> Option<Vec<Vec<RangeEvent>>> {
    if requirements.len() > REQUIREMENTS {
        return None;
    }
    let mut clean = requirements.iter().map(|text| interval(text)).collect::<Option<Vec<_>>>()?;
    clean.sort_by(|a, b| compare(&a.from, &b.from));
    let mut ranges = Vec::new();
    // Where what is affected begins; `None` after what is clean for ever.
    let mut from = Some("0".to_owned());
    for interval in clean {
        let Some(begin) = from.clone() else { break };
        let order = compare(&begin, &interval.from);
        if order.is_lt() || (order.is_eq() && interval.is_after) {
            let end = match interval.is_after {
                true => RangeEvent::LastAffected(interval.from),
                false => RangeEvent::Fixed(interval.from),
            };
            ranges.push(vec![RangeEvent::Introduced(begin.clone()), end]);
        }
        from = match interval.to {
            None => None,
            Some((to, _)) if compare(&to, &begin).is_lt() => Some(begin),
            Some((to, true)) => Some(right_after(&to)),
            Some((to, false)) => Some(to),
        };
    }
    ranges.extend(from.map(|from| vec![RangeEvent::Introduced(from)]));
    Some(ranges)
}

/// Reads requirements that hold together, such as `~> 3.0.4, >= 3.0.4.2`.
fn interval(text: &str) -> Option<Interval> {
    let mut interval = Interval { from: "0".to_owned(), is_after: false, to: None };
    for part in text.split(',') {
        let part = part.trim();
        let end = part.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (operator, version) = part.split_at_checked(end)?;
        let version = version.trim();
        if !is_rankable(Ecosystem::Gem, version) {
            return None;
        }
        let low = |is_after| (version.to_owned(), is_after);
        let (from, to) = match operator.trim() {
            ">=" => (Some(low(false)), None),
            ">" => (Some(low(true)), None),
            "<" => (None, Some((version.to_owned(), false))),
            "<=" => (None, Some((version.to_owned(), true))),
            "~>" => (Some(low(false)), Some((bumped(version)?, false))),
            "=" | "" => (Some(low(false)), Some((version.to_owned(), true))),
            _ => return None,
        };
        if let Some((from, is_after)) = from
            && compare(&from, &interval.from).is_gt()
        {
            (interval.from, interval.is_after) = (from, is_after);
        }
        let is_nearer = |(to, _): &(String, bool)| {
            interval.to.as_ref().is_none_or(|(known, _)| compare(to, known).is_lt())
        };
        if let Some(to) = to.filter(is_nearer) {
            interval.to = Some(to);
        }
    }
    Some(interval)
}

/// The end of what `~>` allows: the next release of the segment before the last one
/// (`Gem::Version#bump`) with its pre-releases, since RubyGems compares a version's release with it.
/// `A` comes before the letters of any pre-release.
fn bumped(version: &str) -> Option<String> {
    let numbers = version.split('.').map_while(|segment| segment.parse::<u64>().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    if numbers.len() > 1 {
        numbers.pop();
    }
    let last = numbers.last_mut()?;
    *last = last.checked_add(1)?;
    Some(numbers.iter().map(|number| format!("{number}.")).collect::<String>() + "A")
}

/// Events know no "after this version": the first version after one stands for it, as far as any
/// is published. Between `1.0` and this one are only such as `1.0.0.0.0.0.1`.
fn right_after(version: &str) -> String {
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    let is_release = version.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    // After `2.0.0.beta` comes `2.0.0.beta.1`: a zero behind letters counts for nothing either.
    let zeros = if is_release { 6_usize.saturating_sub(numbers.count()) } else { 0 };
    format!("{version}{}.1", ".0".repeat(zeros))
}

/// All versions have been found to have a place in the order.
fn compare(a: &str, b: &str) -> Ordering {
    compare_bounds(Ecosystem::Gem, a, b).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::RangeEvent;

    use super::affected_outside;

    fn check(requirements: &[&str], expected: Option<&str>) {
        let owned: Vec<String> = requirements.iter().map(|text| (*text).to_owned()).collect();
        let ranges = affected_outside(&owned).map(|ranges| {
            let ranges = ranges.iter().map(|events| {
                let events = events.iter().map(|event| match event {
                    RangeEvent::Introduced(version) => format!(">={version}"),
                    RangeEvent::Fixed(version) => format!("<{version}"),
                    RangeEvent::LastAffected(version) => format!("<={version}"),
                    RangeEvent::Limit(version) => format!("|{version}"),
                });
                events.collect::<Vec<_>>().join(" ")
            });
            ranges.collect::<Vec<_>>().join(", ")
        });
        assert_eq!(ranges.as_deref(), expected, "{requirements:?}");
    }

    #[test]
    fn what_no_requirement_covers_is_affected() {
        check(&[], Some(">=0"));
        check(&[">= 1.2"], Some(">=0 <1.2"));
        check(&["> 1.2"], Some(">=0 <=1.2"));
        check(&["< 1.0", ">= 1.2"], Some(">=1.0 <1.2"));
        check(
            &["~> 1.2.3", "~> 1.4.5", ">= 2.0"],
            Some(">=0 <1.2.3, >=1.3.A <1.4.5, >=1.5.A <2.0"),
        );
        check(&["~> 3.0.4, >= 3.0.4.2", ">= 3.1"], Some(">=0 <3.0.4.2, >=3.1.A <3.1"));
        check(&["~> 2.1"], Some(">=0 <2.1, >=3.A"));
        check(&["~> 7.0.0.rc2"], Some(">=0 <7.0.0.rc2, >=7.1.A"));
        check(&["<= 1.0"], Some(">=1.0.0.0.0.0.1"));
        check(&["= 2.2.10", ">= 2.2.18"], Some(">=0 <2.2.10, >=2.2.10.0.0.0.1 <2.2.18"));
        check(&[">= 1.1, <= 1.2", "~> 1.0"], Some(">=0 <1.0, >=2.A"));
        let beta = Some(">=2.0.0.beta1 <2.0.0-alpha, >=2.0.0-alpha.1 <2.0.2");
        check(&["< 2.0.0.beta1", "= 2.0.0-alpha", ">= 2.0.2"], beta);
        check(&["nonsense"], None);
        check(&["!= 1.0"], None);
    }
}
