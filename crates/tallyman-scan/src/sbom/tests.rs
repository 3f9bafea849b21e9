use proptest::prelude::{ProptestConfig, any, prop, proptest};
use serde_json::{Value, json};
use tallyman_model::inventory::DiagnosticKind;
use tallyman_model::limits::Limits;

use super::{Sbom, SbomError, read_sbom};

fn read(document: &Value) -> Sbom {
    read_sbom(document.to_string().as_bytes(), &Limits::default()).expect("a document")
}

/// Shows `ecosystem name version [architecture] [source] [release] path`.
fn show(sbom: &Sbom) -> Vec<String> {
    sbom.packages
        .iter()
        .map(|it| {
            let package = &it.version.package;
            let mut shown = format!("{} {} {}", package.ecosystem, package.name, package.version);
            let source = package.source.as_ref();
            let more = [
                package.architecture.clone(),
                source.map(|source| format!("{} {}", source.name, source.version)),
                it.version.release.as_ref().map(ToString::to_string),
                Some(it.path.clone()).filter(|path| !path.is_empty()),
            ];
            for text in more.into_iter().flatten() {
                shown.push(' ');
                shown.push_str(&text);
            }
            shown
        })
        .collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn cyclonedx(components: &Value) -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": { "component": { "type": "container", "name": "app" } },
        "components": components,
    })
}

fn spdx(packages: &Value) -> Value {
    json!({ "spdxVersion": "SPDX-2.3", "packages": packages })
}

fn purl_reference(purl: &str) -> Value {
    json!([{ "referenceType": "purl", "referenceLocator": purl }])
}

#[test]
fn cyclonedx_of_syft_is_read() {
    let layer = format!("sha256:{}", "0a".repeat(32));
    let document = cyclonedx(&json!([
        {
            "type": "library", "name": "libc6", "version": "2.36-9+deb12u10+b1",
            "purl": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10%2Bb1?arch=amd64&distro=debian-12.5&\
                     upstream=glibc%402.36-9%2Bdeb12u10",
            "properties": [
                property("syft:location:0:layerID", &layer),
                property("syft:location:0:path", "/var/lib/dpkg/status"),
            ],
        },
        {
            "type": "library", "name": "github.com/BurntSushi/toml", "version": "v1.0.0",
            "purl": "pkg:golang/github.com/burntsushi/toml@v1.0.0",
        },
        {
            "type": "operating-system", "name": "debian", "version": "12",
            "properties": [
                property("syft:distro:id", "debian"),
                property("syft:distro:versionID", "12"),
                property("syft:distro:versionCodename", "bookworm"),
            ],
        },
        { "type": "file", "name": "/etc/passwd" },
    ]));
    let sbom = read(&document);
    assert_eq!(
        show(&sbom),
        [
            "deb libc6 2.36-9+deb12u10+b1 amd64 glibc 2.36-9+deb12u10 debian:12 \
             var/lib/dpkg/status",
            "golang github.com/BurntSushi/toml v1.0.0",
        ]
    );
    assert_eq!(sbom.packages[0].layer_digest, Some(layer.parse().expect("a digest")));
    let distribution = sbom.distribution.expect("a distribution");
    assert_eq!(distribution.codename.as_deref(), Some("bookworm"));
    assert_eq!((sbom.unjudged, sbom.diagnostics), (vec![], vec![]));
}

#[test]
fn cyclonedx_of_trivy_is_read() {
    let document = cyclonedx(&json!([
        {
            "type": "library", "name": "libc6", "version": "2.36-9",
            "purl": "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.5",
            "properties": [
                property("aquasecurity:trivy:SrcName", "glibc"),
                property("aquasecurity:trivy:SrcVersion", "2.36"),
                property("aquasecurity:trivy:SrcRelease", "9"),
                property("aquasecurity:trivy:SrcEpoch", "1"),
            ],
        },
        {
            "type": "library", "group": "@babel", "name": "core", "version": "7.0.0",
            "purl": "pkg:npm/%40babel/core@7.0.0",
            "properties": [property("aquasecurity:trivy:FilePath", "app/package.json")],
        },
        {
            "type": "application", "name": "app/package-lock.json",
            "properties": [property("aquasecurity:trivy:Class", "lang-pkgs")],
        },
        {
            "type": "operating-system", "name": "debian", "version": "12.5",
            "properties": [property("aquasecurity:trivy:Class", "os-pkgs")],
        },
    ]));
    let sbom = read(&document);
    assert_eq!(
        show(&sbom),
        [
            "deb libc6 2.36-9 amd64 glibc 1:2.36-9 debian:12",
            "npm @babel/core 7.0.0 app/package.json",
        ]
    );
    assert_eq!(sbom.unjudged, Vec::<String>::new());
}

