//! Differential tests: the same pairs of versions for us and for the ecosystem's own tool, where
//! it is installed. The pairs are made by a generator with a fixed seed; the tool is asked for all
//! of them by one process.

use std::io::Write;
use std::process::{Command, Stdio};

use tallyman_model::package::Ecosystem;

use crate::version::compare;

/// A small generator (Numerical Recipes' constants); the sequence must never change by itself.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// A few pieces, one after another.
    fn pieces(&mut self, items: &[&str], most: usize) -> String {
        (0..self.below(most + 1)).map(|_| self.pick(items)).collect()
    }
}

const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "9",
    "10",
    "11",
    "00",
    "01",
    "010",
    "20240101",
    "18446744073709551616",
    "99999999999999999999999",
];

/// Makes pairs; the second of two is often the first with a small change.
fn pairs(count: usize, make: fn(&mut Random) -> String) -> Vec<(String, String)> {
    let mut random = Random(20_261_124);
    let pair = |_| {
        let a = make(&mut random);
        let b = if random.chance(2) { make(&mut random) } else { mutate(&a, &mut random) };
        (a, b)
    };
    (0..count).map(pair).collect()
}

fn mutate(version: &str, random: &mut Random) -> String {
    let at = random.below(version.len() + 1);
    let (head, tail) = version.split_at(at);
    match random.below(3) {
        0 => format!(
            "{head}{}{tail}",
            random.pick(&["0", "1", ".", "-", "+", "~", "a", "rc", ".0", "_"])
        ),
        1 => format!("{head}{}", tail.get(1..).unwrap_or("")),
        _ => head.to_owned(),
    }
}

/// Asks a program: a line `a<TAB>b` in, a line `-1`, `0`, `1` or `invalid` out. `None` where the
/// program or what it needs is not installed.
fn ask(program: &str, arguments: &[&str], pairs: &[(String, String)]) -> Option<Vec<String>> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    let text: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let is_written = writer.join().unwrap().is_ok();
    let answers: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (is_written && output.status.success() && answers.len() == pairs.len()).then_some(answers)
}

