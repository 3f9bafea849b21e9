use super::{read, show};

/// A file of one definition, with what it refers to.
fn definitions(definition: &str, tests: &[(&str, &str, &str)]) -> String {
    let (mut all, mut objects, mut states) = (String::new(), String::new(), String::new());
    for (i, (id, name, state)) in tests.iter().enumerate() {
        all += &format!(
            "<red:rpminfo_test id='{id}'><red:object object_ref='o{i}'/>\
             <red:state state_ref='s{i}'/></red:rpminfo_test>"
        );
        objects += &format!("<rpminfo_object id='o{i}'><name>{name}</name></rpminfo_object>");
        states += &format!("<rpminfo_state id='s{i}'>{state}</rpminfo_state>");
    }
    format!(
        "<?xml version=\"1.0\"?>\n<!-- made -->\n<oval_definitions xmlns:red='x'><generator/>\
         <definitions>{definition}</definitions><tests>{all}<textfilecontent54_test id='x'/></tests>\
         <objects>{objects}</objects><states>{states}</states></oval_definitions>"
    )
}

fn less(evr: &str) -> String {
    format!("<evr datatype='evr_string' operation='less than'>{evr}</evr>")
}

#[test]
fn oracle_keeps_architectures_modules_and_vulnerabilities_apart() {
    let definition = r#"
      <definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata>
        <title>ELSA-2024-1: npm</title>
        <affected family="unix"><platform>Oracle Linux 8</platform></affected>
        <reference source="elsa" ref_id="ELSA-2024-1"/><reference source="CVE" ref_id="CVE-2024-1001"/>
        <advisory><severity>MODERATE</severity><issued date="2024-06-26"/>
          <cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H">CVE-2024-1001</cve>
          <cve>CVE-2024-1002</cve></advisory></metadata>
        <criteria operator="AND">
          <criterion test_ref="p" comment="Oracle Linux 8 is installed"/>
          <criterion test_ref="m" comment="Module nodejs:16 is enabled"/>
          <criteria operator="OR">
            <criteria operator="AND">
              <criterion test_ref="a1" comment="Oracle Linux arch is x86_64"/>
              <criteria operator="OR"><criteria operator="AND">
                <criterion test_ref="t1" comment="npm is earlier than 1:8-1"/>
                <criterion test_ref="k" comment="npm is signed with the Oracle Linux 8 key"/>
              </criteria></criteria>
            </criteria>
            <criteria operator="AND">
              <criterion test_ref="a2" comment="Oracle Linux arch is aarch64"/>
              <criterion test_ref="t2" comment="npm is earlier than 1:8-2"/>
              <criterion test_ref="unknown" comment="what is this"/>
            </criteria>
          </criteria>
        </criteria></definition>"#;
    let (one, two) = (less("1:8-1.module+el8"), less("1:8-2.module+el8"));
    let tests = [
        ("t1", "npm", one.as_str()),
        ("t2", "npm", &two),
        ("k", "npm", "<signature_keyid operation='equals'>1</signature_keyid>"),
    ];
    let harvest = read("oracle.xml", &definitions(definition, &tests)).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    oracle-oval "CVE-2024-1001" ELSA-2024-1 [] upstream ["CVE-2024-1001"] ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"]
      rpm ol:8 npm: [">=0 <1:8-1.module+el8"] [] [] Some("MODERATE") Open Binary modules ["nodejs:16"] for ["noarch", "x86_64"]
      rpm ol:8 npm: [">=0 <1:8-2.module+el8"] [] [] Some("MODERATE") Open Binary modules ["nodejs:16"] for ["aarch64", "noarch"]
    oracle-oval "CVE-2024-1002" ELSA-2024-1 [] upstream ["CVE-2024-1002"] []
      rpm ol:8 npm: [">=0 <1:8-1.module+el8"] [] [] Some("MODERATE") Open Binary modules ["nodejs:16"] for ["noarch", "x86_64"]
      rpm ol:8 npm: [">=0 <1:8-2.module+el8"] [] [] Some("MODERATE") Open Binary modules ["nodejs:16"] for ["aarch64", "noarch"]
    skipped "oracle-oval" UnknownTest 1
    "#);
}

