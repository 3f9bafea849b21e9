//! Puts together what lists of updates say of single RPMs, one for each product and architecture,
//! into what an advisory says of a package.

use std::collections::{BTreeMap, BTreeSet};

use tallyman_model::advisory::{Affected, FixState, Naming, PackageKey, RangeEvent};

/// What a list says of one package of one product for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) key: PackageKey,
    pub(crate) naming: Naming,
    /// The module and stream, `nodejs:16`.
    pub(crate) module: Option<String>,
    /// All where there are none.
    pub(crate) architectures: Vec<String>,
    pub(crate) standing: Standing,
    pub(crate) urgency: Option<String>,
    pub(crate) cvss: Vec<String>,
}

/// How a package stands to a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// What is earlier is affected.
    FixedIn(String),
    /// What is no later is affected, and nothing is fixed.
    LastAffected(String),
    /// All versions are affected, and why no fix is there.
    Unfixed(FixState),
    /// No version is affected.
    NotAffected,
}

type Group = (PackageKey, Naming, Option<String>);

/// Puts the statements of one advisory on one vulnerability together.
///
/// A package that one product has fixed and another one has not is fixed in that version: whoever
/// has it has the fix. A package that one product calls affected and another one does not is
/// affected.
pub(crate) fn collect(statements: Vec<Statement>) -> Vec<Affected> {
    let mut groups: BTreeMap<Group, Vec<Statement>> = BTreeMap::new();
    for statement in statements {
        let group = (statement.key.clone(), statement.naming, statement.module.clone());
        groups.entry(group).or_default().push(statement);
    }
    groups.iter().flat_map(|(group, statements)| collect_group(group, statements)).collect()
}

fn collect_group(group: &Group, statements: &[Statement]) -> Vec<Affected> {
    let mut bounds: BTreeMap<(bool, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut unfixed = None;
    let mut is_denied = false;
    for statement in statements {
        let architectures = statement.architectures.iter().map(String::as_str);
        match &statement.standing {
            Standing::FixedIn(version) => {
                bounds.entry((true, version)).or_default().extend(architectures);
            }
            Standing::LastAffected(version) => {
                bounds.entry((false, version)).or_default().extend(architectures);
            }
            // A product that will be mended stands for the release.
            Standing::Unfixed(state) => match unfixed {
                Some(FixState::Open) => {}
                Some(_) if *state != FixState::Open => {}
                _ => unfixed = Some(*state),
            },
            Standing::NotAffected => is_denied = true,
        }
    }
    let from_the_first = || RangeEvent::Introduced("0".to_owned());
    let range = |(is_fix, version): &(bool, &str)| {
        let version = (*version).to_owned();
        let end =
            if *is_fix { RangeEvent::Fixed(version) } else { RangeEvent::LastAffected(version) };
        vec![from_the_first(), end]
    };
    if bounds.is_empty() {
        let fix_state = match unfixed {
            Some(state) => state,
            None if is_denied => FixState::NotAffected,
            None => return Vec::new(),
        };
        let ranges = vec![vec![from_the_first()]];
        return vec![Affected { ranges, fix_state, ..common(group, statements) }];
    }
    if !differ_by_architecture(&bounds) {
        let ranges = bounds.keys().map(range).collect();
        return vec![Affected { ranges, ..common(group, statements) }];
    }
    let each = bounds.iter().map(|(bound, architectures)| Affected {
        ranges: vec![range(bound)],
        architectures: with_noarch(architectures),
        ..common(group, statements)
    });
    each.collect()
}

/// Tells whether two versions are for architectures of which none is the same.
fn differ_by_architecture(bounds: &BTreeMap<(bool, &str), BTreeSet<&str>>) -> bool {
    let sets: BTreeSet<&BTreeSet<&str>> = bounds.values().collect();
    let sets: Vec<_> = sets.into_iter().filter(|set| !set.is_empty()).collect();
    sets.iter().enumerate().any(|(i, a)| sets.iter().skip(i + 1).any(|b| a.is_disjoint(b)))
}

/// A package that is for all architectures was built along with each of them.
fn with_noarch(architectures: &BTreeSet<&str>) -> Vec<String> {
    let noarch = std::iter::once("noarch").filter(|_| !architectures.is_empty());
    let all: BTreeSet<&str> = architectures.iter().copied().chain(noarch).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// What all statements on a package have in common, and the first rating that there is.
fn common(group: &Group, statements: &[Statement]) -> Affected {
    let (key, naming, module) = group;
    let cvss: BTreeSet<&String> = statements.iter().flat_map(|one| &one.cvss).collect();
    Affected {
        cvss: cvss.into_iter().cloned().collect(),
        urgency: statements.iter().find_map(|one| one.urgency.clone()),
        modules: module.iter().cloned().collect(),
        naming: *naming,
        ..Affected::new(key.clone())
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::{FixState, Naming, PackageKey, RangeEvent};
    use tallyman_model::distribution::DistributionRelease;
    use tallyman_model::package::Ecosystem;

    use super::{Standing, Statement, collect};

    fn statement(standing: Standing, architecture: &str) -> Statement {
        Statement {
            key: PackageKey {
                ecosystem: Ecosystem::Rpm,
                release: Some(DistributionRelease::new("ol", "9")),
                name: "a".to_owned(),
            },
            naming: Naming::Binary,
            module: None,
            architectures: vec![architecture.to_owned()],
            standing,
            urgency: None,
            cvss: Vec::new(),
        }
    }

    fn fixed(version: &str, architecture: &str) -> Statement {
        statement(Standing::FixedIn(version.to_owned()), architecture)
    }

    fn show(statements: Vec<Statement>) -> Vec<String> {
        let all = collect(statements);
        let all = all.iter().map(|affected| {
            let fixed = affected.ranges.iter().flatten().filter_map(|event| match event {
                RangeEvent::Fixed(version) => Some(version.as_str()),
                _ => None,
            });
            let fixed = fixed.collect::<Vec<_>>().join(" ");
            format!("{:?} {fixed} [{}]", affected.fix_state, affected.architectures.join(" "))
        });
        all.collect()
    }

    #[test]
    fn versions_are_kept_apart_by_architecture_only_where_they_must() {
        assert_eq!(show(vec![fixed("2-1", "x86_64"), fixed("2-1", "aarch64")]), ["Open 2-1 []"]);
        let streams = vec![fixed("2-1", "x86_64"), fixed("2-2", "x86_64"), fixed("2-2", "aarch64")];
        assert_eq!(show(streams), ["Open 2-1 2-2 []"]);
        let apart = vec![fixed("2-1", "x86_64"), fixed("2-2", "aarch64")];
        assert_eq!(show(apart), ["Open 2-1 [noarch x86_64]", "Open 2-2 [aarch64 noarch]"]);
    }

    #[test]
    fn what_one_product_has_fixed_is_fixed_and_what_one_calls_affected_is_affected() {
        let unfixed = |state| statement(Standing::Unfixed(state), "x86_64");
        let denied = || statement(Standing::NotAffected, "x86_64");
        assert_eq!(show(vec![unfixed(FixState::Open), fixed("2-1", "x86_64")]), ["Open 2-1 []"]);
        let both = vec![denied(), unfixed(FixState::WillNotFix)];
        assert_eq!(show(both), ["WillNotFix  []"]);
        let better = vec![unfixed(FixState::EndOfLife), unfixed(FixState::Open)];
        assert_eq!(show(better), ["Open  []"]);
        assert_eq!(show(vec![denied()]), ["NotAffected  []"]);
    }
}
