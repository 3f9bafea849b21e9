use super::identify;
use crate::analyzers::java::manifest::{Manifest, ManifestReader};
use crate::analyzers::java::properties::Coordinates;

fn manifest(text: &str) -> Manifest {
    let mut reader = ManifestReader::new();
    reader.feed(text.as_bytes());
    reader.finish()
}

fn pom(text: &str) -> Coordinates {
    let [group, artifact, version] = text.split(':').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let [group, artifact, version] = [group, artifact, version].map(str::to_owned);
    Coordinates { group, artifact, version }
}

fn check(base: &str, text: &str, poms: &[&str], expected: &[&str]) {
    let poms = poms.iter().map(|text| pom(text)).collect();
    let identity = identify(base, &manifest(text), poms);
    let mut found: Vec<String> = identity
        .packages
        .iter()
        .chain(&identity.guess)
        .map(|package| format!("{}@{}", package.name, package.version))
        .collect();
    found.sort();
    assert_eq!(found, expected, "{base} with {text:?}");
}

#[test]
fn a_jar_with_its_own_coordinates_is_that_package() {
    let core = "org.apache.logging.log4j:log4j-core:2.14.1";
    let expected = "org.apache.logging.log4j:log4j-core@2.14.1";
    for base in [
        "log4j-core-2.14.1.jar",
        "log4j-core.jar",
        "org.apache.logging.log4j.log4j-core-2.14.1.jar",
        // The only coordinates are its own, if nothing speaks against it.
        "renamed.jar",
        "renamed-2.14.1.jar",
    ] {
        check(base, "Implementation-Version: 2.14.1\n", &[core], &[expected]);
    }
}

#[test]
fn an_artifact_that_ends_like_a_version_is_its_own() {
    let check = |base, pom: &str, expected| check(base, "", &[pom], &[expected]);
    let bridge = "org.apache.logging.log4j:log4j-1.2-api@2.19.0";
    check("log4j-1.2-api.jar", "org.apache.logging.log4j:log4j-1.2-api:2.19.0", bridge);
    check("log4j-1.2-api-2.19.0.jar", "org.apache.logging.log4j:log4j-1.2-api:2.19.0", bridge);
    check("hive-shims-0.23-2.3.9.jar", "o:hive-shims-0.23:2.3.9", "o:hive-shims-0.23@2.3.9");
    check(
        "geronimo-jta-1.2-spec.jar",
        "o:geronimo-jta_1.2_spec:1.0",
        "o:geronimo-jta_1.2_spec@1.0",
    );
}

#[test]
fn a_jar_is_not_what_its_name_only_begins_with() {
    let found = ["a-b@2.0", "o:a@1.0"];
    check("a-b-2.0.jar", "", &["o:a:1.0"], &found);
    check("a-2.0.jar", "", &["o:a-b:1.0"], &["a@2.0", "o:a-b@1.0"]);
    check("a_b-2.0.jar", "", &["o:a:1.0"], &["a_b@2.0", "o:a@1.0"]);
}

#[test]
fn a_shaded_jar_is_each_of_its_packages() {
    let poms = ["com.example:mailer:1.0.0", "com.google.guava:guava:31.1-jre"];
    let both = ["com.example:mailer@1.0.0", "com.google.guava:guava@31.1-jre"];
    check("mailer-1.0.0.jar", "", &poms, &both);
    check("mailer.jar", "", &poms, &both);
    let said = "Implementation-Title: mailer\nImplementation-Version: 1.0.0\n";
    check("renamed.jar", said, &poms, &both);
    // What is not among the coordinates is told by the file, or by file and manifest.
    let three = ["agent@2.0", "com.example:mailer@1.0.0", "com.google.guava:guava@31.1-jre"];
    check("agent-2.0.jar", said, &poms, &three);
    check("agent.jar", "Implementation-Title: Agent\nBundle-Version: 2.0\n", &poms, &three);
    check("agent.jar", "Bundle-Version: 2.0\n", &poms, &both);
}

