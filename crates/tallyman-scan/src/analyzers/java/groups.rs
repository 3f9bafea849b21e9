//! The groups under which well-known artifacts are published on Maven Central whose jars do not
//! name it: they are built without Maven, or from before it wrote its metadata into jars.
//! Advisories speak of group and artifact, so without the group a finding would be missed.

/// An artifact, or every artifact with a prefix (`spring-boot*`), from one major version on and up
/// to another.
struct Line {
    pattern: &'static str,
    from: u32,
    to: u32,
    group: &'static str,
}

const fn all(pattern: &'static str, group: &'static str) -> Line {
    Line { pattern, from: 0, to: u32::MAX, group }
}

const fn from(pattern: &'static str, from: u32, group: &'static str) -> Line {
    Line { pattern, from, to: u32::MAX, group }
}

const fn to(pattern: &'static str, to: u32, group: &'static str) -> Line {
    Line { pattern, from: 0, to, group }
}

/// The first line that fits holds.
static LINES: &[Line] = &[
    all("spring-amqp", "org.springframework.amqp"),
    all("spring-rabbit*", "org.springframework.amqp"),
    all("spring-aop", "org.springframework"),
    all("spring-aspects", "org.springframework"),
    all("spring-batch*", "org.springframework.batch"),
    all("spring-beans", "org.springframework"),
    all("spring-boot*", "org.springframework.boot"),
    all("spring-cloud*", "org.springframework.cloud"),
    all("spring-context*", "org.springframework"),
    all("spring-core*", "org.springframework"),
    all("spring-data*", "org.springframework.data"),
    all("spring-expression", "org.springframework"),
    all("spring-graphql*", "org.springframework.graphql"),
    all("spring-hateoas", "org.springframework.hateoas"),
    all("spring-instrument*", "org.springframework"),
    all("spring-integration*", "org.springframework.integration"),
    all("spring-jcl", "org.springframework"),
    all("spring-jdbc", "org.springframework"),
    all("spring-jms", "org.springframework"),
    all("spring-kafka*", "org.springframework.kafka"),
    all("spring-ldap*", "org.springframework.ldap"),
    all("spring-messaging", "org.springframework"),
    all("spring-orm", "org.springframework"),
    all("spring-oxm", "org.springframework"),
    all("spring-plugin*", "org.springframework.plugin"),
    all("spring-r2dbc", "org.springframework"),
    all("spring-restdocs*", "org.springframework.restdocs"),
    all("spring-retry", "org.springframework.retry"),
    all("spring-security*", "org.springframework.security"),
    all("spring-session*", "org.springframework.session"),
    all("spring-shell*", "org.springframework.shell"),
    all("spring-statemachine*", "org.springframework.statemachine"),
    all("spring-test", "org.springframework"),
    all("spring-tx", "org.springframework"),
    all("spring-vault*", "org.springframework.vault"),
    all("spring-web", "org.springframework"),
    all("spring-webflow", "org.springframework.webflow"),
    all("spring-webflux", "org.springframework"),
    all("spring-webmvc*", "org.springframework"),
    all("spring-websocket", "org.springframework"),
    all("spring-ws*", "org.springframework.ws"),
    all("spring-xml", "org.springframework.ws"),
    all("spring", "org.springframework"),
    all("reactor-core", "io.projectreactor"),
    all("reactor-netty*", "io.projectreactor.netty"),
    all("reactor-kafka", "io.projectreactor.kafka"),
    all("reactor-pool", "io.projectreactor.addons"),
    all("micrometer*", "io.micrometer"),
    all("context-propagation", "io.micrometer"),
    all("tomcat-embed*", "org.apache.tomcat.embed"),
    all("tomcat*", "org.apache.tomcat"),
    all("zookeeper", "org.apache.zookeeper"),
    all("kafka-clients", "org.apache.kafka"),
    all("kafka-streams*", "org.apache.kafka"),
    all("kafka_*", "org.apache.kafka"),
    all("kafka-group-coordinator*", "org.apache.kafka"),
    all("kafka-log4j-appender", "org.apache.kafka"),
    all("kafka-metadata", "org.apache.kafka"),
    all("kafka-raft", "org.apache.kafka"),
    all("kafka-server*", "org.apache.kafka"),
    all("kafka-shell", "org.apache.kafka"),
    all("kafka-storage*", "org.apache.kafka"),
    all("kafka-tools", "org.apache.kafka"),
    all("connect-api", "org.apache.kafka"),
    all("connect-json", "org.apache.kafka"),
    all("connect-runtime", "org.apache.kafka"),
    all("lucene*", "org.apache.lucene"),
    all("solr-*", "org.apache.solr"),
    all("lz4-java", "org.lz4"),
    all("rocksdbjni", "org.rocksdb"),
    all("RoaringBitmap", "org.roaringbitmap"),
    all("hadoop-*", "org.apache.hadoop"),
    all("elasticsearch*", "org.elasticsearch"),
    all("opensearch", "org.opensearch"),
    all("opensearch-*", "org.opensearch"),
    from("groovy*", 4, "org.apache.groovy"),
    all("groovy*", "org.codehaus.groovy"),
    all("gradle-*", "org.gradle"),
    all("antlr", "antlr"),
    all("ant", "org.apache.ant"),
    all("ant-*", "org.apache.ant"),
    all("ivy", "org.apache.ivy"),
    to("hibernate-core", 5, "org.hibernate"),
    from("hibernate-core", 6, "org.hibernate.orm"),
    to("hibernate-entitymanager", 5, "org.hibernate"),
    to("hibernate-envers", 5, "org.hibernate"),
    from("hibernate-envers", 6, "org.hibernate.orm"),
    all("hibernate-commons-annotations", "org.hibernate.common"),
    all("kotlin-*", "org.jetbrains.kotlin"),
    all("kotlinx-*", "org.jetbrains.kotlinx"),
    all("ktor-*", "io.ktor"),
    to("okhttp", 2, "com.squareup.okhttp"),
    from("okhttp*", 3, "com.squareup.okhttp3"),
    all("okio*", "com.squareup.okio"),
    all("retrofit", "com.squareup.retrofit2"),
    to("rxjava", 1, "io.reactivex"),
    to("rxjava", 2, "io.reactivex.rxjava2"),
    from("rxjava", 3, "io.reactivex.rxjava3"),
    all("grpc-*", "io.grpc"),
    all("perfmark-*", "io.perfmark"),
    all("tink*", "com.google.crypto.tink"),
    all("opentelemetry-*", "io.opentelemetry"),
    all("bcprov-*", "org.bouncycastle"),
    all("bcpkix-*", "org.bouncycastle"),
    all("bcutil-*", "org.bouncycastle"),
    all("bctls-*", "org.bouncycastle"),
    all("bcmail-*", "org.bouncycastle"),
    all("bcpg-*", "org.bouncycastle"),
    all("bc-fips", "org.bouncycastle"),
    all("aspectjrt", "org.aspectj"),
    all("aspectjtools", "org.aspectj"),
    all("aspectjweaver", "org.aspectj"),
    to("asm", 3, "asm"),
    all("asm", "org.ow2.asm"),
    all("asm-*", "org.ow2.asm"),
    all("jna*", "net.java.dev.jna"),
    all("cglib*", "cglib"),
    to("dom4j", 1, "dom4j"),
    from("dom4j", 2, "org.dom4j"),
    all("jdom", "org.jdom"),
    all("jdom2", "org.jdom"),
    all("xercesImpl", "xerces"),
    all("xalan", "xalan"),
    all("serializer", "xalan"),
    all("xml-apis", "xml-apis"),
    all("xmlpull", "xmlpull"),
    all("xom", "xom"),
    all("jaxen", "jaxen"),
    all("log4j", "log4j"),
    all("commons-beanutils*", "commons-beanutils"),
    all("commons-chain", "commons-chain"),
    all("commons-cli", "commons-cli"),
    all("commons-codec", "commons-codec"),
    all("commons-collections", "commons-collections"),
    all("commons-configuration", "commons-configuration"),
    all("commons-dbcp", "commons-dbcp"),
    all("commons-digester", "commons-digester"),
    all("commons-discovery", "commons-discovery"),
    all("commons-el", "commons-el"),
    all("commons-fileupload", "commons-fileupload"),
    all("commons-httpclient", "commons-httpclient"),
    all("commons-io", "commons-io"),
    all("commons-jxpath", "commons-jxpath"),
    all("commons-lang", "commons-lang"),
    all("commons-logging*", "commons-logging"),
    all("commons-net", "commons-net"),
    all("commons-pool", "commons-pool"),
    all("commons-validator", "commons-validator"),
    to("velocity", 1, "org.apache.velocity"),
    all("velocity-tools*", "org.apache.velocity"),
    all("derby*", "org.apache.derby"),
    all("h2", "com.h2database"),
    to("hsqldb", 1, "hsqldb"),
    all("hsqldb", "org.hsqldb"),
    all("postgresql", "org.postgresql"),
    all("mysql-connector-java", "mysql"),
    all("mysql-connector-j", "com.mysql"),
    all("mariadb-java-client", "org.mariadb.jdbc"),
    all("mssql-jdbc", "com.microsoft.sqlserver"),
    all("sqlite-jdbc", "org.xerial"),
    all("snappy-java", "org.xerial.snappy"),
    all("ojdbc*", "com.oracle.database.jdbc"),
    all("mongodb-driver*", "org.mongodb"),
    all("mongo-java-driver", "org.mongodb"),
    all("bson", "org.mongodb"),
    all("c3p0", "com.mchange"),
    all("quartz", "org.quartz-scheduler"),
    all("jython*", "org.python"),
    all("rhino", "org.mozilla"),
    all("bsh", "org.beanshell"),
    all("oro", "oro"),
    all("itext", "com.lowagie"),
    all("freemarker", "org.freemarker"),
    all("scala-library", "org.scala-lang"),
    all("scala-compiler", "org.scala-lang"),
    all("scala-reflect", "org.scala-lang"),
    all("akka-*", "com.typesafe.akka"),
    all("activation", "javax.activation"),
    to("servlet-api", 2, "javax.servlet"),
    all("jsp-api", "javax.servlet.jsp"),
    all("axis", "org.apache.axis"),
    all("reactive-streams*", "org.reactivestreams"),
    all("graal-sdk", "org.graalvm.sdk"),
    all("wiremock*", "org.wiremock"),
    all("jsr250-api", "javax.annotation"),
    all("jsr305", "com.google.code.findbugs"),
    all("javassist", "org.javassist"),
    all("junit", "junit"),
    all("jose4j", "org.bitbucket.b_c"),
    all("libthrift", "org.apache.thrift"),
    all("libfb303", "org.apache.thrift"),
    all("jackson-core-asl", "org.codehaus.jackson"),
    all("jackson-mapper-asl", "org.codehaus.jackson"),
    all("jodd-core", "org.jodd"),
    all("checker-qual", "org.checkerframework"),
    all("hamcrest*", "org.hamcrest"),
    all("jta", "javax.transaction"),
    all("transaction-api", "javax.transaction"),
    all("jdo-api", "javax.jdo"),
    all("wsdl4j", "wsdl4j"),
    all("xpp3*", "xpp3"),
    all("xml-resolver", "xml-resolver"),
    all("aopalliance", "aopalliance"),
    all("commons-daemon", "commons-daemon"),
];

