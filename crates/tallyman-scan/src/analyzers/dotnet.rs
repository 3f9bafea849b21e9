//! .NET applications and the shared framework: `NAME.deps.json`, which lists the packages whose files
//! lie beside it (.NET SDK documentation, "Runtime configuration files": `deps.json`).

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::{PackageList, for_each_entry, json, text};
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "dotnet",
    version: 2,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base.ends_with(".deps.json")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependencies<'a> {
    #[serde(borrow)]
    runtime_target: Option<RuntimeTarget<'a>>,
    /// By target, what is there of a library.
    #[serde(borrow)]
    targets: Option<&'a RawValue>,
    #[serde(borrow)]
    libraries: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RuntimeTarget<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Library<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
}

impl Dependencies<'_> {
    /// Returns the system that it is for, such as `linux-x64`.
    fn rid(&self) -> Option<&str> {
        let (_, rid) = self.runtime_target.as_ref()?.name.split_once('/')?;
        (!rid.is_empty()).then_some(rid)
    }
}

/// The files of a library that the application loads; `compile` is for compilers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assets<'a> {
    #[serde(borrow)]
    runtime: Option<&'a RawValue>,
    #[serde(borrow)]
    native: Option<&'a RawValue>,
    #[serde(borrow)]
    runtime_targets: Option<&'a RawValue>,
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    let file: Dependencies<'_> = json(text(content)?, "a deps.json")?;
    let mut list = PackageList::new(Ecosystem::NuGet, limits);
    if let (Some((framework, version)), Some(rid)) = (shared_framework(path), file.rid()) {
        list.add(&format!("{framework}.Runtime.{rid}"), version)?;
    }
    add_libraries(&file, &mut list)?;
    list.finish()
}

/// Returns the packages of a `deps.json`.
pub(crate) fn read(content: &[u8], limits: &Limits) -> Analysis {
    let mut list = PackageList::new(Ecosystem::NuGet, limits);
    add_libraries(&json(text(content)?, "a deps.json")?, &mut list)?;
    list.finish()
}

/// Returns the name and version of the framework that a host finds at
/// `shared/NAME/VERSION/NAME.deps.json` (.NET runtime, docs/design/features/host-components.md). NuGet has
/// it as a package for each system, of which advisories speak.
fn shared_framework(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.rsplit('/');
    let file = parts.next()?.strip_suffix(".deps.json")?;
    let (version, name, shared) = (parts.next()?, parts.next()?, parts.next()?);
    (name == file && shared == "shared").then_some((name, version))
}

fn add_libraries(file: &Dependencies<'_>, list: &mut PackageList) -> Result<(), Fault> {
    let without_files = libraries_without_files(file)?;
    for_each_entry(file.libraries, |key, library: Library<'_>| {
        let is_package =
            ["package", "runtimepack"].iter().any(|it| library.kind.eq_ignore_ascii_case(it));
        // Without files of its own a package only names others, or what the framework has.
        if !is_package || without_files.contains(key) {
            return Ok(());
        }
        let Some((name, version)) = key.split_once('/') else {
            return Err(Fault::new(format!("the library `{key}` has no version")));
        };
        // The runtime that an application brings along is that package.
        list.add(name.strip_prefix("runtimepack.").unwrap_or(name), version)
    })
}

