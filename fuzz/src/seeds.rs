//! What fuzzing begins with: for each target a few inputs that its parser takes, all made here.

mod files;
#[path = "../../crates/tallyman-scan/src/analyzers/rpm/tests/builders.rs"]
#[expect(dead_code, reason = "the tests of the analyzer need more of it")]
mod rpm;

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::images::crc32;
use files::FILES;

/// Returns the inputs for one target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target.strip_prefix("analyzer-") {
        Some(id) => of_analyzer(id),
        None => of_format(target),
    }
}

/// A path and the content below it, as the targets of analyzers take them.
fn file(path: &str, content: &[u8]) -> Vec<u8> {
    [path.as_bytes(), b"\n", content].concat()
}

fn of_analyzer(id: &str) -> Vec<Vec<u8>> {
    let texts = FILES.iter().filter(|(analyzer, ..)| *analyzer == id);
    let mut seeds: Vec<_> =
        texts.map(|(_, path, content)| file(path, content.as_bytes())).collect();
    let deps = FILES.iter().find(|(analyzer, ..)| *analyzer == "dotnet").map(|file| file.2);
    let deps = deps.unwrap_or_default().as_bytes();
    match id {
        "rpm" => {
            let blobs = rpm_headers();
            seeds.push(file("var/lib/rpm/rpmdb.sqlite", &rpm::sqlite(&blobs)));
            seeds.push(file("var/lib/rpm/Packages.db", &rpm::ndb(&blobs)));
            for is_big_endian in [false, true] {
                let database = rpm::berkeley(&blobs, is_big_endian);
                seeds.push(file("var/lib/rpm/Packages", &database));
            }
        }
        "rpm-journal" => {
            let journal = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\0\0\0\x01";
            seeds.push(file("var/lib/rpm/rpmdb.sqlite-journal", journal));
            seeds.push(file("var/lib/rpm/rpmdb.sqlite-wal", &write_ahead_log()));
        }
        "go" => seeds.push(file("usr/bin/app", &elf(".go.buildinfo", &go_build_info()))),
        "cargo" => {
            let list = br#"{"packages":[{"name":"one","version":"1.0.0","source":"crates.io","kind":"runtime","dependencies":[1]},{"name":"app","version":"0.1.0","source":"local","root":true}]}"#;
            seeds.push(file("usr/bin/app", &elf(".dep-v0", &zlib(list))));
        }
        "dotnet-bundle" => {
            let mark: Vec<u8> = sha256_of_mark();
            let program = [b"\x7fELF".as_slice(), &[0; 96], &mark, &[0; 64], deps, b"\0"].concat();
            seeds.push(file("app/shop", &program));
        }
        "binaries" => {
            for (path, text) in [
                ("usr/local/bin/node", "\0node v20.11.1\0v20.11.1\0"),
                ("usr/bin/busybox", "\0BusyBox v1.36.1 (2024-01-01 00:00:00 UTC)\0"),
                ("usr/sbin/nginx", "\0nginx version: nginx/1.25.3\0nginx/1.25.3\0"),
                ("usr/lib/libssl.so.3", "\0OpenSSL 3.0.11 19 Sep 2023\0"),
                ("usr/bin/python3.11", "\x003.11.2\0"),
                ("opt/jdk/bin/java", "\0openjdk\0java\x0017.0.2+8\x0017\0"),
            ] {
                seeds.push(file(path, &elf(".rodata", text.as_bytes())));
            }
        }
        "java" => seeds.push(file("app/lib/one-1.0.jar", &jar())),
        "eicar" => seeds.push(file("home/x", &[b'X'; 68])),
        _ => {}
    }
    seeds
}

