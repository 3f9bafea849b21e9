//! Which files dpkg's packages brought: `var/lib/dpkg/info/NAME.list` (dpkg(1), "FILES"), and
//! `status.d/NAME.md5sums` in distroless images, which keep no lists.

use tallyman_model::limits::Limits;

use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading, owned_files};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "dpkg-files",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    let Some(rest) = candidate.path.strip_prefix("var/lib/dpkg/") else {
        return false;
    };
    match rest.split_once('/') {
        Some(("info", name)) => name.ends_with(".list"),
        Some(("status.d", name)) => name.ends_with(".md5sums"),
        _ => false,
    }
}

fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let text = String::from_utf8_lossy(content);
    let has_sums = path.ends_with(".md5sums");
    let files = text.lines().filter_map(|line| match has_sums {
        true => line.split_once("  ").map(|(_, path)| path),
        false => Some(line),
    });
    Ok(owned_files(files).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::{Evidence, owner_key};
    use tallyman_model::limits::Limits;

    use super::analyze;

    fn owned(path: &str, content: &str) -> Vec<u64> {
        match analyze(path, content.as_bytes(), &Limits::default()).expect("no fault").pop() {
            Some(Evidence::OwnedFiles(keys)) => keys,
            _ => Vec::new(),
        }
    }

    #[test]
    fn files_that_could_be_evidence_are_kept_under_one_key_for_both_places() {
        let list = "/.\n/bin\n/bin/tool\n/usr/share/doc/x/README\n/usr/share/x/table.txt\n\
            /usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA\n";
        let keys = owned("var/lib/dpkg/info/x.list", list);
        for (path, is_kept) in [
            ("usr/bin/tool", true),
            ("bin/tool", true),
            ("usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA", true),
            ("usr/share/doc/x/README", false),
            ("usr/share/x/table.txt", false),
        ] {
            assert_eq!(keys.contains(&owner_key(path)), is_kept, "{path}");
        }
    }

    #[test]
    fn sums_of_distroless_images_are_lists_too() {
        let sums = "0123456789abcdef0123456789abcdef  usr/bin/openssl\nbroken\n";
        let keys = owned("var/lib/dpkg/status.d/openssl.md5sums", sums);
        assert_eq!(keys, [owner_key("bin/openssl")]);
    }
}
