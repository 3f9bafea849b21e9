"""The ecosystems' own programs and libraries, each asked for thousands of pairs by few processes.

An oracle returns -1, 0 or 1 for each pair, and `None` where it refuses one of the two versions
or where its answer is known to depend on which of them comes first.
"""

import re
import subprocess
import sys
from pathlib import Path

from images.package_tools import once, run

# The last release with the order that advisories follow, and the newest; see docs/matching.md.
MAVEN_RELEASES = ("3.6.3", "3.9.11")
MAVEN_ARTIFACT = "org.apache.maven:maven-artifact:"
COMMONS_LANG = "org.apache.commons:commons-lang3:3.8.1"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy"
CONAN = "conan==2.34.0"
PORTAGE = "portage==3.0.83"
# Carries conda's own class; conda itself is not on PyPI.
CONDA_LOCK = "conda-lock==4.0.3"
SEMVER_CRATE = "semver = \"=1.0.28\""
GO_MODULES = (
    "golang.org/x/mod@v0.29.0",
    # Trivy's order of Alpine's versions, and that of NuGet's at deps.dev.
    "github.com/knqyf263/go-apk-version@v0.0.0-20200609155635-041fdbb8563f",
    "deps.dev/util/semver@v0.0.0-20260727054525-2946ae4a6141",
)


def ask(pairs: list, *command, cwd=None) -> list:
    """Hands a line `a<TAB>b` for each pair to a program, which answers each by a line."""
    told = "".join(f"{one}\t{other}\n" for one, other in pairs)
    done = subprocess.run(
        [str(word) for word in command], input=told, capture_output=True, text=True, cwd=cwd
    )
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(pairs):
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return [int(answer) if answer in ("-1", "0", "1") else None for answer in answers]


def only(pairs: list, answers: list, pattern: str) -> list:
    """Keeps the answers on pairs that both have the form of a version."""
    fits = re.compile(pattern).fullmatch
    return [
        answer if fits(one) and fits(other) else None
        for (one, other), answer in zip(pairs, answers)
    ]


_PACKAGING = """
import sys
from packaging.version import Version, InvalidVersion
for line in sys.stdin:
    try:
        a, b = map(Version, line.rstrip("\\n").split("\\t"))
        print((a > b) - (a < b))
    except InvalidVersion:
        print("invalid")
"""


def packaging(pairs: list) -> list:
    """PEP 440, by PyPA's library."""
    return ask(pairs, sys.executable, "-c", _PACKAGING)


_APT = """
import sys
import apt_pkg
apt_pkg.init()
for line in sys.stdin:
    order = apt_pkg.version_compare(*line.rstrip("\\n").split("\\t"))
    print((order > 0) - (order < 0))
"""
# What dpkg accepts without a warning: an epoch that fits C's int, a version that is not empty.
_DEBIAN = r"([0-9]{1,9}:)?[A-Za-z0-9.+~][A-Za-z0-9.+~-]*(?<!-)"


def apt(pairs: list) -> list:
    """Debian's order, by libapt-pkg."""
    return only(pairs, ask(pairs, "/usr/bin/python3", "-c", _APT), _DEBIAN)


def dpkg(pairs: list) -> list:
    """Debian's order, by dpkg itself: up to two processes for each pair."""

    def holds(one: str, sign: str, other: str) -> int:
        command = ["dpkg", "--compare-versions", one, sign, other]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode

    answers = []
    for one, other in pairs:
        less = holds(one, "lt", other)
        if less == 1:
            answers.append(1 if holds(one, "gt", other) == 0 else 0)
        else:
            answers.append(-1 if less == 0 else None)
    return answers


_RPM = r"""%{lua:
for line in io.lines() do
    local a, b = line:match("^(.-)\t(.*)$")
    io.write(rpm.vercmp(a, b), "\n")
end}"""


def rpm(pairs: list) -> list:
    """RPM's order, by librpm."""
    # What the macro expands to in the end is an empty line.
    return ask(pairs, "sh", "-c", "rpm --eval \"$0\" | sed '/^$/d'", _RPM)


