use proptest::prelude::{Just, Strategy, prop, prop_assert_eq, prop_oneof, proptest};

use super::{Item, TomlItems, elements, field, string};

fn items(text: &str) -> Result<Vec<Item<'_>>, String> {
    let mut reader = TomlItems::new(text);
    let mut items = Vec::new();
    while let Some(item) = reader.next().map_err(|fault| fault.reason)? {
        items.push(item);
    }
    Ok(items)
}

fn value<'a>(key: &'a str, value: &'a str) -> Item<'a> {
    Item::Value { key, value }
}

fn table(name: &str, is_element: bool) -> Item<'_> {
    Item::Table { name, is_element }
}

#[test]
fn tables_and_values_come_as_they_are_written() {
    let text = "# comment\r\nversion = 4\r\n\r\n[[package]] # another\nname = \"a\" # why\n\
        \"b=c\" = 'd # e'\nlist = [\n    \"x\", # ]\n    { y = \"z\" },\n]\n\n[package.sub]\nlast = true";
    let list = "[\n    \"x\", # ]\n    { y = \"z\" },\n]";
    let expected = [
        value("version", "4"),
        table("package", true),
        value("name", "\"a\""),
        value("b=c", "'d # e'"),
        value("list", list),
        table("package.sub", false),
        value("last", "true"),
    ];
    // What follows a table on its line is no item.
    assert_eq!(items(text).as_deref(), Ok(&expected[..]));
}

#[test]
fn texts_of_several_lines_hold_no_items() {
    let text = "a = \"\"\"\n[[package]]\nname = \\\"\"\"\"\"\nb = '''\nc = '\n'' '''\nd = 1\n";
    let found = items(text).expect("a document");
    let keys: Vec<_> = found.iter().map(|item| format!("{item:.0?}")).collect();
    assert_eq!(found.len(), 3, "{keys:?}");
    assert_eq!(found.last(), Some(&value("d", "1")));
}

#[test]
fn what_does_not_end_is_a_fault_in_its_line() {
    for (text, line) in [
        ("a = \"b", 1),
        ("\n\na = [1,\n2", 3),
        ("a = '''\n\n", 1),
        ("a\nb = 1", 1),
        ("a = 1\n[b\n", 2),
        ("a = 1]\n", 1),
    ] {
        let reason = items(text).expect_err(text);
        assert!(reason.starts_with(&format!("line {line} is malformed: ")), "{text}: {reason}");
    }
}

#[test]
fn strings_elements_and_fields_are_taken_out_of_values() {
    for (written, meant) in [
        ("\"a\"", Some("a")),
        ("'a\\b'", Some("a\\b")),
        ("\"a\\\"\\u00e4\"", Some("a\"\u{e4}")),
        ("1.0", None),
        ("\"a", None),
        ("\"", None),
        ("", None),
    ] {
        assert_eq!(string(written).as_deref(), meant, "{written}");
    }
    let list = "[\"a\", { b = [1, 2], c = \"d,e\" }, # x, y\n , 'f']";
    let found: Vec<_> = elements(list).collect();
    assert_eq!(found, ["\"a\"", "{ b = [1, 2], c = \"d,e\" }", "'f'"]);
    assert_eq!(field(found[1], "c"), Some("\"d,e\""));
    assert_eq!(field(found[1], "x"), None);
    assert_eq!(elements("[]").count() + elements("1").count() + elements("[").count(), 0);
}

fn some_value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "\"[a-c#,\\[\\]{}=' ]{0,6}\"",
        "'[a-c#,\\[\\]{}=\" ]{0,6}'",
        "\"\"\"[a-c#\n=' ]{0,6}\"\"\"",
        Just("\"\\\"\\\\\"".to_owned()),
        Just("12".to_owned()),
        Just("2020-01-01T00:00:00Z".to_owned()),
    ];
    text.prop_recursive(2, 8, 3, |inner| {
        let gap = prop_oneof![Just(" "), Just("\n"), Just(" # , ]\n")];
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..3), gap)
                .prop_map(|(all, gap)| format!("[{gap}{}{gap}]", all.join(&format!(",{gap}")))),
            prop::collection::vec(inner, 0..3).prop_map(|all| {
                let pairs = all.iter().enumerate().map(|(at, value)| format!("k{at} = {value}"));
                format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
            }),
        ]
    })
}

/// The strings that `string` reads, with where they are.
fn strings_of(at: &str, value: &str, found: &mut Vec<(String, String)>) {
    if let Some(text) = string(value).filter(|_| !value.starts_with("\"\"\"")) {
        found.push((at.to_owned(), text.into_owned()));
    } else if value.starts_with('[') {
        elements(value).for_each(|element| strings_of(at, element, found));
    } else {
        for pair in elements(value) {
            let (key, value) = pair.split_once('=').expect("a pair");
            strings_of(&format!("{at}.{}", key.trim()), value.trim(), found);
        }
    }
}

fn strings_of_library(at: &str, value: &toml::Value, found: &mut Vec<(String, String)>) {
    match value {
        toml::Value::String(text) => found.push((at.to_owned(), text.clone())),
        toml::Value::Array(all) => all.iter().for_each(|it| strings_of_library(at, it, found)),
        toml::Value::Table(table) => {
            table
                .iter()
                .for_each(|(key, it)| strings_of_library(&format!("{at}.{key}"), it, found));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn documents_are_read_as_the_toml_library_reads_them(
        values in prop::collection::vec((0..4_u8, some_value()), 0..8),
    ) {
        let mut text = String::new();
        for (at, (kind, value)) in values.iter().enumerate() {
            match kind {
                0 => text.push_str("\n# [x]\n[[element]]\n"),
                1 => text.push_str(&format!("[table{at}] # x\n")),
                _ => {}
            }
            text.push_str(&format!("key{at} = {value} # x\n"));
        }
        let document: toml::Value = toml::from_str::<toml::Table>(&text).expect(&text).into();
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        strings_of_library("", &document, &mut expected);
        let mut at = String::new();
        for item in items(&text).expect(&text) {
            match item {
                Item::Table { name, .. } => at = format!(".{name}"),
                Item::Value { key, value } => strings_of(&format!("{at}.{key}"), value, &mut found),
            }
        }
        let long = |value: &(u8, String)| value.1.contains("\"\"\"");
        if !values.iter().any(long) {
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a=\"'\\[\\]{},#\\\\\n ]{0,60}") {
        if let Ok(items) = items(&text) {
            for item in items {
                if let Item::Value { value, .. } = item {
                    let _ = elements(value).filter_map(|it| field(it, "a")).count();
                }
            }
        }
    }
}