fn of_format(target: &str) -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    match target {
        "layer" => vec![gzip(&tar_of_files()), tar_of_files()],
        "tar" | "squash" => vec![tar_of_files(), layers()],
        "toc-estargz" | "toc-zstd-chunked" => vec![text(TABLE)],
        "image-archive" => vec![docker_archive()],
        "containerd-database" => vec![containerd_database()],
        "tar-split" => vec![gzip(TAR_SPLIT.as_bytes())],
        "feed" => {
            let feeds = [OSV, SECDB, TRACKER, NODE].map(text);
            feeds.into_iter().chain([zip(&[("a.json", OSV.as_bytes())])]).collect()
        }
        "feed-tar" => {
            vec![tar(&[(b'0', "a/1.json", "", OSV.as_bytes()), (b'0', "2.json", "", NODE.as_bytes())])]
        }
        "feed-csaf" => vec![text(CSAF)],
        "feed-oval" => vec![text(OVAL)],
        "feed-updateinfo" => vec![text(UPDATEINFO)],
        "feed-kev" => vec![text(KEV)],
        "feed-epss" => vec![text(EPSS), text(EPSS_EXCERPT)],
        "feed-cve" => vec![text(CVE), text(CVE_REJECTED)],
        "carried-bundle" => vec![text(concat!(
            "tallyman-bundle-2\n",
            r#"{"base":{"revision":"a","content":"b"},"state":{"revision":"a","content":"b"},"created_ms":1,"#,
            r#""feeds":[{"info":{"name":"osv/npm","attribution":"x","advisories":1,"affected":1},"#,
            r#""records":1,"removed":0}],"payload_bytes":1,"payload_sha256":"c"}"#,
            "\n[]\n",
            r#"{"advisory":{"id":"A-1","affected":[{"ecosystem":"npm","name":"a","versions":["1"]}]}}"#,
            "\n",
        ))],
        "exported-feeds" => vec![text("{\"format\":\"tallyman-advisories-1\",\"feeds\":[]}\n")],
        "reference" => [
            "registry.example.com:5000/a/b:1.0@sha256:",
            "debian",
            "linux/arm/v7",
            "oci:/x:1",
            "docker-archive:/x.tar",
            "docker://x",
        ]
        .map(text)
        .to_vec(),
        "document" => [MANIFEST, INDEX, CONFIG].map(text).to_vec(),
        "registry-answer" => [
            r#"Bearer realm="https://auth.example.com/token",service="r",scope="repository:a:pull""#,
            "Basic realm=\"x\", Negotiate abc==",
            r#"{"token":"abc","expires_in":300,"issued_at":"2024-01-01T00:00:00Z"}"#,
        ]
        .map(text)
        .to_vec(),
        "credentials" => {
            vec![text(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}},"credHelpers":{}}"#)]
        }
        "package-url" => [
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=debian-12#a/b",
            "pkg:npm/%40a/b@1.0",
            "pkg:golang/example.com/a@v1#c",
        ]
        .map(text)
        .to_vec(),
        "version" => ["1.0\n1.0.1\n2.0-rc1", "1:2.3~a-4+b\n1:2.3-4\n2", "1.0.0-alpha.1\nv1\n1!2.0.dev3"]
            .map(text)
            .to_vec(),
        "sbom" => [CYCLONEDX, SPDX, SPDX_TEXT].map(text).to_vec(),
        "attestation" => vec![attestation()],
        "vex" => [OPENVEX, CSAF_VEX, CYCLONEDX_VEX].map(text).to_vec(),
        "ignore-file" => vec![text(RULES)],
        _ => Vec::new(),
    }
}

