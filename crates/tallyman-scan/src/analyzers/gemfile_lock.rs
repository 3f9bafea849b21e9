//! Bundler's locks: `Gemfile.lock`, `Gemfile.next.lock` and `gems.locked` (Bundler documentation,
//! "bundle lock"). They do not say what is there only for development.

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "gemfile-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "Gemfile.lock" | "Gemfile.next.lock" | "gems.locked")
        && !is_inside_a_package(candidate.path)
}

/// Gems are indented by four spaces; what each depends on, by six. `PATH` holds the application's
/// own gems.
fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut list = PackageList::new(Ecosystem::Gem, limits);
    let mut is_source = false;
    for line in text(content)?.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            is_source = matches!(line.trim_end(), "GEM" | "GIT" | "PLUGIN SOURCE");
        }
        let gem = line.strip_prefix("    ").filter(|gem| is_source && !gem.starts_with(' '));
        if let Some((name, version)) = gem.and_then(|gem| gem.trim_end().split_once(" (")) {
            // `VERSION-PLATFORM`; a version holds no such sign.
            let version = version.trim_end_matches(')').split('-').next().unwrap_or_default();
            list.add(name, version)?;
        }
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(lock: &str) -> Result<Vec<String>, String> {
        named(analyze("app/Gemfile.lock", lock.as_bytes(), &Limits::default()))
    }

    #[test]
    fn the_gems_of_all_sources_but_the_application_itself_are_named() {
        let lock = "GIT\n  remote: https://example.com/git.git\n  revision: 0123\n  specs:\n    \
                    git (5.0.0)\n      rack (>= 2)\n\n\
            PATH\n  remote: .\n  specs:\n    shop (3.0.0)\n      rack\n\n\
            GEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.13.6)\n      \
                    racc (~> 1.4)\n    nokogiri (1.13.6-x86_64-linux)\n    rack (2.2.3)\n    odd\n\n\
            PLATFORMS\n  ruby\n  x86_64-linux\n\n\
            DEPENDENCIES\n  rack (~> 2.2)\n  shop!\n\n\
            BUNDLED WITH\n   2.4.0\n";
        let expected = ["git 5.0.0", "nokogiri 1.13.6", "rack 2.2.3"];
        assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages(&lock.replace('\n', "\r\n")).as_deref().map(<[_]>::len), Ok(3));
    }

    #[test]
    fn a_name_that_is_none_is_a_fault() {
        assert!(packages("GEM\n  specs:\n    a b (1)\n").is_err());
        assert!(packages("GEM\n  specs:\n    a ()\n").is_err());
        assert_eq!(packages(""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r"[a ()\n-]{0,60}") {
            let _ = packages(&format!("GEM\n{text}"));
        }
    }
}
