use proptest::prelude::{prop_assert, proptest};

use super::{YamlLines, scalar};

fn lines(text: &str) -> Vec<(usize, String, String)> {
    YamlLines::new(text)
        .map(|line| (line.indent, line.key.into_owned(), line.value.to_owned()))
        .collect()
}

fn line(indent: usize, key: &str, value: &str) -> (usize, String, String) {
    (indent, key.to_owned(), value.to_owned())
}

#[test]
fn each_key_comes_with_its_indentation_and_its_value() {
    let text = "# a comment\n---\nlocks: '9.0'\n\nkeys:\r\n  '@s/a@1':\n    \"b:c\": {d: e}\n  x : y # z\n";
    let expected = [
        line(0, "locks", "'9.0'"),
        line(0, "keys", ""),
        line(2, "@s/a@1", ""),
        line(4, "b:c", "{d: e}"),
        line(2, "x", "y # z"),
    ];
    assert_eq!(lines(text), expected);
    assert_eq!(YamlLines::new(text).map(|line| line.number).collect::<Vec<_>>(), [3, 5, 6, 7, 8]);
}

#[test]
fn lists_and_texts_hold_no_keys() {
    let text =
        "a:\n  - b: c\n  - d\nurl: https://x/y\ne: |\n  f: g\n\n  h: i\nj: >-\n    k: l\nm:\n";
    let expected = [
        line(0, "a", ""),
        line(0, "url", "https://x/y"),
        line(0, "e", "|"),
        line(0, "j", ">-"),
        line(0, "m", ""),
    ];
    assert_eq!(lines(text), expected);
}

#[test]
fn a_long_key_and_its_value_may_be_on_lines_of_their_own() {
    let text =
        "snapshots:\n  ? 'a@1(b@2)'\n  : dependencies:\n      b: 2\n  ? \"c\"\n  :\n    d: 1\n";
    let expected = [
        line(0, "snapshots", ""),
        line(2, "a@1(b@2)", ""),
        line(4, "dependencies", ""),
        line(6, "b", "2"),
        line(2, "c", ""),
        line(2, "", ""),
        line(4, "d", "1"),
    ];
    assert_eq!(lines(text), expected);
}

#[test]
fn scalars_lose_their_quotes() {
    for (written, meant) in [
        ("1.0", "1.0"),
        (" 1.0  # why", "1.0"),
        ("'it''s'", "it's"),
        ("\"a\\\"\\u00e4\"", "a\"\u{e4}"),
        ("\"plain\" # b", "plain"),
        ("\"open", "\"open"),
        ("a#b", "a#b"),
        ("'", "'"),
        ("''", ""),
    ] {
        assert_eq!(scalar(written), meant, "{written}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_or_invent(text in r#"[a: '"?|>#\\\n-]{0,60}"#) {
        for line in YamlLines::new(&text) {
            prop_assert!(text.contains(line.value));
            let _ = scalar(line.value);
        }
    }
}