#[test]
fn a_jar_without_coordinates_is_known_by_file_and_manifest() {
    let check = |base, text, expected| check(base, text, &[], &[expected]);
    check("spring-core-6.0.9.jar", "", "org.springframework:spring-core@6.0.9");
    check("unheard-of-1.0.jar", "", "unheard-of@1.0");
    check("a-b-1.jar", "Implementation-Vendor-Id: org.x\n", "org.x:a-b@1");
    check("a-b-1.jar", "Implementation-Vendor-Id: The X Company\n", "a-b@1");
    check("a-b-1.jar", "Bundle-SymbolicName: org.x.a.b;singleton:=true\n", "org.x:a-b@1");
    check("a-b-1.jar", "Automatic-Module-Name: org.x.a_b\n", "org.x:a-b@1");
    check("a-b-1.jar", "Bundle-SymbolicName: org.other\n", "a-b@1");
    check("a-b-1.jar", "Implementation-Vendor-Id: org.apache\n", "a-b@1");
    check("javax.inject-1.jar", "", "javax.inject:javax.inject@1");
    check("jakarta.servlet-api-6.0.0.jar", "", "jakarta.servlet:jakarta.servlet-api@6.0.0");
    check("a-b.jar", "Implementation-Version: 3.1 (r5)\n", "a-b@3.1");
    let tomcat = "Bundle-SymbolicName: org.apache.tomcat-catalina\nBundle-Version: 9.0.65\n";
    check("catalina.jar", tomcat, "org.apache.tomcat:tomcat-catalina@9.0.65");
    let embedded = "Bundle-SymbolicName: org.apache.tomcat-embed-core\n";
    check("tomcat-embed-core-10.1.jar", embedded, "org.apache.tomcat.embed:tomcat-embed-core@10.1");
    check("io.x.sub.thing-2.0.jar", "", "io.x.sub:thing@2.0");
    check("org.eclipse.jdt.core_3.33.0.v1.jar", "", "org.eclipse.jdt.core@3.33.0.v1");
}

#[test]
fn a_jenkins_plugin_is_known_by_its_short_name() {
    let text = "Group-Id: org.jenkins-ci.plugins\nShort-Name: git\nPlugin-Version: 5.2.0\n";
    check("whatever.jpi", text, &[], &["org.jenkins-ci.plugins:git@5.2.0"]);
    let pom = "org.jenkins-ci.plugins:git:5.2.0";
    check("whatever.hpi", text, &[pom], &["org.jenkins-ci.plugins:git@5.2.0"]);
}

#[test]
fn a_jar_without_a_version_is_nothing() {
    check("tools.jar", "Created-By: 1.8\n", &[], &[]);
    check("tools.jar", "", &[], &[]);
    check("tools-1 2.jar", "", &[], &[]);
    check(".jar", "Implementation-Version: 1\n", &[], &[]);
}

#[test]
fn a_jar_that_changes_another_one_is_not_that_one() {
    check("spring-4.3.0.jar", "Weave-Classes: a.b\n", &[], &[]);
}

#[test]
fn only_what_is_not_known_for_sure_is_looked_up() {
    let is_known = |base: &str, text: &str, poms: &[&str]| {
        identify(base, &manifest(text), poms.iter().map(|text| pom(text)).collect()).is_known
    };
    assert!(is_known("log4j-core-2.14.1.jar", "", &["o:log4j-core:2.14.1"]));
    assert!(is_known("renamed-2.14.1.jar", "", &["o:log4j-core:2.14.1"]));
    let said = "Bundle-SymbolicName: o.log4j-core\nBundle-Version: 2.14.1\n";
    assert!(is_known("renamed.jar", said, &["o:log4j-core:2.14.1"]));
    assert!(is_known("spring-core-6.0.9.jar", "", &[]));
    assert!(is_known("spring-4.3.0.jar", "Weave-Classes: a.b\n", &[]));
    assert!(!is_known("unheard-of-1.0.jar", "", &[]));
    assert!(!is_known("tools.jar", "", &[]));
    assert!(!is_known("renamed.jar", "", &["o:a:1"]));
    assert!(!is_known("renamed.jar", "", &["o:a:1", "o:b:2"]));
    assert!(!is_known("agent-2.0.jar", "", &["o:a:1"]));
}
