# The recipe of the image that is about jars: from Debian, from Maven Central, fat, nested, shaded.

image_java() {
    from bookworm
    step java-debian apt_install ca-certificates default-jre-headless tomcat10 maven activemq \
        zookeeper ant groovy ivy jruby libspring-web-java libhibernate-validator-java \
        libaxis-java liblog4j2-java libjackson2-databind-java
    step java-spark install_jars opt/spark/jars org.apache.spark:spark-sql_2.12:3.5.1 \
        org.apache.spark:spark-hive_2.12:3.5.1 org.apache.spark:spark-streaming_2.12:3.5.1 \
        org.apache.hadoop:hadoop-client:3.3.4
    step java-services install_services
    step java-tools install_fat_jars
}

# Adds the jars of some artifacts and of everything that they depend on.
install_jars() {
    local directory="$root/$1" project="$root/tmp/project"
    shift
    write_pom "$project" jar "" "$@"
    maven "$project" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$directory"
}

# Adds two services as Spring Boot packs them, with their dependencies as jars in the jar and in the
# war, one with everything unpacked into a single jar, and an ear around the war.
install_services() {
    local boot="org.springframework.boot" made="$root/srv/services"
    install -d "$made" "$root/var/lib/tomcat10/webapps"
    build_service shop jar "$(repackage_plugin 3.1.0)" "$boot:spring-boot-starter-web:3.1.0" \
        "$boot:spring-boot-starter-data-jpa:3.1.0" "$boot:spring-boot-starter-security:3.1.0" \
        org.postgresql:postgresql:42.6.0 com.amazonaws:aws-java-sdk-s3:1.12.400
    cp "$root/tmp/shop/target/shop-1.0.0.jar" "$made/shop.jar"
    build_service ledger war "$(repackage_plugin 2.7.0)" "$boot:spring-boot-starter-web:2.7.0" \
        "$boot:spring-boot-starter-actuator:2.7.0" org.apache.logging.log4j:log4j-core:2.14.1 \
        commons-fileupload:commons-fileupload:1.4 org.apache.struts:struts2-core:2.5.30
    cp "$root/tmp/ledger/target/ledger-1.0.0.war" "$root/var/lib/tomcat10/webapps/ledger.war"
    build_service mailer jar "$(shade_plugin)" com.sun.mail:jakarta.mail:2.0.1 \
        com.google.guava:guava:31.1-jre org.apache.httpcomponents:httpclient:4.5.13 \
        com.fasterxml.jackson.core:jackson-databind:2.13.2 io.netty:netty-all:4.1.90.Final
    cp "$root/tmp/mailer/target/mailer-1.0.0.jar" "$made/renamed.jar"
    # A war in an ear: three levels down to the jars' own metadata.
    (cd "$root/tmp/ledger/target" && zip -q -0 "$made/ledger.ear" ledger-1.0.0.war)
}

# Adds programs that their makers publish as one jar with everything in it.
install_fat_jars() {
    local coordinates
    for coordinates in org.openapitools:openapi-generator-cli:6.6.0 \
        io.swagger.codegen.v3:swagger-codegen-cli:3.0.46 org.apache.hive:hive-exec:3.1.3 \
        org.apache.hadoop:hadoop-client-runtime:3.3.4 org.wiremock:wiremock-standalone:3.3.1; do
        maven "$root/tmp" dependency:copy -Dartifact="$coordinates" \
            -DoutputDirectory="$root/opt/tools"
    done
}

build_service() {
    local name=$1 packaging=$2 plugin=$3
    shift 3
    write_pom "$root/tmp/$name" "$packaging" "$plugin" "$@"
    maven "$root/tmp/$name" package
}

repackage_plugin() {
    cat <<XML
<plugin>
  <groupId>org.springframework.boot</groupId>
  <artifactId>spring-boot-maven-plugin</artifactId>
  <version>$1</version>
  <executions><execution><goals><goal>repackage</goal></goals></execution></executions>
  <configuration><mainClass>com.example.Main</mainClass></configuration>
</plugin>
<plugin>
  <groupId>org.apache.maven.plugins</groupId>
  <artifactId>maven-war-plugin</artifactId>
  <version>3.4.0</version>
  <configuration><failOnMissingWebXml>false</failOnMissingWebXml></configuration>
</plugin>
XML
}

shade_plugin() {
    cat <<'XML'
<plugin>
  <groupId>org.apache.maven.plugins</groupId>
  <artifactId>maven-shade-plugin</artifactId>
  <version>3.5.1</version>
  <executions><execution>
    <phase>package</phase><goals><goal>shade</goal></goals>
  </execution></executions>
</plugin>
XML
}

# Writes a project of a packaging, with a plugin and dependencies given as group:artifact:version.
write_pom() {
    local project=$1 packaging=$2 plugin=$3 coordinates group artifact version
    shift 3
    mkdir -p "$project"
    {
        echo '<project xmlns="http://maven.apache.org/POM/4.0.0">'
        echo '<modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>'
        echo "<artifactId>$(basename "$project")</artifactId><version>1.0.0</version>"
        echo "<packaging>$packaging</packaging>"
        echo "<build><plugins>$plugin</plugins></build><dependencies>"
        for coordinates in "$@"; do
            IFS=: read -r group artifact version <<<"$coordinates"
            echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
            echo "<version>$version</version></dependency>"
        done
        echo '</dependencies></project>'
    } >"$project/pom.xml"
}

# Runs Maven in a directory, with a repository of its own.
maven() {
    local directory=$1
    shift
    (cd "$directory" && outside mvn maven --batch-mode --no-transfer-progress \
        -Dmaven.repo.local="$images/.fetched/maven" "$@")
}
