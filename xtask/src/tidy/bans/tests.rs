use super::check;
use crate::repository::Repository;

#[test]
fn a_banned_crate_in_the_lock_file_is_found() {
    let lock = "[[package]]\nname = \"openssl\"\nversion = \"1\"\n";
    let found = check(&Repository::of(&[("Cargo.lock", lock)])).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, 2);
    let lock = "[[package]]\nname = \"openssl-probe\"\nversion = \"1\"\n";
    assert_eq!(check(&Repository::of(&[("Cargo.lock", lock)])).unwrap(), []);
}
