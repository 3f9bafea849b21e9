//! npm's range grammar (<https://github.com/npm/node-semver#ranges>), as events.
//!
//! Pre-releases are simply versions in the order here: what is affected below 2.0.0 is so in
//! 2.0.0-beta as well, other than npm would install it.

use std::cmp::Ordering;

use tallyman_model::advisory::RangeEvent;
use tallyman_model::package::Ecosystem;

use crate::version::compare;

/// Turns npm ranges of vulnerable and of patched versions into ranges of events: the vulnerable
/// ones without the patched ones.
pub(super) fn affected_events(
    vulnerable: &str,
    patched: Option<&str>,
) -> Option<Vec<Vec<RangeEvent>>> {
    let patched = patched.and_then(parse).unwrap_or_default();
    let mut intervals = parse(vulnerable)?;
    for patch in &patched {
        intervals = intervals.into_iter().flat_map(|interval| subtract(interval, patch)).collect();
    }
    intervals.into_iter().map(|interval| events(interval, &patched)).collect()
}

/// A place between versions: just before or just after one.
#[derive(Clone, Debug, PartialEq)]
struct Cut {
    version: String,
    is_after: bool,
}

impl Cut {
    fn before(version: String) -> Self {
        Cut { version, is_after: false }
    }

    fn after(version: String) -> Self {
        Cut { version, is_after: true }
    }

    fn compare(&self, other: &Cut) -> Ordering {
        // Only versions that were parsed get into a cut.
        let order = compare(Ecosystem::Npm, &self.version, &other.version);
        order.unwrap_or(Ordering::Equal).then(self.is_after.cmp(&other.is_after))
    }
}

/// The versions between two cuts; `None` is the end of the line on that side.
#[derive(Clone, Debug, Default, PartialEq)]
struct Interval {
    lower: Option<Cut>,
    upper: Option<Cut>,
}

impl Interval {
    fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) => lower.compare(upper).is_ge(),
            (None, Some(upper)) => upper.compare(&Cut::before("0.0.0".to_owned())).is_le(),
            _ => false,
        }
    }

    fn intersect(self, other: Interval) -> Interval {
        let pick = |a: Option<Cut>, b: Option<Cut>, keep: Ordering| match (a, b) {
            (Some(a), Some(b)) => Some(if a.compare(&b) == keep { a } else { b }),
            (a, b) => a.or(b),
        };
        Interval {
            lower: pick(self.lower, other.lower, Ordering::Greater),
            upper: pick(self.upper, other.upper, Ordering::Less),
        }
    }
}

fn subtract(interval: Interval, hole: &Interval) -> Vec<Interval> {
    let below = hole.lower.clone().map(|cut| Interval { lower: None, upper: Some(cut) });
    let above = hole.upper.clone().map(|cut| Interval { lower: Some(cut), upper: None });
    let sides = [below, above].into_iter().flatten();
    sides.map(|side| interval.clone().intersect(side)).filter(|rest| !rest.is_empty()).collect()
}

fn events(interval: Interval, patched: &[Interval]) -> Option<Vec<RangeEvent>> {
    let introduced = match &interval.lower {
        None => "0".to_owned(),
        Some(cut) if cut.is_after => successor(&cut.version)?,
        Some(cut) => cut.version.clone(),
    };
    let mut events = vec![RangeEvent::Introduced(introduced)];
    let Some(upper) = interval.upper else { return Some(events) };
    if !upper.is_after {
        events.push(RangeEvent::Fixed(upper.version));
        return Some(events);
    }
    // The version that brought the fix is only known from the patched ranges.
    let fix = patched
        .iter()
        .filter_map(|patch| patch.lower.as_ref())
        .filter(|cut| !cut.is_after && cut.compare(&upper).is_ge())
        .min_by(|a, b| a.compare(b))
        .map(|cut| RangeEvent::Fixed(cut.version.clone()));
    events.push(RangeEvent::LastAffected(upper.version));
    events.extend(fix);
    Some(events)
}

