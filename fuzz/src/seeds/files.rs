//! One small file, at least, for each analyzer that reads text, with a path that it is found at.

/// An analyzer, a path and what stands there.
pub(super) type File = (&'static str, &'static str, &'static str);

pub(super) const FILES: &[File] = &[
    (
        "os-release",
        "etc/os-release",
        "ID=debian\nVERSION_ID=\"12\"\nNAME='A \\\"B\\\"'\nPRETTY_NAME=\"Debian 12\"\n",
    ),
    ("os-release", "etc/alpine-release", "3.20.1\n"),
    ("os-release", "etc/debian_version", "12.5\n"),
    (
        "dpkg",
        "var/lib/dpkg/status",
        "Package: libone\nStatus: install ok installed\nArchitecture: amd64\nSource: one (1.2)\n\
         Version: 1:1.2-3+b1\nDescription: one\n more of it\n\nPackage: two\nStatus: deinstall ok \
         config-files\nVersion: 2\n\n",
    ),
    ("dpkg", "var/lib/dpkg/status.d/one", "Package: one\nVersion: 1.0\nArchitecture: all\n"),
    (
        "dpkg-files",
        "var/lib/dpkg/info/one.list",
        "/.\n/usr\n/usr/lib/node_modules/a/package.json\n",
    ),
    ("dpkg-files", "var/lib/dpkg/status.d/one.md5sums", "0123456789abcdef  usr/bin/one\n"),
    (
        "apk",
        "lib/apk/db/installed",
        "C:Q1abc=\nP:one\nV:1.2.3-r4\nA:x86_64\no:origin\nF:usr/bin\nR:one\na:0:0:755\nZ:Q1x=\n\n\
         P:two\nV:2_rc1\n\n",
    ),
    (
        "rpm-manifest",
        "var/lib/rpmmanifest/container-manifest-2",
        "bash\t5.1.8-1.cm2\t1653828371\t1653820347\tMicrosoft\t(none)\t5111122\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n",
    ),
    (
        "pacman",
        "var/lib/pacman/local/one-1.2-3/desc",
        "%NAME%\none\n\n%VERSION%\n1:1.2-3\n\n%BASE%\none-base\n\n%ARCH%\nx86_64\n",
    ),
    (
        "pacman-files",
        "var/lib/pacman/local/one-1.2-3/files",
        "%FILES%\nusr/\nusr/lib/node_modules/a/package.json\n\n%BACKUP%\netc/one\tabc\n",
    ),
    ("portage", "var/db/pkg/dev-lang/python-3.11.8_p1-r2/PF", "python-3.11.8_p1-r2\n"),
    (
        "portage-files",
        "var/db/pkg/dev-lang/python-3.11.8/CONTENTS",
        "dir /usr\nobj /usr/lib/a b/package.json 0123 1700000000\nsym /usr/a -> b 1\n",
    ),
    (
        "opkg",
        "usr/lib/opkg/status",
        "Package: one\nVersion: 1.2-r3\nStatus: install user installed\nArchitecture: all\n\n",
    ),
    ("opkg-files", "usr/lib/opkg/info/one.list", "/usr/bin/one\n/usr/lib/a/package.json\n"),
    (
        "python",
        "usr/lib/python3/one-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: One_One\nVersion: 1.0\nSummary: x\n\nVersion: 2\n",
    ),
    ("conda", "opt/conda/conda-meta/one-1.0-0.json", r#"{"name":"one","version":"1.0","x":[1]}"#),
    (
        "python-lock",
        "app/poetry.lock",
        "[[package]]\nname = \"one\"\nversion = \"1.0\"\ncategory = \"main\"\ngroups = [\"main\"]\n\
         \n[package.source]\ntype = \"directory\"\n\n[[package]]\nname = \"two\"\nversion = '2'\n\n\
         [metadata]\nlock-version = \"2.0\"\n",
    ),
    (
        "python-lock",
        "app/uv.lock",
        "version = 1\n[[package]]\nname = \"one\"\nversion = \"1.0\"\nsource = { registry = \"x\" }\n\
         dependencies = [\n    { name = \"two\", marker = \"a\" },\n]\n[package.dev-dependencies]\n\
         dev = [{ name = \"three\" }]\n[[package]]\nname = \"app\"\nversion = \"0\"\nsource = { \
         virtual = \".\" }\n",
    ),
    (
        "python-lock",
        "app/pylock.toml",
        "lock-version = \"1.0\"\n[[packages]]\nname = \"one\"\nversion = \"1\"\n[packages.directory]\
         \npath = \".\"\n",
    ),
    (
        "pipfile-lock",
        "app/Pipfile.lock",
        r#"{"_meta":{},"default":{"one":{"version":"==1.0"},"two":{"path":"."}},"develop":{}}"#,
    ),
    ("requirements", "app/requirements.txt", "one[a,b]==1.0 ; x # y\ntwo>=2\n-r other\nc==1.*\n"),
    ("npm", "app/node_modules/@a/one/package.json", r#"{"name":"@a/one","version":"1.0.0"}"#),
    ("npm", "app/package.json", r#"{"name":"one","version":"1.0.0","private":true}"#),
    (
        "npm-lock",
        "app/package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/one":{"version":"1.0.0"},"node_modules/one/node_modules/@a/b":{"version":"2","dev":true},"x":{"link":true}}}"#,
    ),
    (
        "npm-lock",
        "app/npm-shrinkwrap.json",
        r#"{"lockfileVersion":1,"dependencies":{"one":{"version":"1.0.0","dependencies":{"two":{"version":"npm:x@2"}}}}}"#,
    ),
    (
        "yarn-lock",
        "app/yarn.lock",
        "# yarn lockfile v1\n\n\"@a/b@^1.0\", one@^1:\n  version \"1.0.0\"\n  resolved \"x\"\n  \
         dependencies:\n    two \"^2\"\n",
    ),
    (
        "yarn-lock",
        "app/yarn.lock",
        "__metadata:\n  version: 6\n\n\"one@npm:^1\":\n  version: 1.0.0\n  resolution: \
         \"one@npm:1.0.0\"\n  linkType: hard\n",
    ),
    (
        "pnpm-lock",
        "app/pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      one:\n        specifier: \
         ^1\n        version: 1.0.0\n    devDependencies:\n      two:\n        version: 2.0.0\n\
         packages:\n  one@1.0.0:\n    resolution: {integrity: x}\n  '@a/b@1.0.0(two@2)':\n    dev: \
         true\nsnapshots:\n  one@1.0.0:\n    dependencies:\n      three: 3.0.0\n",
    ),
    (
        "pnpm-lock",
        "app/pnpm-lock.yaml",
        "lockfileVersion: 5.4\npackages:\n  /one/1.0.0:\n    dev: false\n  /@a/b/1.0.0_x@1:\n    \
         dev: true\n",
    ),
    (
        "bun-lock",
        "app/bun.lock",
        "{ // a comment\n\"lockfileVersion\": 1, \"workspaces\": {\"\": {\"dependencies\": {\"one\": \
         \"^1\"}, \"devDependencies\": {\"two\": \"2\"},}},\n\"packages\": {\"one\": \
         [\"one@1.0.0\", \"\", {\"dependencies\": {\"three\": \"3\"}}, \"sha\"], \"a/b\": \
         [\"b@npm:c@1\", {}],},}",
    ),
    (
        "gem",
        "usr/lib/ruby/specifications/one-1.0.gemspec",
        "# stub: one 1.0 ruby lib\nGem::Specification.new do |s|\n  s.name = \"one\".freeze\n  \
         s.version = Gem::Version.new(\"1.0\")\nend\n",
    ),
    (
        "gemfile-lock",
        "app/Gemfile.lock",
        "GEM\n  remote: x\n  specs:\n    one (1.0-x86)\n      two (>= 1)\n    two (2)\n\nPATH\n  \
         specs:\n    own (0)\n",
    ),
    (
        "composer",
        "app/vendor/composer/installed.json",
        r#"{"packages":[{"name":"a/one","version":"v1.0"}],"dev":true}"#,
    ),
    ("composer", "app/composer.lock", r#"{"packages":[{"name":"a/b","version":"1"}]}"#),
    (
        "cargo-lock",
        "app/Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"1.0.0\"\nsource = \
         \"registry+https://github.com/rust-lang/crates.io-index\"\ndependencies = [\n \"two\",\n]\n",
    ),
    (
        "dotnet",
        "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json",
        r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0/linux-x64"},"targets":{".NETCoreApp,Version=v8.0/linux-x64":{"One/1.0":{"runtime":{"a.dll":{}}}}},"libraries":{"One/1.0":{"type":"package"}}}"#,
    ),
    (
        "nuget",
        "app/packages.lock.json",
        r#"{"version":1,"dependencies":{"net8.0":{"One":{"type":"Direct","resolved":"1.0"}}}}"#,
    ),
    (
        "nuget",
        "app/packages.config",
        "<?xml version=\"1.0\"?>\n<packages><package id=\"One\" version=\"1.0\" /><package id=\"T\" \
         version=\"2\" developmentDependency=\"true\"></package></packages>",
    ),
    (
        "nuget",
        "app/Directory.Packages.props",
        "<Project><ItemGroup><PackageVersion Include=\"One\" Version=\"1.0\" /><!-- x --></ItemGroup>\
         </Project>",
    ),
    (
        "pub-lock",
        "app/pubspec.lock",
        "packages:\n  one:\n    dependency: \"direct main\"\n    source: hosted\n    version: \
         \"1.0.0\"\nsdks:\n  dart: \">=3\"\n",
    ),
    (
        "hex-lock",
        "app/mix.lock",
        "%{\n  \"one\": {:hex, :one, \"1.0.0\", \"abc\", [:mix], [], \"hexpm\", \"d\"},\n}\n",
    ),
    (
        "hex-lock",
        "app/rebar.lock",
        "{\"1.2.0\",\n[{<<\"one\">>,{pkg,<<\"one\">>,<<\"1.0.0\">>},0}]}.\n[].\n",
    ),
    (
        "swift-lock",
        "app/Package.resolved",
        r#"{"pins":[{"identity":"one","location":"https://example.com/a/one.git","state":{"version":"1.0"}}],"version":2}"#,
    ),
    (
        "cran",
        "usr/lib/R/library/one/DESCRIPTION",
        "Package: one\nVersion: 1.0-2\nBuilt: R 4.2.2; ; 2024\nPriority: base\n",
    ),
    (
        "hackage-lock",
        "app/cabal.project.freeze",
        "constraints: any.one ==1.0,\n             two +flag,\n             any.three ==3\n",
    ),
    (
        "hackage-lock",
        "app/stack.yaml.lock",
        "packages:\n- completed:\n    hackage: one-1.0@sha256:abc,12\n  original:\n    hackage: one\n",
    ),
    (
        "luarocks",
        "usr/lib/luarocks/rocks-5.1/one/1.0-1/one-1.0-1.rockspec",
        "package = \"one\"\nversion = \"1.0-1\"\n",
    ),
    ("conan", "app/conan.lock", r#"{"version":"0.5","requires":["one/1.0#r%1.0"]}"#),
    (
        "conan",
        "app/conan.lock",
        r#"{"graph_lock":{"nodes":{"1":{"ref":"one/1.0@u/c"}}},"version":"0.4"}"#,
    ),
    (
        "conan",
        "root/.conan/data/one/1.0/_/_/package/abc/conaninfo.txt",
        "[settings]\nos=Linux\n\n[requires]\ntwo/2.Y.Z\n[full_requires]\ntwo/2.0:abc\n",
    ),
    (
        "go-mod",
        "app/go.mod",
        "module app\ngo 1.22\nrequire (\n\texample.com/one v1.0.0 // indirect\n)\nreplace \
         example.com/one v1.0.0 => example.com/two v2.0.0\nreplace a => ./b\nexclude c v1\n",
    ),
    (
        "version-files",
        "opt/jdk/release",
        "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.2\"\nJAVA_RUNTIME_VERSION=\"17.0.2+8\"\n",
    ),
    ("version-files", "app/wp-includes/version.php", "<?php\n$wp_version = '6.5.2';\n"),
    ("preload", "etc/ld.so.preload", "# x\n/lib/evil.so:/lib/b.so\n"),
];