/// Checks every pair that the tool takes for valid; at least one in `one_in` must be.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn check(
    ecosystem: Ecosystem,
    pairs: &[(String, String)],
    answers: Option<Vec<String>>,
    one_in: usize,
) {
    let Some(answers) = answers else {
        eprintln!("skipped: no tool to compare {ecosystem} versions");
        return;
    };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for ((a, b), answer) in pairs.iter().zip(&answers) {
        if answer == "invalid" {
            continue;
        }
        compared += 1;
        let ours = compare(ecosystem, a, b).map(|order| (order as i8).to_string());
        if ours.as_ref() != Ok(answer) {
            wrong.push(format!("{a:?} {b:?}: {answer}, not {ours:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(40)]
    );
    assert!(compared * one_in > pairs.len(), "only {compared} pairs were valid");
}

#[test]
fn debian_versions_compare_as_dpkg_does() {
    let pairs = pairs(600, |random| {
        let upstream = [".", "+", "~", "a", "z", "dfsg", "git", "0", "1", "10", "007", "~rc1", "-"];
        let mut version = String::new();
        if random.chance(4) {
            version += random.pick(&["0:", "1:", "00:", "2147483647:", "2147483648:"]);
        }
        version += random.pick(&NUMBERS);
        version += &random.pieces(&upstream, 4);
        if random.chance(2) {
            version += random.pick(&[
                "-1",
                "-0",
                "-1~deb12u1",
                "-1+deb12u1",
                "-1.1",
                "-01",
                "-1ubuntu2",
                "-",
            ]);
        }
        version
    });
    let script = r#"
        command -v dpkg >/dev/null || exit 3
        while IFS="$(printf '\t')" read -r a b; do
            # To dpkg no version at all is less than any.
            [ -n "$a" ] && [ -n "$b" ] || { echo invalid; continue; }
            dpkg --compare-versions "$a" lt "$b"; r=$?
            if [ $r = 0 ]; then echo -1
            elif [ $r = 1 ]; then dpkg --compare-versions "$a" gt "$b" && echo 1 || echo 0
            else echo invalid; fi
        done"#;
    check(Ecosystem::Deb, &pairs, ask("sh", &["-c", script], &pairs), 2);
}

#[test]
fn python_versions_compare_as_packaging_does() {
    let pairs = pairs(20_000, |random| {
        let mut version = random.pick(&["", "", "", "v", "0!", "1!", "01!"]).to_owned();
        version += random.pick(&NUMBERS);
        for _ in 0..random.below(4) {
            version += ".";
            version += random.pick(&NUMBERS);
        }
        let separators = ["", ".", "-", "_"];
        for (words, one_in) in [
            (&["a", "b", "c", "rc", "alpha", "BETA", "pre", "preview"][..], 3),
            (&["post", "rev", "r", "-"][..], 3),
            (&["dev", "DEV"][..], 3),
        ] {
            if random.chance(one_in) {
                version += random.pick(&separators);
                version += random.pick(words);
                version += random.pick(&separators);
                version += random.pick(&["", "0", "1", "2", "10", "01", "99999999999999999999"]);
            }
        }
        if random.chance(4) {
            version += random.pick(&["+abc", "+1", "+abc.1", "+ABC-01", "+1.abc", "+10", "+a_1"]);
        }
        version
    });
    let script = r#"
import sys
try:
    from packaging.version import Version, InvalidVersion
except ImportError:
    from pip._vendor.packaging.version import Version, InvalidVersion
for line in sys.stdin:
    a, b = line.rstrip("\n").split("\t")
    try:
        a, b = Version(a), Version(b)
        print((a > b) - (a < b))
    except InvalidVersion:
        print("invalid")
"#;
    check(Ecosystem::PyPi, &pairs, ask("python3", &["-c", script], &pairs), 2);
}

#[test]
fn semantic_versions_compare_as_npm_does() {
    // npm refuses numbers above 2^53 and texts above 256 characters.
    let pairs = pairs(20_000, |random| {
        let numbers = ["0", "1", "2", "9", "10", "11", "00", "010", "20240101"];
        let mut version = random.pick(&["", "", "", "v", "=", "= v"]).to_owned();
        version += random.pick(&numbers);
        for _ in 0..2 {
            version += ".";
            version += random.pick(&numbers);
        }
        if random.chance(2) {
            version += random.pick(&["-", "-", "-", ""]);
            version += random
                .pick(&["alpha", "beta", "rc", "0", "1", "10", "a-b", "x1", "1x", "--", "RC"]);
            for _ in 0..random.below(3) {
                version += ".";
                version += random.pick(&[
                    "0",
                    "1",
                    "2",
                    "10",
                    "01",
                    "a",
                    "A",
                    "1a",
                    "-1",
                    "20240101000000-abcdef",
                ]);
            }
        }
        if random.chance(4) {
            version += random.pick(&["+build", "+1", "+a.b-c"]);
        }
        version
    });
    let script = r#"
const root = require('child_process').execSync('npm root -g').toString().trim();
const semver = require(root + '/npm/node_modules/semver');
const lines = require('fs').readFileSync(0, 'utf8').trimEnd().split('\n');
// By backtracking, loose mode reads 1.2.34.5 as 1.2.3-4.5 and 1.2.34- as 1.2.3-4-.
const isOdd = version => /^[v=\s]*\d+\.\d+\.\d+(\.|-($|\+|\.))/.test(version);
console.log(lines.map(line => {
    const [a, b] = line.split('\t');
    if (isOdd(a) || isOdd(b)) return 'invalid';
    try { return String(semver.compare(a, b, { loose: true })); } catch (e) { return 'invalid'; }
}).join('\n'));
"#;
    let answers = ask("node", &["-e", script], &pairs);
    check(Ecosystem::Npm, &pairs, answers.clone(), 2);
    check(Ecosystem::Cargo, &pairs, answers, 2);
}

#[test]
fn gem_versions_compare_as_rubygems_does() {
    let pairs = pairs(20_000, |random| {
        let mut version = random.pick(&NUMBERS).to_owned();
        for _ in 0..random.below(5) {
            version += random.pick(&[".", ".", ".", "-", ""]);
            version += random.pick(&[
                "0", "1", "2", "10", "01", "a", "b", "rc", "pre", "A", "beta2", "x86", "20240101",
            ]);
        }
        version
    });
    let script = r#"
STDIN.each_line do |line|
  a, b = line.chomp.split("\t", 2)
  begin
    puts Gem::Version.new(a) <=> Gem::Version.new(b)
  rescue ArgumentError
    puts "invalid"
  end
end"#;
    check(Ecosystem::Gem, &pairs, ask("ruby", &["-e", script], &pairs), 2);
}

#[test]
fn rpm_versions_compare_as_rpm_does() {
    let pairs = pairs(20_000, |random| {
        let pieces = [
            ".", "+", "~", "^", "a", "z", "rc", "git", "_", "0", "1", "10", "007", "~rc1", "^git1",
        ];
        let mut version = random.pick(&["", "", "", "0:", "1:", "10:"]).to_owned();
        version += random.pick(&NUMBERS);
        version += &random.pieces(&pieces, 5);
        if random.chance(2) {
            version += "-";
            version += random.pick(&["1", "0", "10", "01"]);
            version += random.pick(&["", ".el9", ".el9_3.1", ".fc40", "~bootstrap", "_1"]);
        }
        version
    });
    // Neither a version nor a release may hold a hyphen, nor an epoch anything but digits.
    let script = r#"%{lua:
for line in io.lines() do
    local a, b = line:match("^(.-)\t(.*)$")
    local function valid(v) return v:match("^%d*:?[^-:]+$") or v:match("^%d*:?[^-:]+-[^-:]+$") end
    io.write(valid(a) and valid(b) and rpm.vercmp(a, b) or "invalid", "\n")
end}"#;
    // What rpm itself prints in the end is an empty line.
    let command = "rpm --eval \"$0\" | sed '/^$/d'";
    check(Ecosystem::Rpm, &pairs, ask("sh", &["-c", command, script], &pairs), 2);
}