_NODE = """
const root = require('child_process').execSync('npm root -g --loglevel=silent').toString().trim();
const semver = require(root + '/npm/node_modules/semver');
const lines = require('fs').readFileSync(0, 'utf8').trimEnd().split('\\n');
console.log(lines.map(line => {
    try { return String(semver.compare(...line.split('\\t'))); } catch (e) { return 'invalid'; }
}).join('\\n'));
"""


def node_semver(pairs: list) -> list:
    """npm's own library, as strict as it is by default."""
    return ask(pairs, "node", "-e", _NODE)


_RUBY = """
STDIN.each_line do |line|
  begin
    a, b = line.chomp.split("\\t", 2).map { |text| Gem::Version.new(text) }
    puts a <=> b
  rescue ArgumentError
    puts "invalid"
  end
end
"""


def gem(pairs: list) -> list:
    """RubyGems' own class."""
    return ask(pairs, "ruby", "-e", _RUBY)


def maven(pairs: list) -> list:
    """Maven's `ComparableVersion` as it was before 3.8.

    Of what the end of a version is compared with, that looks at the first item only, and so takes
    `1-0.1` and `1` for equal: equal are only those that today's class takes for equal as well.
    """
    older, newer = (_maven_release(release, pairs) for release in MAVEN_RELEASES)
    answers = [old if old or old == new else None for old, new in zip(older, newer)]
    # `1-ga-1` is `1-1` by the specification, but not to the class.
    return only(pairs, answers, r"(?i)(?!.*(ga|final|release)-?[0-9]).*")


def _maven_release(release: str, pairs: list) -> list:
    jars = once(f"maven-artifact-{release}", lambda made: _copy_maven(release, made))
    # Its `main` compares each argument with the one before it.
    command = ["java", "-XX:+UseSerialGC", "-cp", f"{jars}/*"]
    command.append("org.apache.maven.artifact.versioning.ComparableVersion")
    answers = []
    for start in range(0, len(pairs), 5000):
        chain = [version for pair in pairs[start : start + 5000] for version in pair]
        shown = run(*command, *chain).splitlines()
        signs = [line.split()[-2] for line in shown if line.startswith("   ")]
        if len(signs) != len(chain) - 1:
            raise RuntimeError(f"Maven made {len(signs)} comparisons of {len(chain)} versions")
        answers += [{"<": -1, "==": 0, ">": 1}[sign] for sign in signs[::2]]
    return answers


