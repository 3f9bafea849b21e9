use proptest::prelude::{any, prop, proptest};
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
    assert_eq!(testing.release().as_str(), "debian:13");
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

fn release(path: &str, content: &str) -> Option<String> {
    Some(distribution(path, content.as_bytes())?.release().to_string())
}

#[test]
fn the_files_from_before_os_release_name_the_release() {
    for (path, content, expected) in [
        ("etc/redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)", "rhel:6"),
        ("etc/redhat-release", "Red Hat Enterprise Linux release 9.4 (Plow)\n", "rhel:9"),
        ("etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n", "rhel:7"),
        ("etc/redhat-release", "CentOS release 6.10 (Final)\n", "rhel:6"),
        ("etc/centos-release", "CentOS Stream release 9\n", "centos-stream:9"),
        ("etc/almalinux-release", "AlmaLinux release 9.3 (Shamrock Pampas Cat)\n", "almalinux:9"),
        ("etc/rocky-release", "Rocky Linux release 8.9 (Green Obsidian)\n", "rocky:8"),
        ("etc/oracle-release", "Oracle Linux Server release 7.9\n", "ol:7"),
        ("etc/fedora-release", "Fedora release 40 (Forty)\n", "fedora:40"),
        ("etc/system-release", "Amazon Linux AMI release 2018.03\n", "amzn:1"),
        ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn:2"),
        (
            "etc/system-release",
            "Amazon Linux release 2023.6.20241010 (Amazon Linux)\n",
            "amzn:2023",
        ),
        ("etc/alinux-release", "Alibaba Cloud Linux release 3 (Soaring Falcon) \n", "alinux:3"),
        ("etc/redhat-release", "Aliyun Linux release 2.1903 LTS (Hunting Beagle)\n", "alinux:2"),
        ("etc/anolis-release", "Anolis OS release 8.8\n", "anolis:8"),
        ("etc/openEuler-release", "openEuler release 22.03 (LTS-SP3)\n", "openeuler:22.03-lts-sp3"),
        ("etc/openEuler-release", "openEuler release 24.03 (LTS)\n", "openeuler:24.03-lts"),
        (
            "etc/mariner-release",
            "CBL-Mariner 2.0.20240609\nMARINER_BUILD_NUMBER=f3\n",
            "azurelinux:2",
        ),
        ("etc/azurelinux-release", "Azure Linux 3.0\n", "azurelinux:3"),
        ("etc/photon-release", "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=1\n", "photon:4.0"),
        (
            "etc/SuSE-release",
            "SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 5\n",
            "sles:12.5",
        ),
        (
            "etc/SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 0\n",
            "sles:11",
        ),
        ("etc/gentoo-release", "Gentoo Base System release 2.14\n", "gentoo"),
        ("etc/arch-release", "", "arch"),
        (
            "etc/lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n",
            "ubuntu:22.04",
        ),
        (
            "etc/openwrt_release",
            "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='23.05.3'\n",
            "openwrt:23.05.3",
        ),
        ("etc/redhat-release", "Some Unheard-of Linux release 7 (x)\n", "some-unheardof-linux:7"),
    ] {
        assert_eq!(release(path, content).as_deref(), Some(expected), "{path}: {content}");
    }
    for (path, content) in [
        ("etc/redhat-release", "\n"),
        ("etc/lsb-release", "A=b\n"),
        ("etc/system-release", "7 8\n"),
    ] {
        assert_eq!(release(path, content), None, "{path}");
    }
}

#[test]
fn a_derivative_says_which_release_it_is_made_from() {
    let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"21.3\"\n\
        UBUNTU_CODENAME=jammy\nVERSION_CODENAME=virginia\n";
    assert_eq!(release("etc/os-release", mint).as_deref(), Some("ubuntu:22.04"));
    let lmde = "ID=linuxmint\nVERSION_ID=\"6\"\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm\n";
    assert_eq!(release("etc/os-release", lmde).as_deref(), Some("debian:12"));
}

#[test]
fn a_file_that_derivatives_copy_is_believed_last() {
    let rank = super::preference;
    assert!(rank("etc/os-release") < rank("usr/lib/os-release"));
    assert!(rank("etc/oracle-release") < rank("etc/redhat-release"));
    assert!(rank("etc/lsb-release") < rank("etc/debian_version"));
    assert!(rank("etc/debian_version") < rank("etc/unknown"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (path, _) in super::FILES {
            let _ = distribution(path, &bytes);
        }
    }
}
