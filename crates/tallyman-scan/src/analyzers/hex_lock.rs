//! Locks of Elixir and Erlang: `mix.lock` (Mix's documentation, "mix deps.get") and `rebar.lock`
//! (rebar3 documentation, "Dependencies: Lock files"). Both are terms of their language; what comes
//! from Hex is a tuple of a known beginning. Neither says what is there only for development.

use memchr::memmem;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, is_inside_a_package, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "hex-lock",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "mix.lock" | "rebar.lock") && !is_inside_a_package(candidate.path)
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let (text, mut list) = (text(content)?, PackageList::new(Ecosystem::Hex, limits));
    if path.ends_with("mix.lock") {
        if !text.trim_start().starts_with("%{") {
            return Err(Fault::new("it is not a lock of Mix"));
        }
        for (name, version) in text.lines().filter_map(mix_package) {
            list.add(name, version)?;
        }
    } else {
        if !text.trim_start().starts_with(['{', '[']) {
            return Err(Fault::new("it is not a lock of rebar3"));
        }
        for start in memmem::find_iter(text.as_bytes(), "{pkg,") {
            if let Some((name, version)) = text.get(start..).and_then(rebar_package) {
                list.add(name, version)?;
            }
        }
    }
    list.finish()
}

/// `"KEY": {:hex, :NAME, "VERSION", …}`; the name may be in quotes.
fn mix_package(line: &str) -> Option<(&str, &str)> {
    let (_, package) = line.split_once(": {:hex, :")?;
    let (name, rest) = package.split_once(", \"")?;
    Some((name.trim_matches('"'), rest.split_once('"')?.0))
}

/// `{pkg,<<"NAME">>,<<"VERSION">>`, in which a line may end at each comma.
fn rebar_package(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = binary(text.strip_prefix("{pkg,")?)?;
    let (version, _) = binary(rest.strip_prefix(',')?)?;
    Some((name, version))
}

/// Splits off `<<"TEXT">>`. The end is not searched beyond the longest name.
fn binary(text: &str) -> Option<(&str, &str)> {
    const MAX_BYTES: usize = 1024;
    let text = text.trim_start().strip_prefix("<<\"")?;
    let near = text.as_bytes().get(..text.len().min(MAX_BYTES))?;
    let end = memmem::find(near, b"\">>")?;
    Some((text.get(..end)?, text.get(end.checked_add(3)?..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(path: &str, lock: &str) -> Result<Vec<String>, String> {
        named(analyze(path, lock.as_bytes(), &Limits::default()))
    }

    #[test]
    fn what_mix_has_from_hex_is_named() {
        let lock = r#"%{
  "castore": {:hex, :castore, "1.0.1", "0123", [:mix], [], "hexpm", "4567"},
  "fork": {:git, "https://example.com/fork.git", "0123", []},
  "renamed": {:hex, :real_name, "2.0.0", "0123", [:mix, :rebar3], [{:castore, ">= 0.1.0", [hex: :castore, repo: "hexpm", optional: true]}], "hexpm", "4567"},
  "quoted": {:hex, :"odd-name", "3.0.0-rc.1"},
}
"#;
        let expected = ["castore 1.0.1", "odd-name 3.0.0-rc.1", "real_name 2.0.0"];
        assert_eq!(packages("mix.lock", lock).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages("a/mix.lock", "%{\n}\n"), Ok(Vec::new()));
    }

    #[test]
    fn what_rebar_has_from_hex_is_named() {
        let lock = r#"{"1.2.0",
[{<<"certifi">>,{pkg,<<"certifi">>,<<"2.9.0">>},1},
 {<<"fork">>,{git,"https://example.com/fork.git",{ref,"0123"}},0},
 {<<"a_name_that_is_long_enough_for_a_line">>,
  {pkg,<<"a_name_that_is_long_enough_for_a_line">>,
       <<"1.0.0">>},
  0}]}.
[
{pkg_hash,[
 {<<"certifi">>, <<"0123">>}]}
].
"#;
        let expected = ["a_name_that_is_long_enough_for_a_line 1.0.0", "certifi 2.9.0"];
        assert_eq!(packages("rebar.lock", lock).as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages("rebar.lock", "[].\n"), Ok(Vec::new()));
    }

    #[test]
    fn other_files_and_other_names_are_faults() {
        assert!(packages("mix.lock", "[]").is_err());
        assert!(packages("rebar.lock", "").is_err());
        assert!(packages("mix.lock", "%{\n\"a\": {:hex, :a, \"1 0\"}").is_err());
        assert!(packages("rebar.lock", "[{pkg,<<\"a b\">>,<<\"1\">>}").is_err());
    }

    #[test]
    fn what_never_ends_is_not_searched_again_and_again() {
        let open = format!("[{}", "{pkg,<<\"".repeat(1 << 20));
        assert_eq!(packages("rebar.lock", &open), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[a:{}<>", hexpkg\n]{0,60}"#) {
            let _ = packages("mix.lock", &format!("%{{\"a\": {{:hex, :{text}"));
            let _ = packages("rebar.lock", &format!("[{{pkg,{text}"));
        }
    }
}