def _copy_maven(release: str, made: Path):
    for artifact in (MAVEN_ARTIFACT + release, COMMONS_LANG):
        run("mvn", "-q", "-B", MAVEN_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={made}")


_PHP = r"""
while (($line = fgets(STDIN)) !== false) {
    [$a, $b] = array_map(fn($v) => preg_replace('/^[vV]/', '', $v), explode("\t", rtrim($line, "\n")));
    echo version_compare($a, $b), "\n";
}
"""


def php(pairs: list) -> list:
    """PHP's `version_compare`, in which a separator at either end makes the order one-sided."""
    return only(pairs, ask(pairs, "php", "-r", _PHP), r"[vV]?[0-9].*[0-9A-Za-z]")


_COMPOSER = r"""
require '/usr/share/php/Composer/Semver/autoload.php';
use Composer\Semver\{Comparator, VersionParser};
$parser = new VersionParser();
while (($line = fgets(STDIN)) !== false) {
    try {
        [$a, $b] = array_map([$parser, 'normalize'], explode("\t", rtrim($line, "\n")));
        echo Comparator::greaterThan($a, $b) - Comparator::lessThan($a, $b), "\n";
    } catch (UnexpectedValueException $invalid) {
        echo "invalid\n";
    }
}
"""


def composer(pairs: list) -> list:
    """Composer's own order, which is PHP's but for missing numbers, builds and `stable`."""
    form = r"[vV]?[0-9]+\.[0-9]+\.[0-9]+(?!.*(\+|stable))([-_a-zA-Z].*[0-9a-zA-Z])?"
    return only(pairs, ask(pairs, "php", "-r", _COMPOSER), form)


_GO = """package main

import (
	"bufio"
	"fmt"
	"go/version"
	"os"
	"strings"

	depsdev "deps.dev/util/semver"
	apk "github.com/knqyf263/go-apk-version"
	"golang.org/x/mod/semver"
)

type order func(a, b string) (int, bool)

var orders = map[string]order{
	"modules": func(a, b string) (int, bool) {
		return semver.Compare(a, b), semver.IsValid(a) && semver.IsValid(b)
	},
	"releases": func(a, b string) (int, bool) {
		return version.Compare(a, b), version.IsValid(a) && version.IsValid(b)
	},
	"apk": func(a, b string) (int, bool) {
		return apk.Version(a).Compare(apk.Version(b)), apk.Valid(a) && apk.Valid(b)
	},
	"nuget": func(a, b string) (int, bool) {
		left, err := depsdev.NuGet.Parse(a)
		right, other := depsdev.NuGet.Parse(b)
		if err != nil || other != nil {
			return 0, false
		}
		return left.Compare(right), true
	},
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), "\\t")
		if compared, valid := orders[os.Args[1]](a, b); valid {
			fmt.Println(compared)
		} else {
			fmt.Println("invalid")
		}
	}
}
"""


def _go(order: str, pairs: list) -> list:
    return ask(pairs, once("go-orders", _build_go), order)


def go_modules(pairs: list) -> list:
    """golang.org/x/mod/semver."""
    return _go("modules", pairs)


def go_releases(pairs: list) -> list:
    """go/version. Of two numbers it makes the language version, which no release has had since
    1.21, so those are not asked for."""
    answers = _go("releases", pairs)
    return only(pairs, answers, r"go[0-9]+\.[0-9]+(\.[0-9]+|(rc|beta)[0-9]+)|go1\.([0-9]|1[0-9])")


def go_apk(pairs: list) -> list:
    """apk-tools 2 in Go, as Trivy has it. Left out is what apk-tools has mended since: numbers with
    zeros in front, what follows a number that is zero, and a suffix without a number at the end."""
    numbers = r"[0-9]+((\.(0|[1-9][0-9]*))*\.[1-9][0-9]*)?"
    suffixes = r"(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]+)*"
    return only(pairs, _go("apk", pairs), f"{numbers}[a-z]?{suffixes}(-r[0-9]+)?")


def go_nuget(pairs: list) -> list:
    """NuGet's order by deps.dev, which does not take `01` for a number."""
    return only(pairs, _go("nuget", pairs), r"(?!.*[.-]-?0[0-9]+([.+]|$)).*")


def _build_go(made: Path):
    source = made.parent / "order"
    source.mkdir()
    (source / "main.go").write_text(_GO)
    run("go", "mod", "init", "example.com/order", cwd=source)
    run("go", "get", *GO_MODULES, cwd=source)
    run("go", "build", "-o", made, ".", cwd=source)


_RUST = """
use std::io::BufRead;

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (a, b) = line.split_once('\\t').expect("two versions");
        match (semver::Version::parse(a), semver::Version::parse(b)) {
            (Ok(a), Ok(b)) => println!("{}", a.cmp_precedence(&b) as i8),
            _ => println!("invalid"),
        }
    }
}
"""


def rust_semver(pairs: list) -> list:
    """The crate that Cargo itself uses."""
    return ask(pairs, once("rust-order", _build_rust))


def _build_rust(made: Path):
    source = made.parent / "order"
    (source / "src").mkdir(parents=True)
    (source / "src" / "main.rs").write_text(_RUST)
    package = '[package]\nname = "order"\nversion = "0.0.0"\nedition = "2024"\n'
    (source / "Cargo.toml").write_text(f"{package}[dependencies]\n{SEMVER_CRATE}\n[workspace]\n")
    run("cargo", "build", "--quiet", "--target-dir", source / "built", cwd=source)
    (source / "built" / "debug" / "order").rename(made)


_CONAN = """
import sys
import types
# The class needs nothing of Conan's but its errors; the packages around it load all of the rest.
for name in ("conan", "conan.internal", "conan.internal.model"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{sys.argv[1]}/{name.replace('.', '/')}"]
from conan.internal.model.version import Version
for line in sys.stdin:
    a, b = map(Version, line.rstrip("\\n").split("\\t"))
    print(0 if a == b else 1 if a > b else -1)
"""


def conan(pairs: list) -> list:
    """Conan's own class. Python reads `1_0` and `+1` as numbers, which is not asked for."""
    libraries = once(CONAN, _install_conan)
    answers = ask(pairs, sys.executable, "-c", _CONAN, libraries)
    return only(pairs, answers, r"[^_+]+(\+[^_+]+)?")


def _install_conan(made: Path):
    _install(CONAN, made)


def _install(package: str, made: Path):
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--target", made, package)


_CONDA = """
import sys
import types
# The class needs one exception of conda's; the packages around it load all of the rest.
name = "conda_lock._vendor.conda.models"
while name:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{sys.argv[1]}/{name.replace('.', '/')}"]
    name = name.rpartition(".")[0]
exceptions = types.ModuleType("exceptions")
exceptions.InvalidVersionSpec = type("Invalid", (ValueError,), {"__init__": lambda *_: None})
sys.modules["conda_lock._vendor.conda.exceptions"] = exceptions
from conda_lock._vendor.conda.models.version import VersionOrder
for line in sys.stdin:
    try:
        a, b = map(VersionOrder, line.rstrip("\\n").split("\\t"))
        print((a > b) - (a < b))
    except ValueError:
        print("invalid")
"""


def conda(pairs: list) -> list:
    """Conda's own class."""
    libraries = once(CONDA_LOCK, lambda made: _install(CONDA_LOCK, made))
    return ask(pairs, sys.executable, "-c", _CONDA, libraries)


_PORTAGE = """
import sys
sys.path.insert(0, sys.argv[1])
from portage.versions import vercmp, ververify
for line in sys.stdin:
    a, b = line.rstrip("\\n").split("\\t")
    if ververify(a) and ververify(b):
        order = vercmp(a, b)
        print((order > 0) - (order < 0))
    else:
        print("invalid")
"""


def portage(pairs: list) -> list:
    """Gentoo's own package manager."""
    libraries = once(PORTAGE, lambda made: _install(PORTAGE, made))
    return ask(pairs, sys.executable, "-c", _PORTAGE, libraries)


_ALPM = """
import ctypes
import ctypes.util
import sys
compare = ctypes.CDLL(ctypes.util.find_library("alpm")).alpm_pkg_vercmp
for line in sys.stdin:
    print(compare(*line.rstrip("\\n").encode().split(b"\\t")))
"""


def alpm(pairs: list) -> list:
    """pacman's own library."""
    return ask(pairs, sys.executable, "-c", _ALPM)


_ELIXIR = """
IO.read(:stdio, :all)
|> String.split("\\n", trim: true)
|> Enum.each(fn line ->
  [a, b] = String.split(line, "\\t")
  with {:ok, a} <- Version.parse(a), {:ok, b} <- Version.parse(b) do
    IO.puts(%{lt: -1, eq: 0, gt: 1}[Version.compare(a, b)])
  else
    _ -> IO.puts("invalid")
  end
end)
"""


def elixir(pairs: list) -> list:
    """Elixir's `Version`, which Hex uses."""
    return ask(pairs, "elixir", "-e", _ELIXIR)


_HASKELL = r"""module Main where
import Data.Version
import Text.ParserCombinators.ReadP

parse :: String -> Maybe [Int]
parse text = case [versionBranch v | (v, "") <- readP_to_S parseVersion text] of
    (branch : _) -> Just branch
    [] -> Nothing

judge :: String -> String
judge line = case (parse one, parse (drop 1 other)) of
    (Just a, Just b) -> show (fromEnum (compare a b) - 1)
    _ -> "invalid"
  where (one, other) = break (== '\t') line

main :: IO ()
main = interact (unlines . map judge . lines)
"""


def haskell(pairs: list) -> list:
    """Haskell's `Data.Version`, which Hackage uses, in Hugs, whose numbers have 32 bits."""
    program = once("Order.hs", lambda made: made.write_text(_HASKELL))
    answers = ask(pairs, "runhugs", "-98", "-h100000k", program)
    return only(pairs, answers, r"([0-9]{1,9}\.)*[0-9]{1,9}")


def number_lists(pairs: list) -> list:
    """R's `package_version`, which is documented as the order of lists of numbers; R itself is too
    large to be installed for it."""

    def numbers(version: str) -> list | None:
        parts = re.split("[.-]", version)
        return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else None

    answers = []
    for pair in pairs:
        one, other = map(numbers, pair)
        answers.append(None if None in (one, other) else (one > other) - (one < other))
    return answers