#[test]
fn spdx_of_both_is_read() {
    let mut document = spdx(&json!([
        { "SPDXID": "SPDXRef-root", "name": "app:1", "primaryPackagePurpose": "CONTAINER",
          "versionInfo": format!("sha256:{}", "0b".repeat(32)) },
        { "SPDXID": "SPDXRef-1", "name": "libssl3", "versionInfo": "3.0.11-1",
          "externalRefs": purl_reference("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12"),
          "sourceInfo": "built package from: openssl 3.0.11-1" },
        { "SPDXID": "SPDXRef-2", "name": "Jinja2", "versionInfo": "2.10",
          "externalRefs": purl_reference("pkg:pypi/jinja2@2.10"),
          "sourceInfo": "acquired package info from installed python package manifest file: \
                         /usr/lib/jinja2/METADATA, /usr/lib/jinja2/RECORD" },
        { "SPDXID": "SPDXRef-3", "name": "debian", "versionInfo": "12.5",
          "primaryPackagePurpose": "OPERATING-SYSTEM" },
        { "SPDXID": "SPDXRef-4", "name": "go.sum", "primaryPackagePurpose": "APPLICATION",
          "annotations": [{ "comment": "Class: lang-pkgs" }] },
    ]));
    document["creationInfo"] = json!({ "creators": ["Organization: x", "Tool: syft-1.57.0"] });
    document["relationships"] = json!([
        { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
          "relatedSpdxElement": "SPDXRef-root" },
        { "spdxElementId": "SPDXRef-root", "relationshipType": "CONTAINS",
          "relatedSpdxElement": "SPDXRef-1" },
    ]);
    let sbom = read(&document);
    assert_eq!(
        show(&sbom),
        [
            "deb libssl3 3.0.11-1 openssl 3.0.11-1 debian:12",
            "pypi Jinja2 2.10 usr/lib/jinja2/METADATA",
        ]
    );
    assert_eq!(sbom.specification, "SPDX 2.3");
    assert_eq!(sbom.tools, ["syft-1.57.0"]);
    assert_eq!(sbom.image.name.as_deref(), Some("app:1"));
    assert!(sbom.image.manifest_digest.is_some());
    assert_eq!(sbom.unjudged, Vec::<String>::new());
}

#[test]
fn spdx_3_is_read() {
    let document = json!({
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            { "type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1" },
            { "type": "software_Sbom", "spdxId": "urn:s", "rootElement": ["urn:root"] },
            { "type": "software_Package", "spdxId": "urn:root", "name": "app" },
            { "type": "software_Package", "spdxId": "urn:1", "name": "Jinja2",
              "software_packageUrl": "pkg:pypi/jinja2@2.10" },
            { "type": "software_Package", "spdxId": "urn:2", "name": "zlib",
              "software_packageVersion": "1.3-r0", "externalIdentifier": [
                { "externalIdentifierType": "cpe23", "identifier": "cpe:2.3:…" },
                { "externalIdentifierType": "packageUrl",
                  "identifier": "pkg:apk/alpine/zlib@1.3-r0?distro=3.19.1" },
            ] },
            { "type": "software_File", "spdxId": "urn:3", "name": "README" },
        ],
    });
    let sbom = read(&document);
    assert_eq!(show(&sbom), ["apk zlib 1.3-r0 alpine:3.19", "pypi Jinja2 2.10"]);
    assert_eq!(sbom.specification, "SPDX 3.0.1");
    assert_eq!(sbom.image.name.as_deref(), Some("app"));
    assert_eq!(sbom.distribution.expect("that of its packages").id, "alpine");
}

