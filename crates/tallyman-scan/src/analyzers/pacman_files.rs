//! Which files pacman's packages brought: `files` beside a package's `desc`, under `%FILES%`.

use tallyman_model::limits::Limits;

use crate::analyzers::pacman::is_of_package;
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading, owned_files};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "pacman-files",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "files" && is_of_package(candidate.path)
}

fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let text = String::from_utf8_lossy(content);
    let files = text.lines().skip_while(|line| *line != "%FILES%").skip(1);
    let files = files.take_while(|line| !line.is_empty()).filter(|line| !line.ends_with('/'));
    Ok(owned_files(files).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::{Evidence, owner_key};
    use tallyman_model::limits::Limits;

    use super::analyze;

    #[test]
    fn the_files_stand_under_their_heading() {
        let files = b"%FILES%\nusr/\nusr/bin/\nusr/bin/curl\n\n%BACKUP%\nbin/other\tsum\n";
        let found = analyze("", files, &Limits::default());
        assert_eq!(found, Ok(vec![Evidence::OwnedFiles(vec![owner_key("usr/bin/curl")])]));
        assert_eq!(analyze("", b"", &Limits::default()), Ok(Vec::new()));
    }
}
