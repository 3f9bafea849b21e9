//! The EICAR test file (eicar.org, "Anti Malware Testfile"): harmless, and proof that alerts
//! arrive.

use tallyman_model::inventory::{Alert, AlertLevel, Evidence};
use tallyman_model::limits::Limits;

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "eicar",
    version: 1,
    class: FileClass::AnyName,
    wants,
    reading: Reading::Whole(analyze),
};

/// In two halves, so that neither this file nor the program is taken for the test file.
const HALVES: [&[u8]; 2] =
    [br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-", b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

fn wants(candidate: &Candidate<'_>) -> bool {
    (68..=128).contains(&candidate.size)
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let [first, second] = HALVES;
    let rest = content.strip_prefix(first);
    if !rest.is_some_and(|rest| rest.starts_with(second)) {
        return Ok(Vec::new());
    }
    Ok(vec![Evidence::Alert(Alert {
        rule: "eicar".to_owned(),
        level: AlertLevel::Serious,
        evidence: "the EICAR anti-malware test file".to_owned(),
    })])
}

/// Returns the test file, for tests.
#[cfg(test)]
pub(crate) fn test_file() -> Vec<u8> {
    HALVES.concat()
}