#[test]
fn a_package_of_another_distribution_is_judged_by_its_own() {
    let package = |purl: &str| json!({ "type": "library", "name": "a", "purl": purl });
    let sbom = read(&cyclonedx(&json!([
        { "type": "operating-system", "name": "redhat", "version": "9.4" },
        package("pkg:rpm/redhat/a@1-1?distro=rhel-9.4"),
        package("pkg:rpm/redhat/a@2-1?distro=redhat-9.4"),
        package("pkg:rpm/fedora/a@3-1?distro=fedora-40"),
        package("pkg:deb/ubuntu/a@4-1"),
        package("pkg:rpm/a@5-1"),
    ])));
    assert_eq!(
        show(&sbom),
        [
            "deb a 4-1 ubuntu",
            "rpm a 1-1 rhel:9",
            "rpm a 2-1 rhel:9",
            "rpm a 3-1 fedora:40",
            "rpm a 5-1 rhel:9",
        ]
    );
    let mixed = read(&cyclonedx(&json!([
        package("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04"),
        package("pkg:deb/debian/a@1?distro=debian-12"),
    ])));
    assert_eq!(mixed.distribution, None);
}

#[test]
fn what_cannot_be_judged_is_said() {
    let sbom = read(&cyclonedx(&json!([
        { "type": "library", "name": "a", "purl": "pkg:github/a/a@1" },
        { "type": "library", "name": "b", "purl": "pkg:github/b/b@1" },
        { "type": "application", "name": "Launcher", "version": "1" },
        { "type": "framework", "name": "c", "purl": "not a purl" },
        { "type": "library", "name": "main", "purl": "pkg:golang/example.com/main" },
        { "type": "library", "name": "other", "purl": "pkg:golang/example.com/other@%28devel%29" },
    ])));
    assert_eq!(
        sbom.unjudged,
        [
            "packages of the type github are not known here (2)",
            "Launcher and 1 more has no package URL",
        ]
    );
    let [diagnostic, _] = sbom.diagnostics.as_slice() else { panic!("{:?}", sbom.diagnostics) };
    assert_eq!(diagnostic.kind, DiagnosticKind::Skipped);
    assert!(diagnostic.reason.starts_with("main has no version"), "{}", diagnostic.reason);
    assert_eq!(show(&sbom), Vec::<String>::new());
}

#[test]
fn a_document_that_calls_itself_incomplete_or_failed_is_not_taken_for_whole() {
    let mut document = cyclonedx(&json!([]));
    document["compositions"] = json!([{ "aggregate": "incomplete_first_party_only" }]);
    assert_eq!(read(&document).unjudged, ["the document says that it is incomplete"]);
    document["metadata"]["properties"] = json!([
        property("tallyman:state", "failed"),
        property("tallyman:reason", "layer 1 is cut off"),
        property("tallyman:diagnostic", "failed: layer 1: /: cut off"),
    ]);
    let sbom = read(&document);
    assert_eq!(sbom.diagnostics.len(), 2);
    assert_eq!(sbom.diagnostics[1].kind, DiagnosticKind::Failed);
    assert!(sbom.diagnostics[1].reason.contains("layer 1 is cut off"));
}

#[test]
fn components_within_components_and_the_subject_itself_count() {
    let mut document = cyclonedx(&json!([
        { "type": "application", "name": "outer", "purl": "pkg:npm/outer@1", "components": [
            { "type": "library", "name": "inner", "purl": "pkg:npm/inner@2" },
        ] },
    ]));
    document["metadata"] = json!({
        "tools": [{ "vendor": "x", "name": "old", "version": "0.1" }],
        "component": { "type": "application", "name": "app", "purl": "pkg:npm/app@3" },
    });
    let sbom = read(&document);
    assert_eq!(show(&sbom), ["npm app 3", "npm inner 2", "npm outer 1"]);
    assert_eq!(sbom.tools, ["old 0.1"]);
}