#[test]
fn suse_names_several_products_and_says_what_is_not_affected() {
    let definition = r#"
      <definition id="oval:org.opensuse.security:def:20240001" class="vulnerability"><metadata>
        <title>CVE-2024-1001</title>
        <reference ref_id="Mitre CVE-2024-1001" source="CVE"/>
        <reference ref_id="SUSE-SU-2024:1" source="SUSE-SU"/>
        <advisory><severity>Low</severity></advisory></metadata>
        <criteria operator="OR">
          <criteria operator="AND">
            <criteria operator="OR">
              <criterion test_ref="p1" comment="SUSE Linux Enterprise Server 15 SP4 is installed"/>
              <criterion test_ref="p2" comment="SUSE Linux Enterprise Desktop 15 SP5 is installed"/>
              <criterion test_ref="p3" comment="SUSE CaaS Platform 4.0 is installed"/>
            </criteria>
            <criteria operator="OR">
              <criterion test_ref="t1" comment="tar-1.34-2.2 is installed"/>
              <criterion test_ref="t2" comment="tar-lang-1.34-2.2 is installed"/>
            </criteria>
          </criteria>
          <criteria operator="AND">
            <criterion test_ref="p4" comment="openSUSE Tumbleweed is installed"/>
            <criteria operator="OR">
              <criterion test_ref="n" comment="tar is not affected"/>
              <criterion test_ref="n" comment="tar-rmt is affected"/>
            </criteria>
          </criteria>
        </criteria></definition>"#;
    let arch =
        format!("<arch operation='pattern match'>(aarch64|x86_64)</arch>{}", less("0:1.34-2.2"));
    let tests = [("t1", "tar", arch.as_str()), ("t2", "tar-lang", &less("0:1.34-2.2"))];
    let harvest = read("suse.xml", &definitions(definition, &tests)).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    suse-oval "sles:15" CVE-2024-1001 [] []
      rpm opensuse-tumbleweed tar: [">=0"] [] [] Some("Low") NotAffected Binary
      rpm opensuse-tumbleweed tar-rmt: [">=0"] [] [] Some("Low") Open Binary
      rpm sles:15.4 tar: [">=0 <1.34-2.2"] [] [] Some("Low") Open Binary
      rpm sles:15.4 tar-lang: [">=0 <1.34-2.2"] [] [] Some("Low") Open Binary
      rpm sles:15.5 tar: [">=0 <1.34-2.2"] [] [] Some("Low") Open Binary
      rpm sles:15.5 tar-lang: [">=0 <1.34-2.2"] [] [] Some("Low") Open Binary
    "#);
}

#[test]
fn azure_linux_tells_its_release_by_the_versions() {
    let definition = r#"
      <definition id="oval:com.microsoft.cbl-mariner:def:7" class="vulnerability"><metadata>
        <title>t</title><affected><platform>CBL-Mariner</platform></affected>
        <reference ref_id="CVE-2024-1001" source="CVE"/><advisory_date>2024-07-23T22:05:39Z</advisory_date>
        <severity>High</severity></metadata>
        <criteria operator="AND"><criterion comment="Package a is earlier" test_ref="t1"/></criteria>
      </definition>
      <definition id="oval:com.microsoft.azurelinux:def:8" class="vulnerability"><metadata>
        <reference ref_id="CVE-2024-1001" source="CVE"/>
        <affected><platform>Azure Linux</platform></affected></metadata>
        <criteria operator="AND"><criterion comment="Package b is earlier" test_ref="t2"/></criteria>
      </definition>
      <definition id="oval:com.microsoft.azurelinux:def:9" class="vulnerability"><metadata>
        <reference ref_id="CVE-2024-1002" source="CVE"/><patchable>Not Applicable</patchable>
        <affected><platform>Azure Linux</platform></affected></metadata>
        <criteria operator="AND"><criterion comment="Package b is earlier" test_ref="t2"/></criteria>
      </definition>"#;
    let last = "<evr operation='less than or equal'>0:6.04-9.cm1</evr>";
    let tests = [("t1", "a", last), ("t2", "b", &less("0:2.6.7-3.azl3"))];
    let harvest = read("azure.xml", &definitions(definition, &tests)).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    azurelinux-oval "oval:com.microsoft.cbl-mariner:def:7" CVE-2024-1001 [] []
      rpm azurelinux:1 a: [">=0 <=6.04-9.cm1"] [] [] Some("High") Open Source
    azurelinux-oval "oval:com.microsoft.azurelinux:def:8" CVE-2024-1001 [] []
      rpm azurelinux:3 b: [">=0 <2.6.7-3.azl3"] [] [] None Open Source
    skipped "azurelinux-oval" CannotMatch 1
    "#);
}