const OSV: &str = r#"{"id":"OSV-1","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1"],"affected":[{"package":{"ecosystem":"Debian:12","name":"one"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2-3"}]}],"versions":["1.0"]}],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#;
const SECDB: &str = r#"{"distroversion":"v3.20","reponame":"main","urlprefix":"x","packages":[{"pkg":{"name":"one","secfixes":{"1.2-r3":["CVE-2024-1 GHSA-x"],"0":["CVE-2024-2"]}}}]}"#;
const TRACKER: &str = "CVE-2024-1 (One is ...)\n\t- one 1.2-3 (bug #1; high)\n\t[bookworm] - one <no-dsa> (Minor)\n\tNOTE: x\n";
const NODE: &str = r#"{"id":1,"title":"x","module_name":"one","cves":["CVE-2024-1"],"vulnerable_versions":"<1.0.0 || >=2.0.0 <2.1","patched_versions":">=1.0.0","overview":"x","cvss_score":7}"#;
const CSAF: &str = r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"category":"vendor","name":"x","namespace":"https://www.redhat.com"},"tracking":{"id":"CVE-2024-1001","current_release_date":"2024-01-01T00:00:00Z"}},"product_tree":{"branches":[{"category":"vendor","name":"x","branches":[{"category":"product_name","name":"p","product":{"name":"p","product_id":"p","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}},{"category":"product_version","name":"a","product":{"name":"a","product_id":"a","product_identification_helper":{"purl":"pkg:rpm/redhat/a@2-1.el9?arch=x86_64&epoch=1&rpmmod=m:1:2:3"}}}]}],"relationships":[{"category":"default_component_of","full_product_name":{"name":"p:a","product_id":"p:a"},"product_reference":"a","relates_to_product_reference":"p"}]},"vulnerabilities":[{"cve":"CVE-2024-1001","product_status":{"fixed":["p:a"],"known_not_affected":["p:a"]},"remediations":[{"category":"no_fix_planned","details":"Will not fix","product_ids":["p:a"]}],"threats":[{"category":"impact","details":"Low"}],"scores":[{"products":["p:a"],"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}]}"#;
const KEV: &str = r#"{"title":"t","catalogVersion":"2024.01.02","dateReleased":"2024-01-02T03:04:05.6789Z","count":2,"vulnerabilities":[{"cveID":"CVE-2024-1001","vendorProject":"v","dateAdded":"2024-01-01","dueDate":"2024-01-22","knownRansomwareCampaignUse":"Known","cwes":["CWE-79","CWE-502"]},{"cveID":"CVE-2024-1002","dateAdded":"2024-01-02","knownRansomwareCampaignUse":"Unknown","cwes":[]}]}"#;
const EPSS: &str = "#model_version:v1,score_date:2024-01-02T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1001,0.94489,0.99961\nCVE-1999-0001,1e-05,0.00001\n";
const EPSS_EXCERPT: &str = "CVE-2024-1001;0.944890000;0.999610000\r\nCVE-2024-10012;0;1.0\r\n";
const CVE: &str = r#"{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2024-1001","state":"PUBLISHED","datePublished":"2024-01-01T00:00:00","dateUpdated":"2024-01-02T00:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"dateUpdated":"2024-01-01T00:00:00Z"},"problemTypes":[{"descriptions":[{"cweId":"CWE-79"},{"description":"CWE-502 Deserialization"}]}],"metrics":[{"cvssV4_0":{"vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}},{"cvssV2_0":{"vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}},{"other":{"type":"x","content":{"text":"moderate"}}}]},"adp":[{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"poc"},{"Automatable":"no"},{"Technical Impact":"total"}]}}},{"other":{"type":"kev","content":{"dateAdded":"2024-01-01"}}}]}]}}"#;
const CVE_REJECTED: &str = r#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-1002","state":"REJECTED","dateRejected":"2024-01-02T00:00:00Z"},"containers":{"cna":{}}}"#;
const OVAL: &str = r#"<?xml version="1.0"?><oval_definitions xmlns="x"><definitions><definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata><title>t</title><affected family="unix"><platform>Oracle Linux 8</platform></affected><reference source="elsa" ref_id="ELSA-2024-1"/><advisory><severity>LOW</severity><issued date="2024-01-01"/><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H">CVE-2024-1001</cve></advisory></metadata><criteria operator="AND"><criterion test_ref="p" comment="Oracle Linux 8 is installed"/><criteria operator="OR"><criterion test_ref="t" comment="a is earlier than 2-1"/></criteria></criteria></definition></definitions><tests><rpminfo_test id="t"><object object_ref="o"/><state state_ref="s"/></rpminfo_test></tests><objects><rpminfo_object id="o"><name>a</name></rpminfo_object></objects><states><rpminfo_state id="s"><arch>(x86_64|aarch64)</arch><evr operation="less than">0:2-1.el8</evr></rpminfo_state></states></oval_definitions>"#;
const UPDATEINFO: &str = r#"<?xml version="1.0"?><updates><update type="security"><id>ALAS2KERNEL-5.15-2022-001</id><issued date="2022-06-06 17:58"/><severity>low</severity><references><reference id="CVE-2024-1001" type="cve" title="x"/></references><pkglist><collection short="c"><name>C</name><module name="m" stream="1"/><package name="a" epoch="0" version="5.15.2" release="1.amzn2" arch="x86_64"><filename>f</filename></package></collection></pkglist></update></updates>"#;
const TABLE: &str = r#"{"version":1,"entries":[{"name":"etc/","type":"dir","mode":493},{"name":"etc/os-release","type":"reg","size":14,"mode":420,"offset":0,"endOffset":14,"digest":"sha256:5e2b","chunkDigest":"sha256:5e2b"},{"name":"a","type":"symlink","linkName":"b"},{"name":"etc/big","type":"reg","size":9,"chunkOffset":0,"chunkSize":4},{"name":"etc/big","type":"chunk","chunkOffset":4,"chunkSize":5},{"name":".wh.x","type":"reg"}]}"#;
const TAR_SPLIT: &str = "{\"type\":2,\"payload\":\"AAAA\",\"position\":0}\n{\"type\":1,\"name\":\"file\",\"size\":3,\"payload\":\"AAAAAAAAAAA=\",\"position\":1}\n";
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"annotations":{"containerd.io/snapshot/stargz/toc.digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","io.github.containers.zstd-chunked.manifest-position":"1:2:3:1"}}]}"#;
const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]}"#;
const CONFIG: &str = r#"{"os":"linux","architecture":"amd64","created":"2024-05-06T07:08:09Z","config":{"Env":["A=b"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"]},"history":[{"created_by":"x","empty_layer":true}]}"#;
const CYCLONEDX: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"container","name":"x"}},"components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"library","name":"one","version":"1","purl":"pkg:deb/debian/one@1?distro=debian-12","components":[{"type":"library","purl":"pkg:npm/two@2"}]}]}"#;
const OPENVEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2024-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-2024-1","aliases":["GHSA-1"]},"products":[{"@id":"pkg:oci/b@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a?repository_url=registry.example/a/b","identifiers":{"cpe23":"cpe:2.3:a:x:one:1:*:*:*:*:*:*:*"},"hashes":{"sha-256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"subcomponents":[{"@id":"pkg:npm/one?vers=vers:npm/>=1|<2"}]},{"@id":"pkg:npm/one@1.0.0"}],"status":"not_affected","justification":"component_not_present"}]}"#;
const CSAF_VEX: &str = r#"{"document":{"publisher":{"name":"a","namespace":"https://a.example"},"tracking":{"id":"1","current_release_date":"2024-01-01T00:00:00Z"}},"product_tree":{"branches":[{"category":"vendor","name":"a","branches":[{"category":"product_version_range","name":"vers:npm/<2","product":{"name":"one","product_id":"P","product_identification_helper":{"purl":"pkg:npm/one"}}}]}],"full_product_names":[{"name":"b","product_id":"B","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9"}}],"relationships":[{"category":"default_component_of","product_reference":"P","relates_to_product_reference":"B","full_product_name":{"name":"c","product_id":"C"}}],"product_groups":[{"group_id":"G","product_ids":["P"]}]},"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"known_not_affected":["P","C"],"fixed":["P"]},"flags":[{"label":"component_not_present","group_ids":["G"]}],"threats":[{"category":"impact","details":"x","product_ids":["C"]}]}]}"#;
const CYCLONEDX_VEX: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","bom-ref":"r","name":"x","version":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","hashes":[{"alg":"SHA-256","content":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}},"components":[{"type":"library","bom-ref":"one","name":"one","purl":"pkg:npm/one@1.0.0"}],"vulnerabilities":[{"id":"CVE-2024-1","references":[{"id":"GHSA-1"}],"analysis":{"state":"resolved","detail":"x","lastUpdated":"2024-01-01T00:00:00Z"},"affects":[{"ref":"one","versions":[{"range":"vers:npm/<2","status":"affected"}]},{"ref":"urn:cdx:a/1#pkg%3Anpm%2Fone"}]}]}"#;
const RULES: &str = "rules:\n  - id: a\n    vulnerabilities: [CVE-2024-1]\n    package: on*\n    path: '**/package.json'\n    image: registry.example/*\n    reason: x\n    author: y\n    expires: 2027-01-31\n";
const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"SPDXID":"SPDXRef-a","name":"one","versionInfo":"1","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/one@1"}]}]}"#;
const SPDX_TEXT: &str = "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n\nPackageName: one\nSPDXID: SPDXRef-a\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:npm/one@1\nPackageComment: <text>a\nb</text>\n";

