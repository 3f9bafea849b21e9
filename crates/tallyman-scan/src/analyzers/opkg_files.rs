//! Which files opkg's packages brought: `info/NAME.list` beside its database, a path a line, behind
//! which the mode of the file may stand after a tab.

use tallyman_model::limits::Limits;

use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading, owned_files};
use crate::path::split;

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "opkg-files",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base.ends_with(".list")
        && matches!(split(candidate.path).0, "usr/lib/opkg/info" | "var/lib/opkg/info")
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let text = String::from_utf8_lossy(content);
    let files = text.lines().filter_map(|line| line.split('\t').next());
    Ok(owned_files(files).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::{Evidence, owner_key};
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;

    #[test]
    fn a_line_is_a_file() {
        assert!(wants(&Candidate::new("usr/lib/opkg/info/busybox.list", 1, 0o644)));
        assert!(!wants(&Candidate::new("usr/lib/opkg/info/busybox.control", 1, 0o644)));
        let list = b"/bin/busybox\n/usr/bin/env\t0120777\n/etc/x.conf\n";
        let mut expected = vec![owner_key("bin/busybox"), owner_key("usr/bin/env")];
        expected.sort_unstable();
        let found = analyze("", list, &Limits::default());
        assert_eq!(found, Ok(vec![Evidence::OwnedFiles(expected)]));
    }
}