#[test]
fn versions_of_alibaba_cloud_linux_are_repaired() {
    let definition = r#"
      <definition id="oval:com.aliyun:def:20260003" class="patch"><metadata>
        <reference ref_id="ALINUX3-SA-2026:0003" source="ALINUX3-SA"/>
        <affected><platform>Alibaba Cloud Linux 3</platform></affected>
        <advisory><severity>Important</severity><issued date="2026-05-29"/><cve>CVE-2026-1001</cve>
        </advisory></metadata>
        <criteria operator="AND">
          <criterion comment="Alibaba Cloud Linux 3.2104 is installed" test_ref="oval:com.aliyun:tst:1"/>
          <criteria operator="OR">
            <criterion comment="kernel:5.10 is earlier than 0:5.10-1.al8" test_ref="t1"/>
            <criterion comment="bind-utils is earlier than 32:utils-9.18-1.al8" test_ref="t2"/>
          </criteria>
        </criteria></definition>"#;
    let tests = [
        ("t1", "kernel:5.10", &*less("0:5.10.1-1.al8")),
        ("t2", "bind-utils", &less("32:utils-9.18-1.al8")),
    ];
    let harvest = read("alinux.xml", &definitions(definition, &tests)).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    alibaba-oval "" ALINUX3-SA-2026:0003 [] upstream ["CVE-2026-1001"] []
      rpm alinux:3 bind-utils: [">=0 <32:9.18-1.al8"] [] [] Some("Important") Open Binary
      rpm alinux:3 kernel: [">=0 <5.10.1-1.al8"] [] [] Some("Important") Open Binary
    "#);
}

#[test]
fn definitions_that_name_no_vulnerability_or_vendor_are_counted() {
    let definition = r#"<definition id="oval:com.example:def:1"/><definition/>
        <definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata>
        <reference source="elsa" ref_id="ELBA-1"/></metadata></definition>"#;
    let harvest = read("other.xml", &definitions(definition, &[])).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    skipped "" UnknownVendor 2
    skipped "oracle-oval" NotSecurity 1
    "#);
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let text = definitions("<definition id='oval:com.oracle.elsa:def:1'/>", &[]);
    let error = read("a.xml", text.get(..text.len() - 30).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "malformed XML");
    let error = read("a.xml", text.strip_suffix("</oval_definitions>").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "it ends before its last element does");
}

#[test]
fn a_definition_of_too_many_packages_is_refused_alone() {
    let one = "<criterion test_ref='t1' comment='a is earlier'/>";
    let definition = |id: &str, criteria: &str| {
        format!(
            "<definition id='oval:com.oracle.elsa:def:{id}' class='patch'><metadata>\
             <reference source='elsa' ref_id='ELSA-{id}'/>\
             <reference source='CVE' ref_id='CVE-2024-1001'/></metadata>\
             <criteria operator='AND'>\
             <criterion test_ref='p' comment='Oracle Linux 8 is installed'/>\
             <criteria operator='OR'>{criteria}</criteria></criteria></definition>"
        )
    };
    let both = definition("1", &one.repeat(500_001)) + &definition("2", one);
    let harvest = read("a.xml", &definitions(&both, &[("t1", "a", &less("1-1"))])).unwrap();
    insta::assert_snapshot!(show(&harvest), @r#"
    oracle-oval "" ELSA-2 [] upstream ["CVE-2024-1001"] []
      rpm ol:8 a: [">=0 <1-1"] [] [] None Open Binary
    refused a.xml, oval:com.oracle.elsa:def:1: it has more statements than a definition may have
    "#);
}