/// An in-toto statement in a DSSE envelope; base64 is written by hand, for want of a reason to
/// depend on it.
fn attestation() -> Vec<u8> {
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://cyclonedx.org/bom","subject":[{{"name":"x","digest":{{"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}}}],"predicate":{CYCLONEDX}}}"#
    );
    let payload = base64(statement.as_bytes());
    let envelope = format!(
        r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[]}}"#
    );
    envelope.into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number =
            (0..3).fold(0_u32, |sum, at| sum << 8 | u32::from(*part.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = usize::try_from(number >> (18 - 6 * at) & 63).unwrap_or(0);
            text.push(if at > part.len() { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    text
}

fn rpm_headers() -> Vec<Vec<u8>> {
    let one = rpm::HeaderBuilder::package("one", "1.2", "3.el9")
        .text(rpm::ARCH, "x86_64")
        .text(rpm::SOURCE, "one-1.2-3.el9.src.rpm")
        .numbers(rpm::EPOCH, &[1])
        .numbers(rpm::DIR_INDEXES, &[0])
        .texts(rpm::BASES, &["package.json"])
        .texts(rpm::DIRS, &["/usr/lib/a/"]);
    vec![one.build(), rpm::HeaderBuilder::package("two", "2", "1").build()]
}

/// A header and one committed frame of 512 bytes (SQLite, "The Write-Ahead Log").
fn write_ahead_log() -> Vec<u8> {
    let mut log = Vec::new();
    for number in [0x377f_0682_u32, 3_007_000, 512, 0, 1, 2, 0, 0, 1, 1, 1, 2, 0, 0] {
        log.extend(number.to_be_bytes());
    }
    log.resize(log.len() + 512, 0);
    log
}

/// What every .NET program of a single file bears (the SHA-256 of `.net core bundle\n`).
fn sha256_of_mark() -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, b".net core bundle\n").as_ref().to_vec()
}

/// Go's runtime/debug.BuildInfo as the linker writes it since Go 1.18.
fn go_build_info() -> Vec<u8> {
    let modules = "path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\texample.com/one\t\
                   v1.0.0\th1:x=\n=>\texample.com/two\tv2.0.0\th1:y=\nbuild\t-ldflags=\"-X \
                   main.version=1.2.3\"\n";
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.push(6);
    info.extend(b"go1.22");
    let length = modules.len() + 32;
    info.extend([
        u8::try_from(length & 0x7f).unwrap_or(0) | 0x80,
        u8::try_from(length >> 7).unwrap_or(0),
    ]);
    info.extend([b'<'; 16]);
    info.extend(modules.as_bytes());
    info.extend([b'>'; 16]);
    info
}

/// A 64-bit program with one section and the table of names.
fn elf(name: &str, content: &[u8]) -> Vec<u8> {
    let names = format!("\0{name}\0.shstrtab\0");
    let (start, size) = (120_u64, content.len() as u64);
    let names_start = start + size;
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    let long = |program: &mut Vec<u8>, values: &[u64]| {
        values.iter().for_each(|value| program.extend(value.to_le_bytes()));
    };
    long(&mut program, &[0, 64, names_start + names.len() as u64]);
    program.extend(b"\0\0\0\0\x40\0\x38\0\x01\0\x40\0\x03\0\x02\0");
    // A segment that is loaded and may be written (elf(5)).
    program.extend(b"\x01\0\0\0\x06\0\0\0");
    long(&mut program, &[start, 0x40_0000, 0x40_0000, size, size, 1]);
    program.extend(content);
    program.extend(names.as_bytes());
    program.extend([0; 64]);
    for (name, kind, address, offset, size) in [
        (1, 1, 0x40_0000, start, size),
        (2 + name.len() as u64, 3, 0, names_start, names.len() as u64),
    ] {
        long(&mut program, &[name | kind << 32, 3, address, offset, size, 0, 1, 0]);
    }
    program
}

fn packed<W: Write>(
    mut encoder: W,
    bytes: &[u8],
    end: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> Vec<u8> {
    let written = encoder.write_all(bytes).and_then(|()| end(encoder));
    written.expect("a vector takes everything")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    packed(GzEncoder::new(Vec::new(), Compression::default()), bytes, GzEncoder::finish)
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    packed(ZlibEncoder::new(Vec::new(), Compression::default()), bytes, ZlibEncoder::finish)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    packed(DeflateEncoder::new(Vec::new(), Compression::default()), bytes, DeflateEncoder::finish)
}

/// A jar in a jar, with one entry deflated.
fn jar() -> Vec<u8> {
    let properties = b"groupId=com.example\nartifactId=one\nversion=1.0\n";
    let manifest = b"Manifest-Version: 1.0\r\nImplementation-Title: one\r\nImplementation-Version:\r\n  1.0\r\n";
    let inner = zip(&[("META-INF/MANIFEST.MF", manifest)]);
    zip(&[
        ("META-INF/MANIFEST.MF", manifest),
        ("META-INF/maven/com.example/one/pom.properties", properties),
        ("BOOT-INF/lib/two-2.0.jar", &inner),
    ])
}

/// A zip (PKWARE APPNOTE.TXT, section 4.3): every second entry is deflated.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    let number = |length: usize| u32::try_from(length).expect("a small zip").to_le_bytes();
    for (index, (name, content)) in entries.iter().enumerate() {
        let (method, data) = match index % 2 {
            0 => (0, content.to_vec()),
            _ => (8, deflate(content)),
        };
        let mut fields = vec![20, 0, 0, 0, method, 0, 0, 0, 0, 0];
        fields.extend(crc32(content).to_le_bytes());
        fields.extend([number(data.len()), number(content.len()), number(name.len())].concat());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(number(body.len()));
        directory.extend(name.as_bytes());
        body.extend(b"PK\x03\x04");
        body.extend(&fields);
        body.extend(name.as_bytes());
        body.extend(data);
    }
    let count = u16::try_from(entries.len()).expect("a small zip").to_le_bytes();
    let end = [number(directory.len()), number(body.len())].concat();
    [body, directory, b"PK\x05\x06\0\0\0\0".to_vec(), count.into(), count.into(), end, vec![0, 0]]
        .concat()
}

type Entry<'a> = (u8, &'a str, &'a str, &'a [u8]);

