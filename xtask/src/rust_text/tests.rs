use super::{Keep, blank, find_word, line_of};

fn check(source: &str, code: &str, code_and_strings: &str) {
    assert_eq!(blank(source, Keep::Code), code, "code of {source}");
    assert_eq!(blank(source, Keep::CodeAndStrings), code_and_strings, "strings of {source}");
}

#[test]
fn comments_are_blanked() {
    check("a // b\nc", "a     \nc", "a     \nc");
    check("a /* b /* c */\n */ d", "a             \n    d", "a             \n    d");
}

#[test]
fn strings_are_blanked_or_kept() {
    check(r#"f("a \" b") g"#, "f(        ) g", r#"f("a \" b") g"#);
    check(r##"f(r#"a " b"#) g"##, "f(          ) g", r##"f(r#"a " b"#) g"##);
    check(r#"f(b"x")"#, "f(    )", r#"f(b"x")"#);
}

#[test]
fn a_comment_inside_a_string_is_a_string() {
    check(r#"u("http://x") + 1"#, "u(          ) + 1", r#"u("http://x") + 1"#);
}

#[test]
fn characters_are_not_lifetimes() {
    check("a('\"', 'x', '\\'')", "a(   ,    ,     )", "a(   ,    ,     )");
    check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
}

#[test]
fn what_is_left_open_ends_with_the_text() {
    check("a \"b", "a   ", "a \"b");
    check("a /* b", "a     ", "a     ");
    check("a r#\"b", "a     ", "a r#\"b");
}

#[test]
fn identifiers_that_end_like_a_prefix_are_code() {
    check(r#"bar"x""#, "bar   ", r#"bar"x""#);
}

#[test]
fn words_are_whole() {
    assert_eq!(find_word("todo!() a_todo!() todo!", "todo!"), [0, 18]);
    assert_eq!(find_word("exits exit", "exit"), [6]);
    assert_eq!(line_of("a\nb\nc", 4), 3);
}
