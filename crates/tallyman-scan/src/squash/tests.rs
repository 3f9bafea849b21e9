use std::collections::{HashMap, HashSet};

use insta::assert_snapshot;
use tallyman_model::inventory::{ImageInventory, LayerInventory};
use tallyman_model::package::{Ecosystem, Package};

use super::{squash, unnamed_archives};
use crate::analyzers::eicar_test_file;
use crate::testing::zip::ZipBuilder;
use crate::testing::{TarBuilder, analyze};

fn layers(tars: impl IntoIterator<Item = TarBuilder>) -> Vec<LayerInventory> {
    tars.into_iter().map(|tar| analyze(&tar.finish()).expect("a good layer")).collect()
}

/// One line an item, with its layer.
fn lines(image: &ImageInventory) -> String {
    let mut text = String::new();
    if let Some(distribution) = &image.distribution {
        text += &format!("{}\n", distribution.release());
    }
    for item in &image.packages {
        let package = &item.package;
        text += &format!("{} {}@{} {}\n", item.layer, package.name, package.version, item.path);
    }
    for item in &image.alerts {
        text += &format!("{} alert {} {}\n", item.layer, item.alert.rule, item.path);
    }
    for item in &image.diagnostics {
        let diagnostic = &item.diagnostic;
        text += &format!("{} {:?} {}\n", item.layer, diagnostic.kind, diagnostic.path);
    }
    text
}

fn squashed(tars: impl IntoIterator<Item = TarBuilder>) -> String {
    lines(&squash(&layers(tars), &HashMap::new()))
}

fn status(packages: &[(&str, &str)]) -> TarBuilder {
    let text: String = packages
        .iter()
        .map(|(name, version)| {
            format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n")
        })
        .collect();
    TarBuilder::new().file("var/lib/dpkg/status", text)
}

