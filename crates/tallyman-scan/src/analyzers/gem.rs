//! Installed Ruby gems: `specifications/NAME-VERSION.gemspec`, as RubyGems writes it when it installs
//! one, and `specifications/default/` for those that come with Ruby (RubyGems guides, "Specification
//! Reference"). It is a Ruby program, of which only assignments of literals are understood.

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::PackageList;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "gem",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base.ends_with(".gemspec")
        && candidate.path.rsplit('/').skip(1).any(|directory| directory == "specifications")
}

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let content = String::from_utf8_lossy(content);
    let (mut name, mut version, mut stub) = (None, None, None);
    for line in content.lines().map(str::trim) {
        if let Some((attribute, value)) = assignment(line) {
            match attribute {
                "name" => name = name.or_else(|| literal(value)),
                "version" => version = version.or_else(|| literal(value)),
                _ => {}
            }
        } else if let Some(line) = line.strip_prefix("# stub: ") {
            stub = stub.or(Some(line));
        }
    }
    // What RubyGems itself reads where it does not run the file: `NAME VERSION PLATFORM PATHS`.
    let mut words = stub.unwrap_or_default().split(' ');
    let (name, version) = (name.or(words.next()), version.or(words.next()));
    let (Some(name), Some(version)) = (name.filter(|it| !it.is_empty()), version) else {
        return Err(Fault::new("the specification has no name or no version"));
    };
    let mut list = PackageList::new(Ecosystem::Gem, limits);
    list.add(name, version)?;
    list.finish()
}

/// Splits `VARIABLE.ATTRIBUTE = VALUE`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (variable, rest) = line.split_once('.')?;
    let (attribute, value) = rest.split_once('=')?;
    let is_variable = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_variable.then_some((attribute.trim_end(), value.trim_start()))
}

/// Returns the text of `"TEXT".freeze` and `Gem::Version.new("TEXT")`.
fn literal(value: &str) -> Option<&str> {
    let value = value.strip_prefix("Gem::Version.new(").unwrap_or(value);
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    // Ruby puts something in the place of `#{…}`.
    value.split(quote).nth(1).filter(|text| !text.contains("#{"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;
    use crate::analyzers::lock::tests::named;

    fn package(content: &str) -> Result<String, String> {
        let found =
            named(analyze("specifications/a.gemspec", content.as_bytes(), &Limits::default()))?;
        Ok(found.concat())
    }

    #[test]
    fn a_specification_is_one_gem() {
        let written = "# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\n\
            Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.3\"\n\n  \
            s.required_rubygems_version = Gem::Requirement.new(\">= 0\") if s.respond_to? :x=\n  \
            s.authors = [\"Andr\\u00E9\".freeze]\n  s.metadata = { \"name\" => \"no\" }\nend\n";
        assert_eq!(package(written), Ok("rack 2.2.3".to_owned()));
        let by_hand = "Gem::Specification.new do |spec|\nspec.name='rack'\n\
            spec.version   = Gem::Version.new('2.2.3')\nspec.version = '9'\nend\n";
        assert_eq!(package(by_hand), Ok("rack 2.2.3".to_owned()));
    }

    #[test]
    fn what_is_no_literal_is_taken_from_the_stub() {
        let computed =
            "# stub: rack 2.2.3 ruby lib\ns.name = \"#{NAME}\"\ns.version = Rack::VERSION\n";
        assert_eq!(package(computed), Ok("rack 2.2.3".to_owned()));
        for bad in
            ["", "s.name = NAME\ns.version = '1'\n", "s.name = 'a'\n", "s.name == 'a'\n# stub: "]
        {
            assert!(package(bad).is_err(), "{bad}");
        }
        assert!(package("s.name = 'a b'\ns.version = '1'\n").is_err());
    }

    #[test]
    fn only_installed_specifications_are_read() {
        let is_wanted = |path: &str| wants(&Candidate::new(path, 100, 0o644));
        for installed in [
            "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec",
            "specifications/a-1.gemspec",
        ] {
            assert!(is_wanted(installed), "{installed}");
        }
        for other in
            ["usr/lib/ruby/gems/3.1.0/gems/a-1/a.gemspec", "specifications/a.rb", "a.gemspec"]
        {
            assert!(!is_wanted(other), "{other}");
        }
    }

    #[test]
    fn the_gems_of_this_machine_are_named_as_their_files_are() {
        let directories = fs::read_dir("/usr/share/rubygems-integration").into_iter().flatten();
        for directory in directories.flatten() {
            let files = fs::read_dir(directory.path().join("specifications"));
            for file in files.into_iter().flatten().flatten() {
                let content = fs::read_to_string(file.path()).expect("a file");
                let path = file.path();
                let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8");
                let found = package(&content).expect("a gem").replace(' ', "-");
                assert!(stem.starts_with(&found), "{stem} {found}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[s.=name"'#{ \n]{0,60}"#) {
            let _ = package(&text);
        }
    }
}
