//! The modules that the summary of an advisory on modular RPMs names. The schema has no field for
//! them, but the distributions' titles do: `Important: nodejs:16 security update`.

/// More modules than this in one title are no title.
const MODULES: usize = 8;

/// Returns the modules with their streams, sorted: `nodejs:16`.
pub(super) fn named_in(summary: &str) -> Vec<String> {
    let mut modules: Vec<String> =
        summary.split([' ', ',']).filter_map(module).take(MODULES).collect();
    modules.sort();
    modules.dedup();
    modules
}

/// `httpd:2.4/mod_http2` names a package of the module as well.
fn module(word: &str) -> Option<String> {
    let word = word.split('/').next()?;
    let (name, stream) = word.split_once(':')?;
    let is_name = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
    };
    (is_name(name) && is_name(stream)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn titles_name_the_modules_that_were_updated() {
        let check = |summary: &str, expected: &[&str]| {
            assert_eq!(named_in(summary), expected, "{summary}");
        };
        check("Important: nodejs:16 security update", &["nodejs:16"]);
        check("Red Hat Security Advisory: python39:3.9 security update", &["python39:3.9"]);
        check(
            "Moderate: virt:rhel, virt-devel:rhel and container-tools:rhel8 update",
            &["container-tools:rhel8", "virt-devel:rhel", "virt:rhel"],
        );
        check("Moderate: httpd:2.4/mod_http2 security update", &["httpd:2.4"]);
        check("Important: varnish security update", &[]);
        check("a: :b x:y:z", &[]);
    }
}
