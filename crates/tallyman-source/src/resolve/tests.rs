use tallyman_model::digest::Digest;
use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;

use super::{ConfigParts, PlatformWalk, Resolver, Step};
use crate::document::{Descriptor, Document};
use crate::error::SourceError;
use crate::media_type::{OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST};

fn digest(fill: &str) -> String {
    format!("sha256:{}", fill.repeat(32))
}

fn entry(fill: &str, platform: &str) -> String {
    let platform = match platform.split_once('/') {
        None => String::new(),
        Some((os, architecture)) => {
            format!(r#","platform":{{"os":"{os}","architecture":"{architecture}"}}"#)
        }
    };
    format!(r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{}","size":2{platform}}}"#, digest(fill))
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
}

fn step(text: &str, wanted: Option<&str>) -> Result<Step, SourceError> {
    let wanted = wanted.map(|text| text.parse::<Platform>().expect("platform"));
    Resolver::new("app".to_owned(), wanted.as_ref(), &Limits::default()).step(text.as_bytes(), "")
}

fn chosen(text: &str, wanted: Option<&str>) -> String {
    match step(text, wanted) {
        Ok(Step::Descend(entry)) => entry.digest.hex()[..2].to_owned(),
        Ok(Step::Image(_)) => "image".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_entry_of_an_index_is_chosen_by_platform() {
    let host = Platform::host().to_string();
    let many = index(&[
        entry("00", "unknown/unknown"),
        entry("aa", "linux/s390x"),
        entry("bb", "windows/amd64"),
        entry("cc", &host),
    ]);
    assert_eq!(chosen(&many, None), "cc");
    assert_eq!(chosen(&many, Some("linux/s390x")), "aa");
    let refused = chosen(&many, Some("linux/mips64"));
    assert_eq!(
        refused,
        format!(
            "choose a platform of app: there is no linux/mips64; available: linux/s390x, \
             windows/amd64, {host}"
        )
    );
}

#[test]
fn a_single_entry_is_chosen_only_where_it_fits_or_has_no_platform() {
    assert_eq!(chosen(&index(&[entry("aa", "")]), None), "aa");
    let other = index(&[entry("aa", "linux/s390x"), entry("00", "unknown/unknown")]);
    assert!(chosen(&other, None).contains("available: linux/s390x"), "{}", chosen(&other, None));
    assert!(chosen(&index(&[]), None).contains("available: none"));
    let two = index(&[entry("aa", ""), entry("bb", "")]);
    assert!(chosen(&two, None).contains("(no platform)"));
}

#[test]
fn indexes_inside_one_another_end_at_depth_three() {
    let nested =
        index(&[format!(r#"{{"mediaType":"{OCI_INDEX}","digest":"{}","size":2}}"#, digest("aa"))]);
    let limits = Limits::default();
    let mut resolver = Resolver::new("app".to_owned(), None, &limits);
    for _ in 0..3 {
        assert!(matches!(resolver.step(nested.as_bytes(), ""), Ok(Step::Descend(_))));
    }
    let error = resolver.step(nested.as_bytes(), "").expect_err("too deep");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "index depth", .. }));
}

#[test]
fn documents_that_are_no_image_are_refused_with_the_reason() {
    let d = digest("aa");
    let helm = "application/vnd.cncf.helm.config.v1+json";
    let config = |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"{d}","size":2}}"#);
    let table = [
        (r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(), "schema 1"),
        (
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}"#
                .to_owned(),
            "schema 1",
        ),
        ("{}".to_owned(), "neither a manifest nor an index"),
        ("[".to_owned(), "parse the manifest of app"),
        (format!(r#"{{"manifests":[],"config":{}}}"#, config(OCI_CONFIG)), "both"),
        (
            format!(r#"{{"mediaType":"{OCI_INDEX}","config":{}}}"#, config(OCI_CONFIG)),
            "does not fit",
        ),
        (format!(r#"{{"config":{}}}"#, config(helm)), "not a container image"),
        (
            r#"{"config":{"mediaType":"a","digest":"../../etc/passwd","size":2}}"#.to_owned(),
            "is not a digest",
        ),
        (format!(r#"{{"config":{{"digest":"{d}","size":-1}}}}"#), "invalid value"),
    ];
    for (text, expect) in table {
        let got = step(&text, None).expect_err(&text).to_string();
        assert!(got.contains(expect), "{text}: {got}");
    }
}

#[test]
fn more_layers_than_the_limit_are_refused() {
    let d = digest("aa");
    let layer = format!(r#"{{"mediaType":"{OCI_LAYER_GZIP}","digest":"{d}","size":2}}"#);
    let text = format!(
        r#"{{"config":{{"mediaType":"{OCI_CONFIG}","digest":"{d}","size":2}},"layers":[{}]}}"#,
        vec![layer; 1001].join(",")
    );
    let error = step(&text, None).expect_err("too many");
    assert_eq!(
        error.to_string(),
        "read app: it is over the limit layers of 1000 (to raise it: --limit layers=…)"
    );
}

#[test]
fn a_manifest_and_its_configuration_become_an_image() {
    let (a, b) = (digest("aa"), digest("bb"));
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{OCI_CONFIG}","digest":"{a}","size":2}},
        "layers":[{{"mediaType":"{OCI_LAYER_GZIP}","digest":"{b}","size":7}},
        {{"mediaType":"application/vnd.example.layer","digest":"{b}",
        "size":9,"urls":["https://example.org/"]}}]}}"#
    );
    let limits = Limits::default();
    let wanted: Platform = "linux/arm64".parse().expect("platform");
    let mut resolver = Resolver::new("app".to_owned(), Some(&wanted), &limits);
    let Ok(Step::Image(parsed)) = resolver.step(manifest.as_bytes(), OCI_MANIFEST) else {
        panic!("a manifest");
    };
    let config = |architecture: &str| {
        format!(
            r#"{{"os":"linux","architecture":"{architecture}","variant":"v8",
            "created":"1970-01-01T00:00:01Z","rootfs":{{"diff_ids":["{a}","{b}"]}}}}"#
        )
    };
    let manifest_digest: Digest = digest("cc").parse().expect("digest");
    let image = resolver
        .finish(&parsed, manifest_digest.clone(), config("arm64").as_bytes())
        .expect("an image");
    assert_eq!(image.platform.to_string(), "linux/arm64/v8");
    assert_eq!(image.created_ms, Some(1000));
    assert_eq!(image.size_bytes(), 16);
    let packed: Vec<bool> = image.layers.iter().map(|l| l.compression.is_some()).collect();
    assert_eq!(packed, [true, false]);
    assert_eq!((image.layers[0].urls.len(), image.layers[1].urls.len()), (0, 1));
    let refused = resolver.finish(&parsed, manifest_digest, config("amd64").as_bytes());
    assert!(matches!(refused, Err(SourceError::PlatformNotFound { .. })));
}

#[test]
fn a_configuration_must_have_a_platform_and_one_diff_id_for_each_layer() {
    let parse = |text: &str, layers| {
        ConfigParts::parse("app", text.as_bytes(), layers)
            .map(|parts| format!("{} {:?}", parts.platform, parts.created_ms))
            .unwrap_or_else(|error| error.to_string())
    };
    let plain = r#"{"os":"linux","architecture":"amd64","created":"0001-01-01T00:00:00Z"}"#;
    assert_eq!(parse(plain, 0), "linux/amd64 None");
    assert!(parse(plain, 2).contains("it lists 0 layers, the manifest 2"));
    assert!(parse("{}", 0).contains("names no os"));
}

fn entries(text: &str) -> Vec<Descriptor> {
    match Document::parse("index", text.as_bytes(), "").expect("an index") {
        Document::Index(entries) => entries,
        Document::Manifest(_) => panic!("a manifest"),
    }
}

/// Walks all platforms, with the same answer for every document that is asked for.
fn all_platforms(root: &str, answer: &str) -> Result<Vec<String>, SourceError> {
    let mut walk = PlatformWalk::new("app".to_owned(), entries(root));
    while let Some((entry, depth)) = walk.next() {
        walk.take(entry, depth, answer.as_bytes())?;
    }
    Ok(walk.finish()?.iter().map(|entry| entry.digest.hex()[..2].to_owned()).collect())
}

#[test]
fn all_platforms_are_found_in_order_and_attestations_are_not() {
    let nested = entry("ee", "").replace(OCI_MANIFEST, OCI_INDEX);
    let root = index(&[
        entry("aa", "linux/amd64"),
        entry("00", "unknown/unknown"),
        nested,
        entry("bb", "linux/arm64"),
        entry("aa", "linux/amd64"),
    ]);
    let inner = index(&[entry("cc", "linux/s390x"), entry("11", "unknown/unknown")]);
    assert_eq!(all_platforms(&root, &inner).expect("images"), ["aa", "cc", "bb"]);
}

#[test]
fn an_index_without_an_image_has_no_platforms() {
    let root = index(&[entry("00", "unknown/unknown")]);
    let error = all_platforms(&root, "").expect_err("nothing").to_string();
    assert_eq!(error, "parse app: it holds no image");
}

#[test]
fn indexes_that_hold_themselves_end() {
    let endless = index(&[entry("ee", "").replace(OCI_MANIFEST, OCI_INDEX)]);
    let error = all_platforms(&endless, &endless).expect_err("too deep");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "index depth", .. }), "{error}");
    let many: Vec<String> = (0..600).map(|_| entry("ee", "linux/amd64")).collect();
    let wide = index(&[index_entry(), index_entry()]);
    let error = all_platforms(&wide, &index(&many)).expect_err("too many");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "images of an index", .. }));
}

fn index_entry() -> String {
    entry("ff", "").replace(OCI_MANIFEST, OCI_INDEX)
}
