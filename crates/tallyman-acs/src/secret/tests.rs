use super::Secret;

#[test]
fn debug_hides_the_secret() {
    assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(***)");
    assert_eq!(Secret::new("hunter2").expose(), "hunter2");
}
