use proptest::prelude::{prop_assert_eq, proptest};

use super::matches;

/// Says the same in the obvious way, which takes exponential time.
fn reference(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), None) => reference(rest, text),
        (Some(('*', rest)), Some((_, after))) => reference(rest, text) || reference(pattern, after),
        (Some(('?', rest)), Some((_, after))) => reference(rest, after),
        (Some((expected, rest)), Some((found, after))) => {
            expected == found && reference(rest, after)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[test]
fn stars_and_question_marks_match_what_is_documented() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("yundun-sas:Describe*", "yundun-sas:DescribeImageInfoList", true),
        ("yundun-sas:Describe*", "yundun-sas:ModifyX", false),
        ("*:Describe*List", "yundun-sas:DescribeImageInfoList", true),
        ("acs:yundun-sas:*:1234:*", "acs:yundun-sas:*:1234:*", true),
        ("acs:yundun-sas:*:1234:*", "acs:yundun-sas:*:5678:*", false),
        ("a?c", "abc", true),
        ("a?c", "a中c", true),
        ("a?", "a", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn many_stars_take_no_exponential_time() {
    let pattern = "*a".repeat(500) + "b";
    assert!(!matches(&pattern, &"a".repeat(3_000)));
}

proptest! {
    #[test]
    fn matching_agrees_with_the_reference(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(matches(&pattern, &text), reference(&chars(&pattern), &chars(&text)));
    }
}
