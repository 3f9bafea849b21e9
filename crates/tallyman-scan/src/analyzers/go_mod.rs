//! What a Go application requires: `go.mod` (Go documentation, "Go Modules Reference", "go.mod
//! files"), which since Go 1.17 names every module that takes part in the build. Modules in the cache
//! of modules have such a file too, and are not built.

use std::collections::HashMap;

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, malformed, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "go-mod",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// Go itself ignores what is beneath `testdata`.
fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base == "go.mod"
        && !is_inside_a_package(candidate.path)
        && !candidate.path.split('/').any(|directory| directory == "testdata")
}

/// What stands in the place of a module: another one, or a path.
type Replacement<'a> = Option<(&'a str, &'a str)>;

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let mut required: Vec<(&str, &str)> = Vec::new();
    let mut replaced: HashMap<(&str, Option<&str>), Replacement<'_>> = HashMap::new();
    // The verb whose arguments stand on lines of their own, up to `)`.
    let mut block = None;
    for (index, line) in text(content)?.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        let mut words =
            line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).peekable();
        let own_verb = words.next_if(|word| block.is_none() || *word == ")");
        let Some(verb) = own_verb.or(block) else {
            continue;
        };
        let arguments: Vec<&str> = words.take(6).collect();
        match (verb, arguments.as_slice()) {
            (")", _) => block = None,
            (verb, ["("]) => block = Some(verb),
            (_, []) => {}
            // The standard library and Go's own programs, which are known by Go's version.
            ("module", ["std" | "cmd"]) => return Ok(Vec::new()),
            ("require", [name, version]) => required.push((name, version)),
            ("replace", [name, "=>", to @ ..]) => {
                replaced.insert((name, None), replacement(to));
            }
            ("replace", [name, version, "=>", to @ ..]) => {
                replaced.insert((name, Some(version)), replacement(to));
            }
            ("require" | "replace", _) => {
                return Err(malformed(index.saturating_add(1), format!("`{verb}`")));
            }
            _ => {}
        }
    }
    let mut list = PackageList::new(Ecosystem::Go, limits);
    for (name, version) in required {
        let other = replaced.get(&(name, Some(version))).or_else(|| replaced.get(&(name, None)));
        if let Some((name, version)) = other.copied().unwrap_or(Some((name, version))) {
            list.add(name, version)?;
        }
    }
    list.finish()
}

fn replacement<'a>(to: &[&'a str]) -> Replacement<'a> {
    match to {
        [name, version] => Some((name, version)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;
    use crate::analyzers::lock::tests::named;

    fn modules(content: &str) -> Result<Vec<String>, String> {
        named(analyze("src/go.mod", content.as_bytes(), &Limits::default()))
    }

    #[test]
    fn what_is_required_is_named_with_what_replaces_it() {
        let file = "// a comment\nmodule example.com/shop\n\ngo 1.21.5\ntoolchain go1.22.0\n\n\
            require golang.org/x/text v0.3.7\n\nrequire (\n\tgithub.com/a/b v1.0.0 // indirect\n\
            \t\"github.com/c/d/v2\" v2.0.0+incompatible\n\n\texample.com/part v0.0.0\n\
            \texample.com/fork v1.1.0\n)\n\nexclude github.com/a/b v0.9.0\n\n\
            replace example.com/part => ../part\nreplace (\n\
            \texample.com/fork v1.1.0 => example.com/mine v1.1.1\n\
            \tgithub.com/a/b v0.5.0 => example.com/no v9.0.0\n)\nretract [v1.0.0, v1.1.0]\n";
        let expected = [
            "example.com/mine v1.1.1",
            "github.com/a/b v1.0.0",
            "github.com/c/d/v2 v2.0.0+incompatible",
            "golang.org/x/text v0.3.7",
        ];
        assert_eq!(modules(file).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(modules("module std\nrequire golang.org/x/net v0.1.0\n"), Ok(Vec::new()));
        assert_eq!(modules(""), Ok(Vec::new()));
    }

    #[test]
    fn a_line_that_is_cut_off_is_a_fault() {
        for bad in ["require a\n", "require (\n\ta v1\n\tb", "replace a b\n"] {
            assert!(modules(bad).is_err_and(|reason| reason.contains("is malformed")), "{bad}");
        }
    }

    #[test]
    fn only_files_of_applications_are_read() {
        let is_wanted = |path: &str| wants(&Candidate::new(path, 100, 0o644));
        assert!(is_wanted("go.mod") && is_wanted("usr/src/app/go.mod"));
        for path in [
            "go/pkg/mod/golang.org/x/text@v0.3.7/go.mod",
            "go/pkg/mod/cache/download/a/@v/v1.0.0.mod",
            "src/vendor/example.com/a/go.mod",
            "src/testdata/go.mod",
            "src/go.sum",
        ] {
            assert!(!is_wanted(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r"(require|replace|[a=>()/\n ]){0,30}") {
            let _ = modules(&text);
        }
    }
}
