use proptest::prelude::proptest;
use tallyman_model::limits::Limits;

use super::{analyze, key_of};
use crate::analyzers::lock::tests::named;

fn packages(lock: &str) -> Result<Vec<String>, String> {
    named(analyze("app/pnpm-lock.yaml", lock.as_bytes(), &Limits::default()))
}

#[test]
fn version_5_has_the_version_behind_a_slash() {
    let lock = "lockfileVersion: 5.4

specifiers:
  a: ^1.0.0

dependencies:
  a: 1.2.3_b@2.0.0

packages:

  /@s/c/3.0.0:
    resolution: {integrity: sha512-x}
    dev: false

  /a/1.2.3_b@2.0.0:
    resolution: {integrity: sha512-x}
    peerDependencies:
      b: '*'
    dev: false

  /lint/9.0.0:
    resolution: {integrity: sha512-x}
    dev: true

  github.com/owner/git/0123:
    resolution: {tarball: https://x}
    name: git
    version: 4.0.0
    dev: false

  registry.example.com/d/5.0.0:
    resolution: {integrity: sha512-x}

  file:part:
    resolution: {directory: part}
    name: part
";
    let expected = ["@s/c 3.0.0", "a 1.2.3", "d 5.0.0", "git 4.0.0"];
    assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
}

#[test]
fn version_6_has_the_version_behind_an_at_sign() {
    let lock = "lockfileVersion: '6.0'

packages:

  /@s/c@3.0.0(a@1.2.3):
    resolution: {integrity: sha512-x}
    dev: false

  /a@1.2.3:
    resolution: {integrity: sha512-x}
    hasBin: true
    dev: false

  /lint@9.0.0:
    dev: true

  '@codeload.github.com/owner/git/tar.gz/0123':
    name: git
    version: 4.0.0
    dev: false
";
    let expected = ["@s/c 3.0.0", "a 1.2.3", "git 4.0.0"];
    assert_eq!(packages(lock).as_deref(), Ok(&expected.map(String::from)[..]));
}

const VERSION_9: &str = "lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.2.3(b@2.0.0)
      alias:
        specifier: npm:real@4.0.0
        version: real@4.0.0
      part:
        specifier: workspace:*
        version: link:packages/part
    devDependencies:
      lint:
        specifier: ^9.0.0
        version: 9.0.0(both@1.0.0)

  packages/part:
    optionalDependencies:
      git:
        specifier: owner/git
        version: https://codeload.github.com/owner/git/tar.gz/0123

packages:

  '@s/a@1.2.3':
    resolution: {integrity: sha512-x}
    peerDependencies:
      b: '*'

  b@2.0.0:
    resolution: {integrity: sha512-x}

  both@1.0.0:
    resolution: {integrity: sha512-x}

  git@https://codeload.github.com/owner/git/tar.gz/0123:
    resolution: {tarball: https://codeload.github.com/owner/git/tar.gz/0123}
    version: 5.0.0

  lint@9.0.0:
    resolution: {integrity: sha512-x}

  lint-core@9.0.0:
    resolution: {integrity: sha512-x}

  nobody@7.0.0:
    resolution: {integrity: sha512-x}

  real@4.0.0:
    resolution: {integrity: sha512-x}

  url@https://example.com/url.tgz:
    resolution: {tarball: https://example.com/url.tgz}

snapshots:

  ? '@s/a@1.2.3(b@2.0.0)'
  : dependencies:
      b: 2.0.0

  b@2.0.0:
    optionalDependencies:
      both: 1.0.0

  both@1.0.0: {}

  lint@9.0.0(both@1.0.0):
    dependencies:
      both: 1.0.0
      core: lint-core@9.0.0

  lint-core@9.0.0: {}
";

#[test]
fn version_9_leaves_out_what_only_development_leads_to() {
    let expected =
        ["@s/a 1.2.3", "b 2.0.0", "both 1.0.0", "git 5.0.0", "nobody 7.0.0", "real 4.0.0"];
    assert_eq!(packages(VERSION_9).as_deref(), Ok(&expected.map(String::from)[..]));
}

#[test]
fn the_document_about_pnpm_itself_is_left_out() {
    let environment = "---
lockfileVersion: '9.0'

importers:

  .:
    packageManagerDependencies:
      pnpm:
        specifier: 11.0.0
        version: 11.0.0

packages:

  pnpm@11.0.0:
    resolution: {integrity: sha512-x}

snapshots:

  pnpm@11.0.0: {}

---
";
    let both = format!("{environment}{VERSION_9}");
    assert_eq!(packages(&both), packages(VERSION_9));
}

#[test]
fn a_reference_without_a_name_gets_one() {
    for (reference, key) in [
        ("1.0.0", "a@1.0.0"),
        ("1.0.0(b@2.0.0)", "a@1.0.0(b@2.0.0)"),
        ("@s/b@1.0.0", "@s/b@1.0.0"),
        ("b@1.0.0(c@2.0.0)", "b@1.0.0(c@2.0.0)"),
        ("https://x/y@z", "a@https://x/y@z"),
        ("link:../b", "a@link:../b"),
    ] {
        assert_eq!(key_of("a", reference), key, "{reference}");
    }
}

#[test]
fn what_has_no_version_is_not_a_lock() {
    for bad in ["", "a: b\n", "{}", "lockfileVersion: x\n"] {
        assert!(packages(bad).is_err(), "{bad}");
    }
    assert_eq!(packages("lockfileVersion: '9.0'\n"), Ok(Vec::new()));
    let fault = packages("lockfileVersion: '9.0'\npackages:\n  a b@1:\n    dev: false\n");
    assert!(fault.is_err_and(|reason| reason.contains("`a b`")));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r#"[a@/:(_ \n'1]{0,60}"#, version in 4..10) {
        let _ = packages(&format!("lockfileVersion: '{version}.0'\npackages:\n{text}"));
        let _ = packages(&format!("lockfileVersion: '{version}.0'\nsnapshots:\n{text}"));
    }
}
