use super::is_satisfied;

fn check(expression: &str, expect: Option<bool>) {
    let accepted = ["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"];
    assert_eq!(is_satisfied(expression, &accepted), expect, "{expression}");
}

#[test]
fn expressions_are_judged() {
    check("MIT", Some(true));
    check("GPL-3.0-only", Some(false));
    check("MIT OR GPL-3.0-only", Some(true));
    check("MIT AND GPL-3.0-only", Some(false));
    check("(MIT OR GPL-3.0-only) AND ISC", Some(true));
    check("GPL-3.0-only OR MIT AND ISC", Some(true));
    check("MIT/Apache-2.0", Some(true));
    check("Apache-2.0 WITH LLVM-exception", Some(true));
    check("MIT WITH LLVM-exception", Some(false));
}

#[test]
fn what_is_no_expression_is_refused() {
    for expression in ["", "MIT OR", "(MIT", "MIT ISC", "OR MIT", "MIT)", "MIT WITH"] {
        check(expression, None);
    }
}