/// Returns the libraries of which the target that runs loads nothing.
fn libraries_without_files(file: &Dependencies<'_>) -> Result<HashSet<String>, Fault> {
    let running = file.runtime_target.as_ref().map(|target| target.name.as_ref());
    let mut names = HashSet::new();
    for_each_entry(file.targets, |target, libraries: &RawValue| {
        if Some(target) != running {
            return Ok(());
        }
        for_each_entry(Some(libraries), |key, assets: Assets<'_>| {
            if assets.runtime.or(assets.native).or(assets.runtime_targets).is_none() {
                names.insert(key.to_owned());
            }
            Ok(())
        })
    })?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use tallyman_model::limits::Limits;

    use super::analyze;
    use crate::analyzers::lock::tests::named;

    fn packages(content: &str) -> Result<Vec<String>, String> {
        named(analyze("app/shop.deps.json", content.as_bytes(), &Limits::default()))
    }

    const TARGETS: &str = r#""targets": {
        ".NETCoreApp,Version=v8.0": {"Other/1.0.0": {"runtime": {"x.dll": {}}}},
        ".NETCoreApp,Version=v8.0/linux-x64": {
            "Shop/3.0.0": {"dependencies": {"Serilog": "2.12.0"}, "runtime": {"Shop.dll": {}}},
            "Serilog/2.12.0": {"runtime": {"lib/net6.0/Serilog.dll": {"fileVersion": "2.12.0.0"}}},
            "SQLite/1.0.0": {"runtimeTargets": {"runtimes/linux-x64/native/x.so": {}}},
            "System.Net.Http/4.3.0": {"dependencies": {"System.Runtime": "4.3.0"}},
            "Analyzer/5.0.0": {"compile": {"a.dll": {}}},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"native": {"x.so": {}}}
        }
    }"#;

    const LIBRARIES: &str = r#""libraries": {
        "Shop/3.0.0": {"type": "project", "serviceable": false, "sha512": ""},
        "Serilog/2.12.0": {"type": "package", "serviceable": true, "sha512": "sha512-x"},
        "SQLite/1.0.0": {"type": "Package"},
        "System.Net.Http/4.3.0": {"type": "package"},
        "Analyzer/5.0.0": {"type": "package"},
        "Unlisted/6.0.0": {"type": "package"},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"}
    }"#;

    #[test]
    fn packages_with_files_of_the_target_that_runs_are_named() {
        let file = format!(
            r#"{{"runtimeTarget": {{"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""}},
                "compilationOptions": {{}}, {TARGETS}, {LIBRARIES}}}"#
        );
        let expected = [
            "Microsoft.NETCore.App.Runtime.linux-x64 8.0.1",
            "SQLite 1.0.0",
            "Serilog 2.12.0",
            "Unlisted 6.0.0",
        ];
        assert_eq!(packages(&file).as_deref(), Ok(&expected.map(String::from)[..]));
    }

    #[test]
    fn without_the_target_that_runs_every_package_is_named() {
        let without = format!("{{{LIBRARIES}}}");
        let other = format!(r#"{{"runtimeTarget": {{"name": "x"}}, {TARGETS}, {LIBRARIES}}}"#);
        for file in [without, other] {
            assert_eq!(packages(&file).map(|found| found.len()), Ok(6), "{file}");
        }
        assert_eq!(packages("{}"), Ok(Vec::new()));
    }

    #[test]
    fn a_shared_framework_is_the_package_of_its_system() {
        let at = |path: &str| named(analyze(path, FRAMEWORK.as_bytes(), &Limits::default()));
        let found = at("usr/share/dotnet/shared/Acme.App/3.1.23/Acme.App.deps.json");
        assert_eq!(found, Ok(vec!["Acme.App.Runtime.linux-x64 3.1.23".to_owned()]));
        for elsewhere in [
            "shared/Acme.App/3.1.23/Other.deps.json",
            "lib/Acme.App/3.1.23/Acme.App.deps.json",
            "Acme.App/3.1.23/Acme.App.deps.json",
            "Acme.App.deps.json",
        ] {
            assert_eq!(at(elsewhere), Ok(Vec::new()), "{elsewhere}");
        }
    }

    const FRAMEWORK: &str = r#"{"runtimeTarget": {"name": ".NETCoreApp,Version=v3.1/linux-x64"}}"#;

    #[test]
    fn what_is_none_is_a_fault() {
        for bad in [
            "",
            "[]",
            r#"{"libraries": []}"#,
            r#"{"libraries": {"a": {"type": "package"}}}"#,
            r#"{"libraries": {"a b/1": {"type": "package"}}}"#,
            r#"{"libraries": {"a/1": {"type": "package"}"#,
        ] {
            assert!(packages(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[{}\[\]",:a/]{0,60}"#) {
            let _ = packages(&format!(r#"{{"libraries": {{{text}}}}}"#));
            let _ = packages(&format!(r#"{{"targets": {{{text}}}}}"#));
        }
    }
}
