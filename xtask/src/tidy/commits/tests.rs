use super::judge;

fn check(message: &str, expect: &[&str]) {
    let found: Vec<String> = judge(message).into_iter().map(|(_, why)| why).collect();
    assert_eq!(found.len(), expect.len(), "{message}: {found:?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.starts_with(expect), "{message}: {found}");
    }
}

#[test]
fn a_good_message_passes() {
    check("scan: Read apk databases\n\nAlpine images had no packages.\n", &[]);
    check("tests/sdk: Embed the vectors\n\nThey were read from disk.\n", &[]);
}

#[test]
fn a_bad_subject_is_found() {
    let body = "\n\nWhy.\n";
    check(&format!("Read apk databases{body}"), &["write `area"]);
    check(&format!("Scan: Read apk databases{body}"), &["name the area"]);
    check(&format!("scan: read apk databases{body}"), &["begin the subject"]);
    check(&format!("scan: Added apk databases{body}"), &["word the subject"]);
    check(&format!("scan: Reads apk databases{body}"), &["word the subject"]);
    check(&format!("scan: Read apk databases.{body}"), &["end the subject"]);
    check(&format!("scan: Read {}{body}", "x".repeat(62)), &["keep the subject"]);
    check(&format!("scan: Read {}{body}", "x".repeat(61)), &[]);
}

#[test]
fn a_missing_body_is_found() {
    check("scan: Read apk databases\n", &["say why"]);
    check("scan: Read apk databases\nright after\nand on\n", &["leave the line"]);
}