#[test]
fn over_a_limit_a_document_is_refused_or_failed() {
    let limits = Limits { sbom_packages: 1, ..Limits::default() };
    let library = |name: &str| json!({ "type": "library", "name": name, "purl": format!("pkg:npm/{name}@1") });
    let document = cyclonedx(&json!([library("a"), library("b")])).to_string();
    let sbom = read_sbom(document.as_bytes(), &limits).expect("a document");
    assert_eq!(sbom.diagnostics[0].kind, DiagnosticKind::Failed);
    assert!(sbom.diagnostics[0].reason.contains("sbom-packages"));
    let limits = Limits { sbom_bytes: 10, ..Limits::default() };
    let error = read_sbom(document.as_bytes(), &limits).expect_err("too large");
    assert!(matches!(error, SbomError::TooLarge { maximum: 10 }), "{error}");
    let limits = Limits { diagnostics: 1, ..Limits::default() };
    let nameless = |name: &str| json!({ "type": "library", "name": name, "purl": "pkg:npm/x" });
    let document = cyclonedx(&json!([nameless("a"), nameless("b"), nameless("c")])).to_string();
    let sbom = read_sbom(document.as_bytes(), &limits).expect("a document");
    assert_eq!(sbom.diagnostics.len(), 2);
    assert!(sbom.diagnostics.iter().any(|it| it.reason == "and 2 more that is not listed"));
}

#[test]
fn hostile_nesting_and_lists_are_errors() {
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}{}}}"#,
        r#"[{"type":"library","name":"a","components":"#.repeat(10_000),
        "[]".to_owned() + &"}]".repeat(10_000)
    );
    let error = read_sbom(deep.as_bytes(), &Limits::default()).expect_err("too deep").to_string();
    assert!(error.contains("recursion limit"), "{error}");
    let many = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}}"#,
        vec![r#"{"type":"file","name":""}"#; 500_001].join(",")
    );
    let error = read_sbom(many.as_bytes(), &Limits::default()).expect_err("too many").to_string();
    assert!(error.contains("more than 500000 items"), "{error}");
}

#[test]
fn what_is_no_bill_of_materials_says_what_it_is() {
    let error =
        |text: &str| read_sbom(text.as_bytes(), &Limits::default()).expect_err(text).to_string();
    assert!(error("").starts_with("it cannot be read as JSON"));
    assert!(error("{}").starts_with("it is neither CycloneDX nor SPDX"));
    assert!(error("[1]").contains("invalid type"));
    assert!(error(r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#).contains("CycloneDX 2.0"));
    assert!(error(r#"{"spdxVersion":"SPDX-1.2"}"#).contains("SPDX-1.2"));
    assert!(error(r#"{"bomFormat":"CycloneDX","components":7}"#).contains("CycloneDX"));
}

#[test]
fn a_document_that_is_cut_off_is_an_error_wherever_it_ends() {
    let text = cyclonedx(&json!([
        { "type": "library", "name": "a", "purl": "pkg:npm/a@1", "properties": [] },
    ]))
    .to_string();
    for end in 0..text.len() {
        let cut = text.as_bytes().get(..end).expect("within");
        assert!(read_sbom(cut, &Limits::default()).is_err(), "{end}");
    }
    let marked = format!("\u{feff}{text}\n");
    assert_eq!(read_sbom(marked.as_bytes(), &Limits::default()).expect("read").packages.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_document_makes_it_panic(
        name in any::<String>(),
        purl in "(pkg:)?[a-z/@%&?=#:.-]{0,40}",
        distro in "[a-z0-9.-]{0,12}",
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let purls = [purl.clone(), format!("pkg:deb/{distro}/a@1?distro={distro}&upstream={purl}")];
        for purl in purls {
            let component = json!({ "type": "library", "name": name, "purl": purl });
            let mut bytes = cyclonedx(&json!([component])).to_string().into_bytes();
            let _ = read_sbom(&bytes, &Limits::default());
            let package = json!({ "SPDXID": "a", "name": name, "versionInfo": distro,
                "externalRefs": purl_reference(&purl), "sourceInfo": purl });
            let _ = read_sbom(spdx(&json!([package])).to_string().as_bytes(), &Limits::default());
            let at = bytes.len() / 2;
            bytes.splice(at..at, noise.iter().copied());
            let _ = read_sbom(&bytes, &Limits::default());
        }
    }
}
