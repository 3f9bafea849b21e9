//! Which files Portage's packages brought: `CONTENTS` beside a package's `PF`. A line is a kind, the
//! path and, for files, checksum and time: `obj /usr/bin/x 0123… 1700000000`; paths may hold spaces.

use tallyman_model::limits::Limits;

use crate::analyzers::portage::directory_of;
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading, owned_files};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "portage-files",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "CONTENTS" && directory_of(candidate.path).is_some()
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let text = String::from_utf8_lossy(content);
    let files = text.lines().filter_map(|line| line.strip_prefix("obj ")).filter_map(|rest| {
        let mut parts = rest.rsplitn(3, ' ');
        let _time = parts.next()?;
        let _checksum = parts.next()?;
        parts.next()
    });
    Ok(owned_files(files).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::{Evidence, owner_key};
    use tallyman_model::limits::Limits;

    use super::analyze;

    #[test]
    fn files_are_kept_and_directories_and_links_are_not() {
        let contents = b"dir /usr/bin\nobj /usr/bin/a tool 0123456789abcdef 1700000000\n\
            sym /usr/bin/link -> tool 1700000000\nobj cut\n";
        let found = analyze("", contents, &Limits::default());
        assert_eq!(found, Ok(vec![Evidence::OwnedFiles(vec![owner_key("usr/bin/a tool")])]));
    }
}
