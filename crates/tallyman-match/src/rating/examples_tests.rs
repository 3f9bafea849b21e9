//! The scores that FIRST publishes of its own examples: facts from its documents, each computed once
//! more with another implementation of CVSS when it was written down.

use super::score;

type Example = (&'static str, &'static str, f64);

/// The guide to version 2.0, section 3.3, and what the examples of later versions say of it
/// (<https://www.first.org/cvss/v2/guide>).
const V2: &[Example] = &[
    ("CVE-2002-0392", "AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
    ("CVE-2003-0818", "AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
    ("CVE-2003-0062", "AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
    ("CVE-2013-1937", "AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3),
    ("CVE-2013-0375", "AV:N/AC:L/Au:S/C:P/I:P/A:N", 5.5),
    ("CVE-2014-3566", "AV:N/AC:M/Au:N/C:P/I:N/A:N", 4.3),
    ("CVE-2012-1516", "AV:N/AC:L/Au:S/C:C/I:C/A:C", 9.0),
    ("CVE-2012-0384", "AV:N/AC:M/Au:S/C:C/I:C/A:C", 8.5),
    ("CVE-2015-1098", "AV:N/AC:M/Au:N/C:P/I:P/A:P", 6.8),
    ("CVE-2014-0160", "AV:N/AC:L/Au:N/C:P/I:N/A:N", 5.0),
    ("CVE-2008-1447", "AV:N/AC:L/Au:N/C:N/I:P/A:N", 5.0),
    ("CVE-2014-2005", "AV:L/AC:M/Au:N/C:C/I:C/A:C", 6.9),
    ("CVE-2014-9253", "AV:N/AC:M/Au:S/C:N/I:P/A:N", 3.5),
    ("CVE-2009-0658", "AV:N/AC:M/Au:N/C:C/I:C/A:C", 9.3),
    ("CVE-2011-1265", "AV:A/AC:L/Au:N/C:C/I:C/A:C", 8.3),
    ("CVE-2014-2019", "AV:L/AC:L/Au:N/C:N/I:C/A:N", 4.9),
    ("CVE-2014-0224", "AV:N/AC:M/Au:N/C:P/I:P/A:N", 5.8),
    ("CVE-2019-7551", "AV:N/AC:M/Au:S/C:P/I:P/A:P", 6.0),
    ("CVE-2016-5729", "AV:L/AC:L/Au:S/C:C/I:C/A:C", 6.8),
    ("CVE-2015-2890", "AV:L/AC:L/Au:N/C:C/I:C/A:C", 7.2),
    ("CVE-2019-0884", "AV:N/AC:H/Au:N/C:C/I:C/A:C", 7.6),
];

/// <https://www.first.org/cvss/v3.0/examples>, <https://www.first.org/cvss/v3.1/examples>: the two
/// differ in rounding, which none of them shows.
const V3: &[Example] = &[
    ("none", "AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
    ("CVE-2015-8252", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
    ("CVE-2013-1937", "AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
    ("CVE-2013-0375", "AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
    ("CVE-2014-3566", "AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
    ("CVE-2012-1516", "AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
    ("CVE-2012-0384", "AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 8.8),
    ("CVE-2015-1098", "AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 7.8),
    ("CVE-2014-6271", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
    ("CVE-2008-1447", "AV:N/AC:H/PR:N/UI:N/S:C/C:N/I:H/A:N", 6.8),
    ("CVE-2014-2005", "AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 6.8),
    ("CVE-2010-0467", "AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:N/A:N", 5.8),
    ("CVE-2012-1342", "AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:N", 5.8),
    ("CVE-2014-9253", "AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", 5.4),
    ("CVE-2011-1265", "AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.8),
    ("CVE-2014-2019", "AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", 4.6),
    ("CVE-2015-0970", "AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 8.8),
    ("CVE-2014-0224", "AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", 7.4),
    ("CVE-2012-5376", "AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H", 9.6),
    ("CVE-2016-2118", "AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:H", 7.5),
    ("CVE-2016-5558", "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:L", 8.6),
    ("CVE-2016-5729", "AV:L/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H", 8.2),
    ("CVE-2015-2890", "AV:L/AC:L/PR:H/UI:N/S:U/C:N/I:H/A:H", 6.0),
    ("CVE-2018-3652", "AV:P/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 7.6),
    ("CVE-2019-0884", "AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", 4.2),
    ("CVE-2021-44228", "AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
];

/// <https://www.first.org/cvss/v4.0/examples>, of two of its editions; with threat and environment
/// where it has them.
const V4: &[Example] = &[
    ("CVE-2022-41741", "AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
    ("CVE-2020-3549", "AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7),
    ("CVE-2020-3549", "AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", 5.2),
    ("CVE-2023-3089", "AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", 8.3),
    (
        "CVE-2023-3089",
        "AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N/CR:H/IR:L/AR:L/MAV:N/MAC:H/MVC:H/MVI:L/MVA:L",
        8.1,
    ),
    ("CVE-2021-44714", "AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", 4.6),
    ("CVE-2022-21830", "AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", 5.1),
    ("CVE-2022-22186", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", 6.9),
    ("CVE-2023-21989", "AV:L/AC:L/AT:N/PR:H/UI:N/VC:N/VI:N/VA:N/SC:H/SI:N/SA:N", 5.9),
    ("CVE-2020-3947", "AV:L/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 9.4),
    ("CVE-2023-48228", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:H/VA:N/SC:H/SI:H/SA:H", 9.3),
    ("CVE-2023-30560", "AV:P/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:H/SA:N/S:P/V:D", 8.3),
    ("CVE-2014-0160", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N/E:A", 8.7),
    ("CVE-2021-44228", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:A", 10.0),
    ("CVE-2021-44228", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A", 9.3),
    (
        "CVE-2021-44228",
        "AV:N/AC:H/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P/MAC:L/MAT:N/MVC:N/MVI:N/MVA:L",
        5.5,
    ),
    ("CVE-2014-6271", "AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A", 9.3),
    ("CVE-2013-6014", "AV:A/AC:L/AT:N/PR:N/UI:N/VC:N/VI:L/VA:N/SC:H/SI:N/SA:H", 6.4),
    ("CVE-2016-5729", "AV:L/AC:L/AT:N/PR:H/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/R:I", 9.3),
    ("CVE-2016-5729", "AV:L/AC:L/AT:N/PR:H/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/R:I", 8.4),
    ("CVE-2015-2890", "AV:L/AC:L/AT:P/PR:H/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/R:I", 8.7),
    ("CVE-2015-2890", "AV:L/AC:L/AT:P/PR:H/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/R:I", 7.1),
    ("CVE-2018-3652", "AV:P/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 8.6),
    ("CVE-2026-20805", "AV:L/AC:L/AT:N/PR:L/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N/E:A", 6.8),
];

#[test]
fn the_examples_of_first_have_the_scores_that_it_publishes() {
    for (prefix, examples) in [("", V2), ("CVSS:3.0/", V3), ("CVSS:3.1/", V3), ("CVSS:4.0/", V4)] {
        for (name, vector, expected) in examples {
            let vector = format!("{prefix}{vector}");
            assert_eq!(score(&vector), Some(*expected), "{name} {vector}");
        }
    }
}

#[test]
fn a_vector_without_one_of_the_base_metrics_has_no_score() {
    for (prefix, examples, base) in
        [("", V2, 6), ("CVSS:3.0/", V3, 8), ("CVSS:3.1/", V3, 8), ("CVSS:4.0/", V4, 11)]
    {
        for (_, vector, _) in examples {
            for left_out in 0..base {
                let metrics = vector.split('/').enumerate().filter(|(at, _)| *at != left_out);
                let metrics: Vec<&str> = metrics.map(|(_, metric)| metric).collect();
                let vector = format!("{prefix}{}", metrics.join("/"));
                assert_eq!(score(&vector), None, "{vector}");
            }
        }
    }
}

#[test]
fn what_is_no_vector_has_no_score() {
    for (_, vector, _) in V3.iter().chain(V4) {
        assert_eq!(score(vector), None, "no version: {vector}");
        assert_eq!(score(&format!("CVSS:5.0/{vector}")), None);
    }
    for text in ["", "CVSS:3.1/", "CVSS:3.1/AV:N/AV:N", "7.5", "high"] {
        assert_eq!(score(text), None, "{text}");
    }
}