/// Returns the group of a well-known artifact.
pub(super) fn group_of(artifact: &str, version: &str) -> Option<&'static str> {
    let major = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    // A version without a number is old.
    let major = major.parse().unwrap_or(0);
    let fits = |line: &&Line| {
        let is_named = match line.pattern.strip_suffix('*') {
            Some(prefix) => artifact.starts_with(prefix),
            None => artifact == line.pattern,
        };
        is_named && (line.from..=line.to).contains(&major)
    };
    LINES.iter().find(fits).map(|line| line.group)
}

#[cfg(test)]
mod tests {
    use super::{LINES, group_of};

    #[test]
    fn groups_depend_on_name_and_version() {
        for (artifact, version, group) in [
            ("spring-core", "6.0.9", Some("org.springframework")),
            ("spring-boot-starter-web", "3.1.0", Some("org.springframework.boot")),
            ("spring-unknown", "1", None),
            ("hibernate-core", "5.6.15.Final", Some("org.hibernate")),
            ("hibernate-core", "6.2.2.Final", Some("org.hibernate.orm")),
            ("rxjava", "1.3.8", Some("io.reactivex")),
            ("rxjava", "2.2.21", Some("io.reactivex.rxjava2")),
            ("rxjava", "3.1.6", Some("io.reactivex.rxjava3")),
            ("groovy-json", "3.0.17", Some("org.codehaus.groovy")),
            ("groovy", "4.0.12", Some("org.apache.groovy")),
            ("tomcat-embed-core", "10.1.8", Some("org.apache.tomcat.embed")),
            ("bcprov-jdk18on", "1.75", Some("org.bouncycastle")),
        ] {
            assert_eq!(group_of(artifact, version), group, "{artifact}");
        }
    }

    #[test]
    fn every_line_can_be_reached() {
        for line in LINES {
            let artifact = line.pattern.strip_suffix('*').unwrap_or(line.pattern);
            let is_reached = [line.from, line.to.min(99)].into_iter().any(|version| {
                let names = [artifact.to_owned(), line.pattern.replace('*', "-x")];
                names.iter().any(|name| group_of(name, &version.to_string()) == Some(line.group))
            });
            assert!(is_reached, "{}", line.pattern);
        }
    }
}
