//! The list of feeds, the choice among them, and mirrors.

use crate::feeds::{FEEDS, Mirrors, Publication, choose};

#[test]
fn names_are_unique_and_sorted_and_addresses_are_https() {
    let names: Vec<&str> = FEEDS.iter().map(|feed| feed.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(names, unique);
    for feed in FEEDS {
        let urls: Vec<&str> = match feed.publication {
            Publication::Osv(ecosystem) => {
                assert_eq!(feed.name, format!("osv/{ecosystem}"));
                continue;
            }
            Publication::Files(urls) | Publication::Repositories(urls) => urls.to_vec(),
            Publication::NamedBy(url) | Publication::Release { api: url, .. } => vec![url],
        };
        assert!(!urls.is_empty());
        assert!(urls.iter().all(|url| url.starts_with("https://")), "{}", feed.name);
    }
}

#[test]
fn feeds_are_chosen_by_name_by_family_or_by_default() {
    let names = |wanted: &[&str]| -> Vec<&str> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        choose(&wanted).expect("they are known").into_iter().map(|feed| feed.name).collect()
    };
    assert_eq!(names(&["OSV/pypi", "debian"]), ["debian", "osv/PyPI"]);
    assert!(names(&["osv"]).iter().all(|name| name.starts_with("osv/")));
    assert_eq!(names(&["all"]).len(), FEEDS.len());
    for (feed, is_default) in [("debian", true), ("epss", true), ("kev", true), ("cve", false)] {
        assert_eq!(names(&[]).contains(&feed), is_default, "{feed}");
    }
    let error = choose(&["no-such-feed".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("`no-such-feed`") && error.contains("debian"), "{error}");
}

#[test]
fn a_mirror_takes_the_place_of_the_publisher() {
    let feed = choose(&["debian".to_owned()]).unwrap()[0];
    let url = "https://security-tracker.debian.org/tracker/data/json".parse().unwrap();
    for (mirrors, expected) in [
        (&[][..], "https://security-tracker.debian.org/tracker/data/json"),
        (
            &["*=https://m.example/all"],
            "https://m.example/all/security-tracker.debian.org/tracker/data/json",
        ),
        (
            &["*=https://m.example", "security-tracker.debian.org=https://h.example/x/"],
            "https://h.example/x/tracker/data/json",
        ),
        (
            &["security-tracker.debian.org=https://h.example", "debian=http://f.example"],
            "http://f.example/tracker/data/json",
        ),
        (
            &["alpine=https://other.example"],
            "https://security-tracker.debian.org/tracker/data/json",
        ),
    ] {
        let mirrors = Mirrors(mirrors.iter().map(|text| text.parse().expect("a mirror")).collect());
        assert_eq!(mirrors.replace(feed, &url).as_str(), expected);
    }
    for wrong in ["debian", "debian=ftp://x.example", "=https://x.example", "debian=nowhere"] {
        assert!(wrong.parse::<super::Mirror>().is_err(), "{wrong}");
    }
}
