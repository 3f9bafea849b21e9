"""Old packages of every ecosystem, installed by its own tool, and what that tool says is there.

Each `Place` is what an image gets and the inventory to compare with: (name, version) as the
ecosystem's tool writes them, or more where advisories need more.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from packaging.utils import canonicalize_name

from images import real_packages
from images.package_tools import once, run

# All of these are old on purpose. Only metadata is kept of what pip installs, so that wheels of
# other Pythons serve as well.
PYTHON = """
aiohttp==3.6.2 bleach==3.0.0 celery==4.2.1 certifi==2019.3.9 cryptography==2.3 django==2.2.0
djangorestframework==3.9.0 flask==0.12.2 flask-cors==3.0.8 gunicorn==19.9.0 httplib2==0.18.1 idna==2.8
ipython==7.0.0 jinja2==2.10 keras==2.2.4 lxml==4.5.0 mako==1.1.2 markdown2==2.3.9
notebook==5.7.0 numpy==1.16.0 paramiko==2.4.0 pillow==6.2.0 pip==19.0 protobuf==3.6.1 py==1.8.0
pyarrow==0.14.0 pygments==2.4.0 pyjwt==1.5.0 pyopenssl==17.3.0 pyyaml==5.1 redis==3.2.0
requests==2.19.1 rsa==3.4 scrapy==1.8.0 setuptools==40.0.0 sqlparse==0.2.4 tensorflow-cpu==1.15.0
transformers==4.20.0 urllib3==1.23 waitress==1.3.0 werkzeug==0.15.2 wheel==0.33.0
""".split()

NODE = """
@babel/traverse@7.22.0 angular@1.5.0 bootstrap@3.3.0 braces@2.3.0 cryptiles@4.1.0
decompress@4.2.0 dot-prop@4.2.0 ejs@2.5.2 express@4.16.0 fastify@2.0.0 forwarded@0.1.0 fresh@0.5.0
formidable@2.0.1 growl@1.9.0 handlebars@4.0.0 hawk@3.1.0 hoek@4.2.0 http-proxy@1.17.0 i18next@17.0.0
jquery@2.1.0 js-yaml@3.5.0 jsrsasign@8.0.0 lodash@4.17.4 marked@0.3.5 minimatch@3.0.0 minimist@1.2.0
mixin-deep@1.3.0 mocha@3.0.0 moment@2.11.0 ms@0.7.0 mustache@2.0.0 negotiator@0.6.0 nodemailer@2.7.0
npm-user-validate@0.1.1 qs@6.0.0 request@2.67.0 semver@4.3.0
serialize-javascript@1.4.0 socket.io@1.4.0 superagent@3.6.0 tar@2.2.0 tough-cookie@2.2.0
tunnel-agent@0.4.3 uglify-js@2.4.0 underscore.string@2.4.0 validator@2.0.0 ws@1.0.0
""".split()

MAVEN = """
ch.qos.logback:logback-classic:1.2.3 ch.qos.logback:logback-core:1.2.3
com.fasterxml.jackson.core:jackson-databind:2.9.8 com.google.guava:guava:20.0
com.google.protobuf:protobuf-java:3.6.1 com.nimbusds:nimbus-jose-jwt:5.1 dnsjava:dnsjava:3.5.0
dom4j:dom4j:1.6.1 io.netty:netty-codec-http:4.1.40.Final io.netty:netty-handler:4.1.40.Final
io.netty:netty:3.9.0.Final log4j:log4j:1.2.17 org.apache.commons:commons-compress:1.18
org.apache.commons:commons-configuration2:2.4 org.apache.hadoop:hadoop-common:2.7.3
org.apache.httpcomponents:httpclient:4.3.1 org.apache.logging.log4j:log4j-core:2.14.1
org.apache.mina:mina-core:2.0.19 org.apache.pdfbox:pdfbox:2.0.10 org.apache.shiro:shiro-core:1.4.0
org.apache.shiro:shiro-web:1.4.0 org.apache.thrift:libthrift:0.9.3
org.apache.tomcat.embed:tomcat-embed-core:9.0.20 org.apache.zookeeper:zookeeper:3.4.10
org.bouncycastle:bcprov-jdk15on:1.56 org.codehaus.jettison:jettison:1.3.8
org.codehaus.plexus:plexus-utils:3.0.15 org.dom4j:dom4j:2.0.0
org.eclipse.jetty:jetty-http:9.4.10.v20180503 org.eclipse.jetty:jetty-server:9.4.10.v20180503
org.eclipse.jetty:jetty-webapp:9.4.10.v20180503 org.jsoup:jsoup:1.10.2
org.springframework:spring-core:4.3.0.RELEASE org.springframework:spring-web:4.3.0.RELEASE
org.xerial.snappy:snappy-java:1.1.7.3 org.yaml:snakeyaml:1.20 xerces:xercesImpl:2.11.0
""".split()

# RubyGems' and Packagist's servers are not needed: the tools themselves install what was built
# here a moment before under names and versions that exist.
GEMS = """
actionpack-4.2.5 actionview-4.2.5 activejob-4.2.5 activemodel-4.2.5 activerecord-4.2.5 activestorage-5.2.0
activesupport-4.2.5 addressable-2.5.0 bootstrap-sass-3.4.0 brakeman-4.5.0 bundler-1.17.0 carrierwave-1.2.0
devise-4.4.0 doorkeeper-4.2.0 ffi-1.9.20 google-protobuf-3.19.0 jquery-rails-4.0.3 json-2.2.0
jwt-1.5.0 kaminari-1.2.0 loofah-2.2.0 mail-2.5.4 mini_magick-4.9.3 nokogiri-1.8.1 oauth-0.5.4
omniauth-1.9.0 omniauth-facebook-1.4.0 paperclip-5.1.0 passenger-5.0.21 puma-3.12.0 rack-1.6.4
rack-cors-1.0.0 rack-protection-1.5.3 rails-4.2.5 rails-html-sanitizer-1.0.2 rake-12.3.2 redcarpet-3.4.0
rest-client-1.7.0 ruby-saml-1.0.0 rubyzip-1.2.1 sanitize-4.5.0 secure_headers-3.6.0 simple_form-3.0.0
sinatra-1.4.7 sprockets-3.7.1 uglifier-2.7.0 websocket-extensions-0.1.2 yard-0.9.10
rack-2.0.4 rack-2.2.3 rack-3.0.0.beta1 rails-5.0.0.beta1 nokogiri-1.11.0.rc3
""".split()

COMPOSER = """
aws/aws-sdk-php:3.2.0 cakephp/cakephp:2.4.8 codeigniter/framework:2.1.0 contao/core:3.2.0
doctrine/orm:2.3.0 dompdf/dompdf:0.6.1 drupal/core:8.5.0 drupal/webform:5.23.0 firebase/php-jwt:1.0.0
guzzlehttp/guzzle:6.5.2 illuminate/database:5.5.0 laravel/framework:5.5.10 league/commonmark:0.18.1
mautic/core:2.12.0 monolog/monolog:1.11.0 phpmailer/phpmailer:5.2.15 phpseclib/phpseclib:2.0.5
phpunit/phpunit:5.6.2 pusher/pusher-php-server:2.2.0 silverstripe/framework:3.5.3 simplesamlphp/simplesamlphp:1.14.0
smarty/smarty:3.1.30 swiftmailer/swiftmailer:5.4.1 symfony/http-foundation:2.7.10 symfony/http-kernel:4.3.0-RC1
symfony/security:2.3.6 symfony/symfony:2.3.18 symfony/yaml:2.0.20 tecnickcom/tcpdf:6.2.12 twig/twig:1.19.0
typo3/cms-core:9.5.4 typo3/cms:8.7.10 yiisoft/yii2:2.0.13 zendframework/zend-http:2.8.0
zendframework/zendframework1:1.12.12 zendframework/zendframework:2.4.9
""".split()

GO_RELEASE = "1.21.0"
# Module, version, and the package of it that is linked.
GO_MODULES = """
github.com/Masterminds/goutils v1.1.0 .
github.com/aws/aws-sdk-go v1.25.0 service/s3/s3crypto
github.com/buger/jsonparser v1.0.0 .
github.com/dgrijalva/jwt-go v3.2.0+incompatible .
github.com/gin-gonic/gin v1.6.0 .
github.com/gogo/protobuf v1.3.0 proto
github.com/gorilla/websocket v1.4.0 .
github.com/labstack/echo/v4 v4.1.0 .
github.com/miekg/dns v1.1.0 .
github.com/nats-io/jwt v0.3.0 .
github.com/pkg/sftp v1.10.0 .
github.com/satori/go.uuid v1.2.1-0.20180103174451-36e9d2ebbde5 .
github.com/tidwall/gjson v1.6.0 .
github.com/ulikunitz/xz v0.5.6 .
golang.org/x/crypto v0.0.0-20190308221718-c2843e01d9a2 ssh
golang.org/x/image v0.0.0-20190227222117-0694c2d4d067 tiff
golang.org/x/net v0.0.0-20190311183353-d8887717615a http2
golang.org/x/text v0.3.2 language
google.golang.org/grpc v1.20.0 .
gopkg.in/yaml.v2 v2.2.2 .
""".strip().split("\n")

CRATES = """
actix-web=2.0.0 arr_macro=0.1.3 atty=0.2.14 base64=0.5.1 chrono=0.4.19 failure=0.1.5
flatbuffers=0.8.3 generic-array=0.12.3 http=0.1.19 hyper=0.12.34 image=0.23.11 lazy-init=0.5.0
libsqlite3-sys=0.16.0 lru=0.7.0 lz4-sys=1.9.2 memoffset=0.2.1 nix=0.20.0 openssl=0.10.54
openssl-src=111.10.0+1.1.1g prost=0.5.0 quick-xml=0.17.0 rand_core=0.4.0 regex=1.5.4
remove_dir_all=0.5.3 rocket=0.4.6 rust-crypto=0.2.36 serde_yaml=0.8.3 sized-chunks=0.6.2
slice-deque=0.3.0 spin=0.5.1 stdweb=0.4.20 tar=0.4.15 term=0.5.2 thread_local=1.0.0 time=0.1.43
tokio=0.1.22 trust-dns-proto=0.5.0 url=1.7.2 xcb=0.8.2 yaml-rust=0.4.0 zip=0.5.13
""".split()

ALMA = """
bash 4.4.19-14.el8
bind-libs 32:9.11.26-3.el8
binutils 2.30-93.el8
c-ares 1.13.0-5.el8
cups-libs 1:2.2.6-38.el8
curl 7.61.1-18.el8
cyrus-sasl-lib 2.1.27-5.el8
dbus 1:1.12.8-12.el8
dnsmasq 2.79-15.el8
expat 2.2.5-4.el8
file-libs 5.33-16.el8
freetype 2.9.1-4.el8_3.1
glib2 2.56.4-10.el8_4
glibc 2.28-151.el8
gnutls 3.6.14-8.el8_3
grub2-common 1:2.02-99.el8
gzip 1.9-12.el8
json-c 0.13.1-0.4.el8
kernel-core 4.18.0-305.el8
krb5-libs 1.18.2-8.el8
libarchive 3.3.3-1.el8
libcurl 7.61.1-18.el8
libgcc 8.4.1-1.el8
libgcrypt 1.8.5-4.el8
libsolv 0.7.16-2.el8
libtiff 4.0.9-18.el8
libxml2 2.9.7-9.el8
lua-libs 5.3.4-11.el8
ncurses-libs 6.1-7.20180224.el8
nss 3.53.1-17.el8_3
openssh-server 8.0p1-6.el8_4.2
openssl 1:1.1.1g-15.el8_3
openssl-libs 1:1.1.1g-15.el8_3
pcre2 10.32-2.el8
perl-interpreter 4:5.26.3-419.el8
polkit 0.115-11.el8
python3-libs 3.6.8-37.el8
rpm 4.14.3-13.el8
rsync 3.1.3-12.el8
samba-client 4.13.3-3.el8
sqlite-libs 3.26.0-13.el8
sudo 1.8.29-7.el8
systemd 239-45.el8
tar 2:1.30-5.el8
unbound-libs 1.7.3-15.el8
vim-minimal 2:8.0.1763-15.el8
xz 5.2.4-3.el8
zlib 1.2.11-17.el8
golang 1.15.7-1.module_el8.4.0+2226+8b5c4f5e go-toolset:rhel8
httpd 2.4.37-39.module_el8.4.0+2407+f0ffbf62 httpd:2.4
mariadb-server 3:10.3.28-1.module_el8.4.0+2449+6c0b1b5c mariadb:10.3
mod_ssl 1:2.4.37-39.module_el8.4.0+2407+f0ffbf62 httpd:2.4
nginx 1:1.18.0-3.module_el8.4.0+2124+5ab4e7c6 nginx:1.18
nodejs 1:14.16.0-2.module_el8.4.0+2224+b07ac28e nodejs:14
npm 1:6.14.11-1.14.16.0.2.module_el8.4.0+2224+b07ac28e nodejs:14
php-cli 7.4.6-4.module_el8.3.0+2084+d5f5e4b4 php:7.4
podman 3.0.1-6.module_el8.4.0+2415+0c4b2f1b container-tools:rhel8
postgresql-server 10.15-1.module_el8.3.0+2133+4bf5a4a7 postgresql:10
python39 3.9.2-1.module_el8.4.0+2196+b3a2d2c7 python39:3.9
qemu-kvm 15:4.2.0-48.module_el8.4.0+2185+98e8a1a9 virt:rhel
ruby 2.5.9-107.module_el8.4.0+2193+b5b4a4a8 ruby:2.5
runc 1.0.0-70.rc92.module_el8.4.0+2415+0c4b2f1b container-tools:rhel8
squid 7:4.11-4.module_el8.4.0+2191+a6a2f2c7 squid:4
subversion 1.10.2-4.module_el8.3.0+2106+4d7e8a1c subversion:1.10
"""

DEBIAN_EXTRA = (
    "apache2-bin,bind9-dnsutils,busybox,curl,dnsmasq-base,file,git,krb5-user,libarchive-tools,"
    "libtiff-tools,libxml2-utils,openssh-client,openssl,python3-minimal,rsync,screen,sudo,tcpdump,unzip,"
    "vim-tiny,wget,xz-utils"
)
DEBIAN_RELEASES = {"11": "bullseye", "12": "bookworm"}


def python() -> Path:
    """A site-packages directory with the metadata of what pip installed."""

    def install(made: Path):
        every = made.parent / "every"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--no-compile", "--no-deps", "--only-binary=:all:", "--implementation=cp"]
        pip += ["--python-version=3.7", "--abi=cp37m", "--abi=abi3", "--abi=none"]
        pip += ["--platform=manylinux2014_x86_64", "--platform=manylinux2010_x86_64"]
        pip += ["--platform=manylinux1_x86_64", "--platform=win_amd64", "--platform=any"]
        for wanted in PYTHON:
            # One after the other: what is large is thrown away at once.
            shutil.rmtree(every, ignore_errors=True)
            run(*pip, "--target", every, wanted)
            for metadata in every.glob("*.dist-info"):
                shutil.copytree(metadata, made / metadata.name)

    return once("groundtruth-python", install)


def python_inventory() -> set:
    return real_packages.pip_packages(python())


def node() -> Path:
    """A prefix into which npm installed globally."""

    def install(made: Path):
        made.mkdir()
        npm = ["npm", "install", "--global", "--prefix", made, "--ignore-scripts", "--no-audit"]
        run(*npm, "--no-fund", "--loglevel=error", *NODE)
        shutil.rmtree(made / "bin", ignore_errors=True)
        # Names and versions are what counts here.
        for path in sorted(made.rglob("*"), reverse=True):
            if path.is_symlink() or (path.is_file() and path.name != "package.json"):
                path.unlink()

    return once("groundtruth-node", install)


def node_inventory() -> set:
    return real_packages.npm_packages(node())


def maven() -> Path:
    """A directory of jars that Maven resolved, each by itself."""

    def resolve(made: Path):
        project = made.parent / "project"
        project.mkdir()
        wanted = "".join(
            "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
            "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>"
            "</exclusions></dependency>".format(*map(escape, coordinates.split(":")))
            for coordinates in MAVEN
        )
        (project / "pom.xml").write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId>"
            "<artifactId>x</artifactId><version>1</version>"
            f"<dependencies>{wanted}</dependencies></project>"
        )
        copy = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies"
        run("mvn", "-q", "-B", copy, f"-DoutputDirectory={made}", cwd=project)

    return once("groundtruth-maven", resolve)


def maven_inventory() -> set:
    """What Maven was asked for, and what Maven wrote into the jars about what lies in them."""
    asked = {tuple(coordinates.rsplit(":", 1)) for coordinates in MAVEN}
    within = (real_packages.maven_coordinates(jar) for jar in sorted(maven().glob("*.jar")))
    return asked.union(*within)


def gems() -> Path:
    """A directory into which RubyGems installed gems that it had built."""

    def install(made: Path):
        source = made.parent / "source"
        source.mkdir()
        for gem in GEMS:
            name, version = gem.rsplit("-", 1)
            (source / f"{gem}.gemspec").write_text(
                "Gem::Specification.new do |s|\n"
                f"  s.name, s.version, s.summary = '{name}', '{version}', 'x'\n"
                "  s.authors, s.files = ['x'], []\nend\n"
            )
            run("gem", "build", "--silent", f"{gem}.gemspec", cwd=source)
        install = ("gem", "install", "--local", "--no-document", "--force", "--install-dir", made)
        run(*install, *sorted(source.glob("*.gem")))
        shutil.rmtree(made / "cache")

    return once("groundtruth-gems", install)


def gem_inventory() -> set:
    """What `gem list` shows: several versions of a gem stand on one line."""
    environment = {**os.environ, "GEM_HOME": str(gems()), "GEM_PATH": str(gems())}
    shown = run("gem", "list", "--local", "--all", "--prerelease", env=environment)
    rows = (line.rstrip(")").split(" (") for line in shown.splitlines() if " (" in line)
    return {
        (name, version)
        for name, versions in rows
        for version in versions.split(", ")
        if not version.startswith("default")
    }


def composer() -> Path:
    """A project into which Composer installed packages from directories beside it."""

    def install(made: Path):
        made.mkdir()
        repositories, wanted = [{"packagist.org": False}], {}
        for package in COMPOSER:
            name, version = package.split(":")
            library = made.parent / "libraries" / name
            library.mkdir(parents=True)
            (library / "composer.json").write_text(json.dumps({"name": name, "version": version}))
            options = {"symlink": False}
            repositories.append({"type": "path", "url": str(library), "options": options})
            wanted[name] = version
        manifest = {
            "name": "acme/shop",
            "repositories": repositories,
            "require": wanted,
            "minimum-stability": "dev",
        }
        (made / "composer.json").write_text(json.dumps(manifest))
        home = str(made.parent / "home")
        environment = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": home}
        run("composer", "install", "--quiet", "--no-interaction", cwd=made, env=environment)

    return once("groundtruth-composer", install)


def composer_inventory() -> set:
    environment = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1"}
    shown = run("composer", "show", "--format=json", "--no-interaction", cwd=composer(), env=environment)
    return {(item["name"], item["version"]) for item in json.loads(shown)["installed"]}


def go_program() -> Path:
    """A program that links old modules, built by an old Go."""

    def build(made: Path):
        source = made.parent / "source"
        source.mkdir()
        modules = [line.split() for line in GO_MODULES]
        packages = [f"{module}/{package}".removesuffix("/.") for module, _, package in modules]
        imports = "".join(f'\t_ "{package}"\n' for package in packages)
        (source / "main.go").write_text(f"package main\n\nimport (\n{imports})\n\nfunc main() {{}}\n")
        required = "".join(f"require {module} {version}\n" for module, version, _ in modules)
        (source / "go.mod").write_text(f"module example.com/old\n\ngo 1.21\n\n{required}")
        settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": f"go{GO_RELEASE}"}
        env = {**os.environ, **settings, "GOOS": "linux", "GOARCH": "amd64"}
        run("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", made, ".", cwd=source, env=env)

    return once("groundtruth-go", build)


def go_inventory() -> set:
    return real_packages.go_modules(go_program())


def crates() -> Path:
    """A project with the lock that Cargo made."""

    def lock(made: Path):
        (made / "src").mkdir(parents=True)
        (made / "src/main.rs").write_text("fn main() {}\n")
        wanted = "".join('{} = "={}"\n'.format(*crate.split("=")) for crate in CRATES)
        (made / "Cargo.toml").write_text(
            '[package]\nname = "old"\nversion = "0.0.0"\nedition = "2021"\n'
            f"[dependencies]\n{wanted}[workspace]\n"
        )
        run("cargo", "generate-lockfile", cwd=made)

    return once("groundtruth-crates", lock)


def crate_inventory() -> set:
    """What `cargo metadata` resolves, without the project itself."""
    shown = run("cargo", "metadata", "--format-version=1", "--locked", cwd=crates())
    return {(it["name"], it["version"]) for it in json.loads(shown)["packages"] if it["source"]}


def debian(release: str) -> Path:
    """What a scanner reads of a Debian as it was released, without its security updates."""
    suite = DEBIAN_RELEASES[release]

    def bootstrap(made: Path):
        root = made.parent / "root"
        mirror = f"deb http://deb.debian.org/debian {suite} main"
        options = ["--variant=minbase", "--mode=root", f"--include={DEBIAN_EXTRA}"]
        options += ["--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*"]
        run("mmdebstrap", *options, suite, root, mirror)
        for path in ("var/lib/dpkg", "etc/os-release", "usr/lib/os-release", "etc/debian_version"):
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            if (root / path).is_dir():
                shutil.copytree(root / path, made / path, symlinks=True)
            else:
                shutil.copy2(root / path, made / path, follow_symlinks=False)

    return once(f"groundtruth-debian-{suite}", bootstrap)


def debian_inventory(release: str) -> set:
    """Name, version, source and source's version of each package that dpkg lists."""
    rows = real_packages.dpkg_packages(debian(release))
    return {(name, version, source, its) for name, version, _, source, its in rows}


