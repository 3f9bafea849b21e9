use super::{CHECKS, Complaint, select};

#[test]
fn checks_are_chosen_by_name() {
    let names = |chosen: &[&str]| {
        let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
        select(&chosen)
            .map(|checks| checks.iter().map(|check| check.name).collect::<Vec<_>>())
            .map_err(str::to_owned)
    };
    assert_eq!(names(&["sql", "words"]), Ok(vec!["sql", "words"]));
    assert_eq!(names(&["sql", "sqll"]), Err("sqll".to_owned()));
    assert_eq!(names(&[]).map(|all| all.len()), Ok(CHECKS.len()));
}

#[test]
fn a_complaint_reads_like_a_linters() {
    let complaint = Complaint::new("docs/a.md", 3, "no such page");
    assert_eq!(complaint.to_string(), "docs/a.md:3: no such page");
}
