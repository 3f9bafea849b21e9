//! Installed Lua rocks: `rocks-LUA/NAME/VERSION/NAME-VERSION.rockspec` (LuaRocks documentation, "Rock
//! tree layout"). A rockspec is a Lua program, but its place says all that is needed.

use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use crate::analyzers::lock::PackageList;
use crate::analyzers::{Analysis, Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "luarocks",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.base.ends_with(".rockspec") && installed(candidate.path).is_some()
}

fn installed(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.rsplit('/');
    let (file, version, name, tree) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let ending = file.strip_prefix(name)?.strip_prefix('-')?.strip_prefix(version)?;
    (ending == ".rockspec" && tree.starts_with("rocks")).then_some((name, version))
}

fn analyze(path: &str, _content: &[u8], limits: &Limits) -> Analysis {
    let Some((name, version)) = installed(path) else {
        return Err(Fault::new("it is not where installed rocks are"));
    };
    let mut list = PackageList::new(Ecosystem::LuaRocks, limits);
    list.add(name, version)?;
    list.finish()
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{analyze, installed};
    use crate::analyzers::lock::tests::named;

    #[test]
    fn a_rock_is_named_by_its_place() {
        let cjson = "usr/local/lib/luarocks/rocks-5.1/lua-cjson/2.1.0-1/lua-cjson-2.1.0-1.rockspec";
        for (path, expected) in [
            (cjson, Some(("lua-cjson", "2.1.0-1"))),
            ("rocks/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec", Some(("lpeg", "1.0.2-1"))),
            ("rocks-5.1/lpeg/1.0.2-1/lpeg-1.0.1-1.rockspec", None),
            ("rocks-5.1/lpeg/1.0.2-1/rock_manifest", None),
            ("src/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec", None),
            ("lpeg-1.0.2-1.rockspec", None),
        ] {
            assert_eq!(installed(path), expected, "{path}");
        }
    }

    #[test]
    fn its_content_does_not_matter() {
        let path = "rocks-5.4/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec";
        let found = named(analyze(path, b"os.exit()", &Limits::default()));
        assert_eq!(found, Ok(vec!["lpeg 1.0.2-1".to_owned()]));
        assert!(analyze("a.rockspec", b"", &Limits::default()).is_err());
    }
}
