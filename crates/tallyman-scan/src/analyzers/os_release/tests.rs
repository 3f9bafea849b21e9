use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::{analyze, unquote};

fn distribution(path: &str, content: &[u8]) -> Option<Distribution> {
    match analyze(path, content, &Limits::default()).ok()?.pop() {
        Some(Evidence::Distribution(distribution)) => Some(distribution),
        _ => None,
    }
}

#[test]
fn debian_and_ubuntu_are_read_with_their_quotes() {
    let debian = b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n\
        # a comment\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL='https://www.debian.org/'\n";
    let expected = Distribution {
        id: "debian".to_owned(),
        version_id: Some("12".to_owned()),
        codename: Some("bookworm".to_owned()),
        pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        id_like: Vec::new(),
    };
    assert_eq!(distribution("etc/os-release", debian), Some(expected));
    let like = b"ID='Rocky'\r\nID_LIKE=\"rhel centos  fedora\"\r\nVERSION_ID=\r\n";
    let rocky = distribution("usr/lib/os-release", like).expect("a distribution");
    assert_eq!((rocky.id.as_str(), rocky.version_id), ("rocky", None));
    assert_eq!(rocky.id_like, ["rhel", "centos", "fedora"]);
}

#[test]
fn a_file_without_an_id_is_linux_and_one_without_anything_is_bad() {
    let found = distribution("etc/os-release", b"NAME=x\n").expect("a distribution");
    assert_eq!(found.id, "linux");
    assert_eq!(distribution("etc/os-release", b"\n# nothing\nno assignment\n"), None);
    assert_eq!(distribution("etc/alpine-release", b"\n"), None);
}

#[test]
fn the_old_files_give_a_version_or_a_codename() {
    let alpine = distribution("etc/alpine-release", b"3.20.3\n").expect("a distribution");
    assert_eq!(alpine.release().as_str(), "alpine:3.20");
    let debian = distribution("etc/debian_version", b"12.5\n").expect("a distribution");
    assert_eq!(debian.release().as_str(), "debian:12");
    let testing = distribution("etc/debian_version", b"trixie/sid\n").expect("a distribution");
    assert_eq!(testing.release().as_str(), "debian:trixie");
}

#[test]
fn quotes_and_escapes_follow_os_release_5() {
    for (value, expected) in [
        ("plain", "plain"),
        ("\"a b\"", "a b"),
        ("'a \"b\" \\$'", "a \"b\" \\$"),
        (r#""\"\$\`\\\n""#, "\"$`\\\\n"),
        ("\"open", "open"),
        ("\"end\\", "end\\"),
        ("'", ""),
    ] {
        assert_eq!(unquote(value), expected, "{value}");
    }
}
