use super::{read, show};

fn updates(all: &str) -> String {
    format!("<?xml version=\"1.0\" ?>\n<updates>{all}</updates>")
}

fn update(id: &str, kind: &str, cve: &str, collection: &str) -> String {
    format!(
        "<update type='{kind}' status='final'><id>{id}</id><title>t</title>\
         <issued date='2022-06-06 17:58'/><updated date='2022-11-17 19:23:01'/>\
         <severity>important</severity><references>{cve}</references>\
         <pkglist><collection short='c'><name>C</name>{collection}</collection></pkglist></update>"
    )
}

const CVE: &str = "<reference id='CVE-2022-1001' type='cve'/>";

fn package(name: &str, epoch: &str, version: &str, release: &str, arch: &str) -> String {
    format!(
        "<package name='{name}' epoch='{epoch}' version='{version}' release='{release}' \
         arch='{arch}'><filename>f</filename></package>"
    )
}

#[test]
fn amazons_extra_repositories_speak_of_their_own_line() {
    let packages = [
        package("kernel", "0", "5.15.43", "20.123.amzn2", "x86_64"),
        package("kernel", "0", "5.15.43", "20.123.amzn2", "aarch64"),
        package("kernel-tools", "1", "5.15.43", "20.123.amzn2", "x86_64"),
        package("bpftool", "0", "7.1", "20.123.amzn2", "x86_64"),
        package("kernel-debuginfo", "0", "5.15.43", "20.123.amzn2", "x86_64"),
        package("kernel", "0", "5.15.43", "20.123.amzn2", "src"),
    ];
    let extra = update("ALAS2KERNEL-5.15-2022-001", "security", CVE, &packages.concat());
    let core = package("httpd", "0", "2.4.57", "1.amzn2", "x86_64");
    let core = update("ALAS2-2018-939", "security", CVE, &core);
    let harvest = read("updateinfo.xml", &updates(&[extra, core].concat())).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    amazon "c" ALAS2KERNEL-5.15-2022-001 [] upstream ["CVE-2022-1001"] []
      rpm amzn:2 bpftool: [">=0 <7.1-20.123.amzn2"] [] [] Some("important") Open Binary
      rpm amzn:2 kernel: [">=5.15 <5.15.43-20.123.amzn2"] [] [] Some("important") Open Binary
      rpm amzn:2 kernel-tools: [">=1:5.15 <1:5.15.43-20.123.amzn2"] [] [] Some("important") Open Binary
    amazon "c" ALAS2-2018-939 [] upstream ["CVE-2022-1001"] []
      rpm amzn:2 httpd: [">=0 <2.4.57-1.amzn2"] [] [] Some("important") Open Binary
    "#);
    let dates: Vec<_> = harvest.records.iter().map(|r| r.advisory.modified_ms).collect();
    assert_eq!(dates, [Some(1_668_712_981_000); 2]);
}

#[test]
fn modules_and_several_architectures_are_kept() {
    let module = "<module name='nodejs' stream='18' version='1' context='a' arch='x86_64'/>";
    let packages = [
        module.to_owned(),
        package("npm", "1", "9.6", "1.module_el9.3.0+1+a", "x86_64"),
        package("only", "0", "1", "1.el9", "x86_64"),
        package("only", "0", "1", "2.el9", "aarch64"),
        package("untagged", "0", "1", "2", "aarch64"),
    ];
    let text = updates(&update("ALSA-2023:1", "security", CVE, &packages.concat()));
    insta::assert_snapshot!(show(&read("updateinfo.xml", &text).unwrap()), @r#"
    almalinux-updateinfo "c" ALSA-2023:1 [] upstream ["CVE-2022-1001"] []
      rpm almalinux:9 npm: [">=0 <1:9.6-1.module_el9.3.0+1+a"] [] [] Some("important") Open Binary modules ["nodejs:18"]
      rpm almalinux:9 only: [">=0 <1-1.el9"] [] [] Some("important") Open Binary for ["noarch", "x86_64"]
      rpm almalinux:9 only: [">=0 <1-2.el9"] [] [] Some("important") Open Binary for ["aarch64", "noarch"]
    skipped "almalinux-updateinfo" NoRelease 1
    "#);
}

#[test]
fn updates_that_mend_no_vulnerability_are_counted() {
    let npm = package("npm", "1", "9.6", "1.fc38", "x86_64");
    let bug = "<reference id='1' type='bugzilla' title='CVE-2024-24989 nginx: [fedora-all]'/>";
    let all = [
        update("FEDORA-2024-1", "bugfix", "", &npm),
        update("FEDORA-2024-2", "security", bug, &npm),
        update("FEDORA-2024-3", "security", bug, ""),
        update("SUSE-2024-3", "security", bug, &npm),
        update("", "security", bug, &npm),
    ];
    let text = updates(&all.concat());
    insta::assert_snapshot!(show(&read("updateinfo.xml", &text).unwrap()), @r#"
    fedora "c" FEDORA-2024-2 [] upstream ["CVE-2024-24989"] []
      rpm fedora:38 npm: [">=0 <1:9.6-1.fc38"] [] [] Some("important") Open Binary
    skipped "" UnknownVendor 1
    skipped "fedora" NotSecurity 1
    skipped "fedora" CannotMatch 1
    refused updateinfo.xml: an update has no id, or one that is too long
    "#);
}

#[test]
fn an_update_of_too_many_packages_is_refused_alone() {
    let one = package("a", "0", "1", "1.amzn2", "x86_64");
    let many = update("ALAS2-2018-1", "security", CVE, &one.repeat(200_001));
    let all = [many, update("ALAS2-2018-2", "security", CVE, &one)];
    let harvest = read("updateinfo.xml", &updates(&all.concat())).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    amazon "c" ALAS2-2018-2 [] upstream ["CVE-2022-1001"] []
      rpm amzn:2 a: [">=0 <1-1.amzn2"] [] [] Some("important") Open Binary
    refused updateinfo.xml, ALAS2-2018-1: it has more packages than an update may have
    "#);
}