/// A tar without checksums, which the targets write themselves, and without an end.
fn entries(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (kind, path, link, content) in entries {
        let mut header = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, path.as_bytes());
        put(100, b"0000755\0");
        put(124, format!("{:011o}\0", content.len()).as_bytes());
        put(156, &[*kind]);
        put(157, link.as_bytes());
        put(257, b"ustar\x0000");
        tar.extend(header);
        tar.extend(*content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar
}

fn tar(list: &[Entry<'_>]) -> Vec<u8> {
    super::images::sealed(&[entries(list), vec![0; 1024]].concat())
}

/// Every kind of entry, and some of the files that analyzers read.
fn tar_of_files() -> Vec<u8> {
    let long = format!("{}/x\0", "long".repeat(60));
    let mut list: Vec<Entry<'_>> = vec![
        (b'5', "etc/", "", b""),
        (b'x', "PaxHeaders/1", "", b"20 path=usr/bin/one\n14 size=00003\n"),
        (b'0', "one", "", b"abc"),
        (b'L', "././@LongLink", "", long.as_bytes()),
        (b'0', "x", "", b"abc"),
        (b'K', "././@LongLink", "", long.as_bytes()),
        (b'2', "lib", "usr/lib", b""),
        (b'1', "usr/hard", "etc/os-release", b""),
        (b'0', "etc/.wh.one", "", b""),
        (b'0', "var/.wh..wh..opq", "", b""),
        (b'3', "dev/null", "", b""),
        (b'g', "global", "", b"11 a=hello\n"),
    ];
    let shown = FILES.iter().filter(|(id, ..)| ["os-release", "dpkg", "npm"].contains(id));
    list.extend(shown.map(|(_, path, content)| (b'0', *path, "", content.as_bytes())));
    tar(&list)
}

/// Two layers: the second removes what the first brought.
fn layers() -> Vec<u8> {
    let (_, path, content) = FILES[0];
    let first: &[Entry<'_>] =
        &[(b'0', path, "", content.as_bytes()), (b'2', "lib", "usr/lib", b"")];
    let second: &[Entry<'_>] = &[(b'0', "etc/.wh.os-release", "", b""), (b'0', "lib", "", b"x")];
    [tar(first), tar(second)].concat()
}

fn docker_archive() -> Vec<u8> {
    let list = br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l/layer.tar"]}]"#;
    let layer = tar(&[(b'0', "etc/os-release", "", b"ID=alpine\n")]);
    let index = INDEX.as_bytes();
    tar(&[
        (b'0', "manifest.json", "", list),
        (b'0', "c.json", "", CONFIG.as_bytes()),
        (b'0', "l/layer.tar", "", &layer),
        (b'0', "oci-layout", "", br#"{"imageLayoutVersion":"1.0.0"}"#),
        (b'0', "index.json", "", index),
    ])
}

/// The database of containerd with one image: pages of 4 KiB (etcd-io/bbolt, internal/common:
/// page.go, meta.go, bucket.go) and the buckets of core/metadata/buckets.go. The target writes the
/// checksums.
fn containerd_database() -> Vec<u8> {
    const PAGE: usize = 4096;
    let digest = b"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let media_type = b"application/vnd.oci.image.manifest.v1+json";
    let target = bolt_leaf(
        0,
        &[
            (0, b"digest", digest.to_vec()),
            (0, b"mediatype", media_type.to_vec()),
            (0, b"size", vec![0xac, 0x02]),
        ],
    );
    let image = bolt_leaf(0, &[(1, b"target", bolt_inline(&target))]);
    let images = bolt_leaf(0, &[(1, b"docker.io/library/one:1", bolt_inline(&image))]);
    let namespace = bolt_leaf(0, &[(1, b"images", bolt_inline(&images))]);
    let version = bolt_leaf(0, &[(1, b"default", bolt_inline(&namespace))]);
    let root = bolt_leaf(3, &[(1, b"v1", bolt_inline(&version))]);
    let mut database = Vec::new();
    for number in 0..2_u64 {
        database.extend([number.to_le_bytes(), [4, 0, 0, 0, 0, 0, 0, 0]].concat());
        for word in [0xed0c_daed_u32, 2, 4096, 0] {
            database.extend(word.to_le_bytes());
        }
        for word in [3, 0, 2, 4, number, 0] {
            database.extend(word.to_le_bytes());
        }
        database.resize(database.len().next_multiple_of(PAGE), 0);
    }
    database.extend([2_u64.to_le_bytes(), [16, 0, 0, 0, 0, 0, 0, 0]].concat());
    database.resize(3 * PAGE, 0);
    database.extend(root);
    database.resize(4 * PAGE, 0);
    database
}

/// A leaf of keys that are in order.
fn bolt_leaf(number: u64, items: &[(u32, &[u8], Vec<u8>)]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).expect("a small page");
    let mut page = number.to_le_bytes().to_vec();
    page.extend([2, 0]);
    page.extend(&length(items.len()).to_le_bytes()[..2]);
    page.extend([0; 4]);
    let mut data = Vec::new();
    for (index, (flags, key, value)) in items.iter().enumerate() {
        let position = length((items.len() - index) * 16 + data.len());
        for word in [*flags, position, length(key.len()), length(value.len())] {
            page.extend(word.to_le_bytes());
        }
        data.extend([key, value.as_slice()].concat());
    }
    [page, data].concat()
}

/// A bucket that lies in its parent's page.
fn bolt_inline(page: &[u8]) -> Vec<u8> {
    [[0; 16].as_slice(), page].concat()
}