def alma_database() -> Path:
    """The database that rpm writes when it installs packages of AlmaLinux 8.4.

    They are built here without content under their names, versions and modules: no server has the
    old ones any more.
    """

    def install(made: Path):
        built = made.parent / "built"
        for line in ALMA.strip().split("\n"):
            name, version, *module = line.split()
            epoch, _, version = version.rpartition(":")
            version, release = version.split("-")
            lines = [f"Name: {name}", f"Version: {version}", f"Release: {release}", "Summary: s"]
            lines += ["License: MIT", "BuildArch: noarch"] + ([f"Epoch: {epoch}"] if epoch else [])
            lines += [f"ModularityLabel: {it}:8040020210817:522a0ee4" for it in module]
            spec = made.parent / f"{name}.spec"
            spec.write_text("\n".join([*lines, "%description", "d", "%files", ""]))
            paths = (f"_topdir {made.parent}/top", f"_rpmdir {built}")
            run("rpmbuild", "-bb", *(word for it in paths for word in ("--define", it)), spec)
        database = made.parent / "db"
        install = ("rpm", "-i", "--justdb", "--nodeps", "--noscripts", "--dbpath", database)
        run(*install, *sorted(built.rglob("*.rpm")))
        # The rest of what SQLite had not yet written into its file goes into it now.
        run("rpmdb", "--rebuilddb", "--dbpath", database)
        made.write_bytes((database / "rpmdb.sqlite").read_bytes())

    return once("groundtruth-alma.sqlite", install)


def alma_inventory() -> set:
    """What rpm lists of the database: name, version, and the module behind two empty places."""
    query = "%{NAME}|%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}|%{MODULARITYLABEL}\\n"
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(alma_database(), Path(directory, "rpmdb.sqlite"))
        rows = run("rpm", "-qa", "--qf", query, "--dbpath", directory).splitlines()
    listed = (row.split("|") for row in rows)
    return {
        (name, version, "", "", None if label == "(none)" else ":".join(label.split(":")[:2]))
        for name, version, label in listed
    }


def normalized(ecosystem: str, name: str) -> str:
    """A name as its ecosystem compares it."""
    if ecosystem == "pypi":
        return canonicalize_name(name)
    return name.lower() if ecosystem in ("composer", "nuget") else name