fn manifest(path: &str, version: &str) -> TarBuilder {
    let content = format!(r#"{{"name":"left-pad","version":"{version}"}}"#);
    TarBuilder::new().file(&format!("{path}/node_modules/left-pad/package.json"), content)
}

#[test]
fn packages_of_a_database_belong_to_the_layer_that_first_named_them_to_the_end() {
    let image = squashed([
        status(&[("base", "1"), ("removed", "1"), ("upgraded", "1"), ("flapping", "1")]),
        TarBuilder::new().file("unrelated.txt", ""),
        status(&[("base", "1"), ("added", "1"), ("upgraded", "2")]),
        status(&[("base", "1"), ("added", "1"), ("upgraded", "2"), ("flapping", "1")]),
    ]);
    assert_snapshot!(image, @"
    2 added@1 var/lib/dpkg/status
    0 base@1 var/lib/dpkg/status
    3 flapping@1 var/lib/dpkg/status
    2 upgraded@2 var/lib/dpkg/status
    ");
}

#[test]
fn a_database_that_was_removed_in_between_starts_anew() {
    let image = squashed([
        status(&[("a", "1")]),
        TarBuilder::new().file("var/lib/.wh.dpkg", ""),
        status(&[("a", "1")]),
    ]);
    assert_snapshot!(image, @"2 a@1 var/lib/dpkg/status");
}

#[test]
fn whiteouts_and_opaque_directories_remove_what_is_beneath_them() {
    for (hiding, is_hidden) in [
        (TarBuilder::new().file(".wh.srv", ""), true),
        (TarBuilder::new().file("srv/app/.wh.node_modules", ""), true),
        (TarBuilder::new().file("srv/app/node_modules/left-pad/.wh.package.json", ""), true),
        (TarBuilder::new().file(".wh..wh..opq", ""), true),
        (TarBuilder::new().file("srv/.wh..wh..opq", ""), true),
        (TarBuilder::new().symlink("srv/app", "elsewhere"), true),
        (TarBuilder::new().file("srv/app/node_modules/left-pad/package.json", "{}"), true),
        (TarBuilder::new().file("srv/app/.wh.node_module", ""), false),
        (TarBuilder::new().file(".wh.app", ""), false),
        (TarBuilder::new().dir("srv/app"), false),
        (TarBuilder::new().file("srv/other/.wh..wh..opq", ""), false),
    ] {
        let layers = layers([manifest("srv/app", "1.0.0"), hiding]);
        let image = squash(&layers, &HashMap::new());
        assert_eq!(image.packages.is_empty(), is_hidden, "{:?}", layers[1]);
    }
}

#[test]
fn a_whiteout_hides_only_lower_layers_and_a_file_may_come_back() {
    let removal = || TarBuilder::new().file(".wh.srv", "");
    let image = squashed([
        manifest("srv", "1.0.0"),
        removal(),
        manifest("srv", "2.0.0").file(".wh.srv", ""),
        manifest("opt", "3.0.0"),
    ]);
    assert_snapshot!(image, @"
    2 left-pad@2.0.0 srv/node_modules/left-pad/package.json
    3 left-pad@3.0.0 opt/node_modules/left-pad/package.json
    ");
}

#[test]
fn os_release_in_etc_is_believed_first_then_in_usr_then_the_old_files() {
    let usr = || TarBuilder::new().file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n");
    let etc = || TarBuilder::new().file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n");
    let old = || TarBuilder::new().file("etc/alpine-release", "3.19.0\n");
    assert_snapshot!(squashed([etc(), usr(), old()]), @"alpine:3.20");
    assert_snapshot!(squashed([old(), usr()]), @"debian:12");
    assert_snapshot!(squashed([old()]), @"alpine:3.19");
    let link = TarBuilder::new().symlink("etc/os-release", "../usr/lib/os-release");
    assert_snapshot!(squashed([etc(), usr(), link]), @"debian:12");
    let newer = TarBuilder::new().file("etc/os-release", "ID=alpine\nVERSION_ID=3.21.0\n");
    assert_snapshot!(squashed([etc(), newer]), @"alpine:3.21");
}

#[test]
fn alerts_and_diagnostics_of_hidden_files_are_gone() {
    let base = || {
        TarBuilder::new()
            .file("eicar", eicar_test_file())
            .file("var/lib/dpkg/status", "broken")
            .file("../escape", "")
    };
    assert_snapshot!(squashed([base()]), @"
    0 alert eicar eicar
    0 Skipped ../escape
    0 Failed var/lib/dpkg/status
    ");
    let upper = status(&[("a", "1")]).file(".wh.eicar", "");
    assert_snapshot!(squashed([base(), upper]), @"
    1 a@1 var/lib/dpkg/status
    0 Skipped ../escape
    ");
}

#[test]
fn shared_and_owned_inventories_squash_alike() {
    let owned = layers([status(&[("a", "1")]), manifest("srv", "1.0.0")]);
    let shared: Vec<std::sync::Arc<LayerInventory>> =
        owned.iter().cloned().map(std::sync::Arc::new).collect();
    let borrowed: Vec<&LayerInventory> = owned.iter().collect();
    assert_eq!(squash(&owned, &HashMap::new()), squash(&shared, &HashMap::new()));
    assert_eq!(squash(&owned, &HashMap::new()), squash(&borrowed, &HashMap::new()));
    assert_eq!(squash::<LayerInventory>(&[], &HashMap::new()), ImageInventory::default());
}

#[test]
fn what_a_distributions_package_brought_is_marked_until_a_layer_above_replaces_it() {
    let list = |tar: TarBuilder| {
        let path = "/usr/share/nodejs/node_modules/left-pad/package.json\n";
        tar.file("var/lib/dpkg/info/node-left-pad.list", path)
    };
    let owned = |tars: Vec<TarBuilder>| {
        let image = squash(&layers(tars), &HashMap::new());
        image.packages.iter().map(|item| item.is_owned).collect::<Vec<_>>()
    };
    let brought = || manifest("usr/share/nodejs", "1.0.0");
    assert_eq!(owned(vec![list(brought())]), [true]);
    assert_eq!(owned(vec![brought(), list(TarBuilder::new())]), [true]);
    assert_eq!(owned(vec![list(brought()), brought()]), [false]);
    assert_eq!(owned(vec![list(brought()), manifest("srv", "1.0.0")]), [false, true]);
    let removed = TarBuilder::new().file("var/lib/dpkg/info/.wh.node-left-pad.list", "");
    assert_eq!(owned(vec![list(brought()), removed]), [false]);
}

#[test]
fn an_archive_is_what_the_index_knows_else_what_it_seems() {
    let jar = || ZipBuilder::new().stored("a/B.class", "content").finish();
    let war = ZipBuilder::new().stored("WEB-INF/lib/renamed.jar", jar()).finish();
    let tar = TarBuilder::new()
        .file("srv/shop.war", war)
        .file("opt/unheard-of-1.0.jar", jar())
        .file("opt/app.jar", jar());
    let layers = layers([tar]);
    let digests: HashSet<&str> = unnamed_archives(&layers).collect();
    assert_eq!(digests.len(), 2, "the same content three times, and the war");
    assert_snapshot!(lines(&squash(&layers, &HashMap::new())), @"0 unheard-of@1.0 opt/unheard-of-1.0.jar");
    let package = Package::new(Ecosystem::Maven, "org.example:library", "2.5");
    let known = digests.iter().map(|digest| (digest.to_string(), package.clone())).collect();
    assert_snapshot!(lines(&squash(&layers, &known)), @"
    0 org.example:library@2.5 opt/app.jar
    0 org.example:library@2.5 opt/unheard-of-1.0.jar
    0 org.example:library@2.5 srv/shop.war
    0 org.example:library@2.5 srv/shop.war!/WEB-INF/lib/renamed.jar
    ");
}
