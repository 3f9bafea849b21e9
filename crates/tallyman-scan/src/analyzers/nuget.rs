//! What NuGet wrote for an application, or was told: `packages.lock.json` (NuGet documentation,
//! "Locking dependencies"), `packages.config` ("packages.config reference") and the versions in
//! `Directory.Packages.props` ("Central Package Management").

mod xml;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_entry, json, text};
use crate::analyzers::nuget::xml::Tags;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "nuget",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

const PROPS: &str = "packages.props";

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "packages.lock.json" | "packages.config") || is_props(candidate.base)
}

fn is_props(base: &str) -> bool {
    let end = base.len().checked_sub(PROPS.len()).and_then(|start| base.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(PROPS))
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let (text, mut list) = (text(content)?, PackageList::new(Ecosystem::NuGet, limits));
    if path.ends_with(".json") {
        read_lock(text, &mut list)?;
    } else if path.ends_with(".config") {
        read_config(text, &mut list)?;
    } else {
        read_props(text, &mut list)?;
    }
    list.finish()
}

#[derive(Deserialize)]
struct Lock<'a> {
    /// By target framework, then by name.
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// Parts of the application itself have none.
    #[serde(borrow)]
    resolved: Option<Cow<'a, str>>,
}

fn read_lock(text: &str, list: &mut PackageList) -> Result<(), Fault> {
    let lock: Lock<'_> = json(text, "a lock of NuGet")?;
    for_each_entry(lock.dependencies, |_, packages: &RawValue| {
        for_each_entry(Some(packages), |name, entry: Entry<'_>| match entry.resolved {
            Some(version) => list.add(name, &version),
            None => Ok(()),
        })
    })
}

fn read_config(text: &str, list: &mut PackageList) -> Result<(), Fault> {
    let mut is_config = false;
    for tag in Tags::new(text) {
        is_config |= tag.name() == "packages";
        if tag.name() != "package" || tag.attribute("developmentDependency") == Some("true") {
            continue;
        }
        if let (Some(name), Some(version)) = (tag.attribute("id"), tag.attribute("version")) {
            list.add(name, version)?;
        }
    }
    is_config.then_some(()).ok_or_else(|| Fault::new("it is not a packages.config"))
}

/// Only plain versions: ranges and variables do not say which one it is.
fn read_props(text: &str, list: &mut PackageList) -> Result<(), Fault> {
    let is_plain = |text: &&str| !text.is_empty() && !text.contains(['$', '[', '(', '*', ',']);
    let mut is_project = false;
    for tag in Tags::new(text) {
        is_project |= tag.name() == "Project";
        if !matches!(tag.name(), "PackageVersion" | "PackageReference") {
            continue;
        }
        let name = tag.attribute("Include").or_else(|| tag.attribute("Update"));
        let version = tag.attribute("Version");
        if let (Some(name), Some(version)) = (name.filter(is_plain), version.filter(is_plain)) {
            list.add(name.trim(), version.trim())?;
        }
    }
    is_project.then_some(()).ok_or_else(|| Fault::new("it is not a project of MSBuild"))
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;
    use crate::analyzers::lock::tests::named;

    fn packages(path: &str, content: &str) -> Result<Vec<String>, String> {
        named(analyze(path, content.as_bytes(), &Limits::default()))
    }

    #[test]
    fn a_lock_names_what_was_resolved_for_any_framework() {
        let lock = r#"{"version": 1, "dependencies": {
            "net6.0": {"Serilog": {"type": "Direct", "requested": "[2.12.0, )", "resolved": "2.12.0"}},
            "net8.0": {
                "Serilog": {"type": "Direct", "resolved": "3.0.0", "contentHash": "x"},
                "Json": {"type": "Transitive", "resolved": "13.0.1", "dependencies": {"X": "1"}},
                "part": {"type": "Project", "dependencies": {"Serilog": "[3.0.0, )"}}
            }}}"#;
        let expected = ["Json 13.0.1", "Serilog 2.12.0", "Serilog 3.0.0"];
        let found = packages("a/packages.lock.json", lock);
        assert_eq!(found.as_deref(), Ok(&expected.map(String::from)[..]));
        assert_eq!(packages("packages.lock.json", "{}"), Ok(Vec::new()));
        for bad in ["", "[]", r#"{"dependencies": {"net8.0": []}}"#] {
            assert!(packages("packages.lock.json", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_configuration_names_packages_that_are_not_for_development() {
        let config = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<packages>\r\n  \
            <package id=\"jQuery\" version=\"3.6.0\" targetFramework=\"net48\" />\r\n  \
            <!-- <package id=\"No\" version=\"1\" /> -->\r\n  \
            <package version='1.0' id='Odd'></package>\r\n  \
            <package id=\"StyleCop\" version=\"6.0\" developmentDependency=\"true\" />\r\n  \
            <package id=\"None\" />\r\n</packages>\r\n";
        let found = packages("packages.config", config);
        assert_eq!(found, Ok(vec!["Odd 1.0".to_owned(), "jQuery 3.6.0".to_owned()]));
        assert!(packages("packages.config", "{}").is_err());
        assert!(packages("packages.config", "<packages><package id='a b' version='1'/>").is_err());
    }

    #[test]
    fn central_versions_are_named_where_they_are_plain() {
        let props = r#"<Project><ItemGroup>
            <PackageVersion Include="Serilog" Version=" 3.0.0 " />
            <PackageReference Update="Json" Version="13.0.1" />
            <PackageVersion Include="Range" Version="[1.0,2.0)" />
            <PackageVersion Include="Variable" Version="$(Version)" />
            </ItemGroup></Project>"#;
        let found = packages("Directory.Packages.props", props);
        assert_eq!(found, Ok(vec!["Json 13.0.1".to_owned(), "Serilog 3.0.0".to_owned()]));
        assert!(packages("Directory.Packages.props", "").is_err());
    }

    #[test]
    fn files_are_known_by_their_names() {
        let is_wanted = |path: &str| wants(&Candidate::new(path, 100, 0o644));
        for path in ["a/packages.lock.json", "packages.config", "Directory.Packages.props"] {
            assert!(is_wanted(path), "{path}");
        }
        for path in ["a/packages.json", "packages.config.txt", "Directory.Build.props", "props"] {
            assert!(!is_wanted(path), "{path}");
        }
    }
}