/// Returns the lowest version above one.
fn successor(version: &str) -> Option<String> {
    if version.contains('-') {
        return Some(format!("{version}.0"));
    }
    let (head, patch) = version.rsplit_once('.')?;
    Some(format!("{head}.{}-0", patch.parse::<u64>().ok()?.checked_add(1)?))
}

/// Parses `a || b`, each a list of comparators that hold together.
fn parse(range: &str) -> Option<Vec<Interval>> {
    let mut intervals = Vec::new();
    for alternative in range.split("||") {
        let interval = parse_alternative(alternative)?;
        if !interval.is_empty() {
            intervals.push(interval);
        }
    }
    Some(intervals)
}

fn parse_alternative(text: &str) -> Option<Interval> {
    if let Some((from, to)) = text.split_once(" - ") {
        let from = parse_comparator(&format!(">={}", from.trim()))?;
        return Some(from.intersect(parse_comparator(&format!("<={}", to.trim()))?));
    }
    let mut joined = String::new();
    for word in text.split_whitespace() {
        // A lone operator belongs to the next word.
        if !joined.is_empty() && !joined.ends_with(['<', '>', '=', '~', '^']) {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    let comparators = joined.split(' ').filter(|word| !word.is_empty());
    comparators
        .map(parse_comparator)
        .try_fold(Interval::default(), |all, comparator| Some(all.intersect(comparator?)))
}

fn parse_comparator(text: &str) -> Option<Interval> {
    let digits_at = text.find(|c: char| !"<>=~^".contains(c)).unwrap_or(text.len());
    let (operator, version) = text.split_at(digits_at);
    let partial = Partial::parse(version)?;
    if partial.is_everything() {
        return Some(Interval::default());
    }
    let lowest = Cut::before(partial.lowest());
    let beyond = |level| partial.next(level).map(Cut::before);
    // Comparators like `<=1.2` speak of all of 1.2.
    let end = match partial.given {
        3 => Cut::after(partial.lowest()),
        given => beyond(given - 1)?,
    };
    let (lower, upper) = match operator {
        "" | "=" | "==" => (Some(lowest), Some(end)),
        "<" => (None, Some(lowest)),
        "<=" => (None, (!partial.is_infinite()).then_some(end)),
        ">" => (Some(end), None),
        ">=" => (Some(lowest), None),
        "~" | "~>" => (Some(lowest), Some(beyond(usize::from(partial.given > 1))?)),
        "^" => (Some(lowest), Some(beyond(partial.caret_level())?)),
        _ => return None,
    };
    let upper = upper.filter(|_| !(operator == "<" && partial.is_infinite()));
    Some(Interval { lower, upper })
}

/// A version that may lack parts, such as `1.x`.
struct Partial {
    numbers: [u64; 3],
    given: usize,
    prerelease: String,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('v').split('+').next().unwrap_or("");
        let (numbers_text, prerelease) = match text.split_once('-') {
            Some((numbers, prerelease)) => (numbers, format!("-{prerelease}")),
            None => (text, String::new()),
        };
        let mut partial = Partial { numbers: [0; 3], given: 0, prerelease };
        for part in numbers_text.split('.') {
            if matches!(part, "" | "x" | "X" | "*") {
                break;
            }
            *partial.numbers.get_mut(partial.given)? = part.parse().ok()?;
            partial.given += 1;
        }
        let is_valid = partial.given == 3 || partial.prerelease.is_empty();
        let lowest = partial.lowest();
        (is_valid && compare(Ecosystem::Npm, &lowest, &lowest).is_ok()).then_some(partial)
    }

    fn is_everything(&self) -> bool {
        self.given == 0
    }

    /// 99.999.9999 is how the database wrote "no fix in sight".
    fn is_infinite(&self) -> bool {
        matches!(self.numbers, [99, 999, _])
    }

    fn lowest(&self) -> String {
        let [major, minor, patch] = self.numbers;
        format!("{major}.{minor}.{patch}{}", self.prerelease)
    }

    /// Returns the first version of the next major (0), minor (1) or patch (2).
    fn next(&self, level: usize) -> Option<String> {
        let mut numbers = self.numbers;
        let number = numbers.get_mut(level)?;
        *number = number.checked_add(1)?;
        numbers.iter_mut().skip(level + 1).for_each(|number| *number = 0);
        let [major, minor, patch] = numbers;
        Some(format!("{major}.{minor}.{patch}-0"))
    }

    /// The caret keeps the first part that is not zero.
    fn caret_level(&self) -> usize {
        let last = self.given.saturating_sub(1);
        self.numbers.iter().position(|number| *number > 0).unwrap_or(last).min(last)
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::RangeEvent;

    use super::affected_events;
    use crate::range::Interval;

    /// Writes the ranges as `>= 1, < 2; …`, with the version of the fix behind an arrow.
    fn show(vulnerable: &str, patched: Option<&str>) -> String {
        let Some(ranges) = affected_events(vulnerable, patched) else {
            return "refused".to_owned();
        };
        let words = ranges.iter().map(|events| {
            let [RangeEvent::Introduced(introduced), rest @ ..] = events.as_slice() else {
                panic!("{events:?}");
            };
            let fix = match rest {
                [_, RangeEvent::Fixed(fix)] => format!(" → {fix}"),
                _ => String::new(),
            };
            format!("{}{fix}", Interval { introduced, end: rest.first() }.describe())
        });
        words.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn ranges_of_the_old_database_become_events() {
        assert_eq!(show("<=1.5.1", Some(">=1.5.2")), "<= 1.5.1 → 1.5.2");
        assert_eq!(
            show("<3.11 || >= 4 <4.5", Some(">=3.11 <4 || >=4.5")),
            "< 3.11.0; >= 4.0.0, < 4.5.0"
        );
        assert_eq!(show("<=99.999.99999", Some("<0.0.0")), "all versions");
        assert_eq!(show("*", None), "all versions");
        assert_eq!(show("2.1.4", Some(">=2.1.5")), ">= 2.1.4, <= 2.1.4 → 2.1.5");
        assert_eq!(show("<1.6.5 || < 2.1.7 > 2.0.0", None), "< 1.6.5; >= 2.0.1-0, < 2.1.7");
        assert_eq!(show(">=2.0.0", Some(">=2.15.0")), ">= 2.0.0, < 2.15.0");
        assert_eq!(
            show("2.0.x || 2.1.x", Some(">= 2.2.x")),
            ">= 2.0.0, < 2.1.0-0; >= 2.1.0, < 2.2.0-0"
        );
        assert_eq!(show("~0.8.0-pre", None), ">= 0.8.0-pre, < 0.9.0-0");
        assert_eq!(show("^0.2.3", None), ">= 0.2.3, < 0.3.0-0");
        assert_eq!(show("^1", None), ">= 1.0.0, < 2.0.0-0");
        assert_eq!(show("1.2.3 - 2.3.4", None), ">= 1.2.3, <= 2.3.4");
        assert_eq!(show("<=v2.0.0-alpha7", None), "<= 2.0.0-alpha7");
        assert_eq!(show(">2.0.0-a", None), ">= 2.0.0-a.0");
        assert_eq!(show("latest", None), "refused");
        assert_eq!(show("1.2.3.4", None), "refused");
    }

    #[test]
    fn what_is_patched_is_not_affected() {
        let show = |vulnerable: &str, patched: &str| show(vulnerable, Some(patched));
        assert_eq!(
            show("<=6.8.5", ">=5.0.3 <6.0.0 || >=6.8.6"),
            "< 5.0.3; >= 6.0.0, <= 6.8.5 → 6.8.6"
        );
        assert_eq!(
            show("<2.0.1 || <1.1.7", "^1.1.7 || >= 2.0.1"),
            "< 1.1.7; >= 2.0.0-0, < 2.0.1; < 1.1.7"
        );
    }
}
