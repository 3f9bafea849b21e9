"""Makes versions that are hard to order: what each ecosystem's grammar allows, and a little more.

The sequence depends on the seed alone. Every second pair is a version and itself with a small
change: that is where orders differ.
"""

import random
from dataclasses import dataclass, replace

NUMBERS = (
    *("0", "1", "2", "3", "9", "10", "11", "00", "01", "007", "010", "100", "20240101"),
    # Just above what 64 bits hold, and far above.
    *("18446744073709551615", "18446744073709551616", "99999999999999999999999"),
)
SMALL_NUMBERS = ("0", "1", "2", "9", "10", "11", "100", "20240101")


@dataclass(frozen=True)
class Grammar:
    """Where an ecosystem's versions come from: what they start with, go on with and end with."""

    numbers: tuple
    heads: tuple = ("",)
    separators: tuple = (".",)
    words: tuple = ()
    tails: tuple = ("",)
    # How many parts may and must follow the first number.
    longest: int = 4
    least: int = 0
    # What a small change may put in.
    changes: tuple = ("0", "1", ".", "-", "+", "~", "a", "rc", ".0", "_", "Z")

    def version(self, rng: random.Random) -> str:
        made = rng.choice(self.heads) + rng.choice(self.numbers)
        for _ in range(rng.randint(self.least, self.longest)):
            made += rng.choice(self.separators)
            is_word = self.words and rng.random() < 0.45
            made += rng.choice(self.words if is_word else self.numbers)
        return made + rng.choice(self.tails)

    def pairs(self, count: int, seed: int = 20261124) -> list:
        rng = random.Random(seed)
        made = []
        while len(made) < count:
            one = self.version(rng)
            other = self.version(rng) if rng.random() < 0.5 else self._changed(one, rng)
            if one and other:
                made.append((one, other))
        return made

    def _changed(self, version: str, rng: random.Random) -> str:
        at = rng.randrange(len(version) + 1)
        return rng.choice(
            (
                version[:at] + rng.choice(self.changes) + version[at:],
                version[:at] + version[at + 1 :],
                version[:at],
                version + rng.choice(self.tails),
            )
        )


DEBIAN = Grammar(
    numbers=NUMBERS,
    heads=("", "", "", "0:", "1:", "00:", "2147483647:"),
    separators=(".", ".", "+", "~", "-", "", "~~", ".-"),
    words=("a", "z", "Z", "dfsg", "git", "rc1", "~rc1", "deb12u1", "ubuntu2", "really"),
    tails=("", "", "-1", "-0", "-1~deb12u1", "-1+deb12u1", "-1.1", "-01", "~", "~~", "+b1", "-"),
)
RPM = Grammar(
    numbers=NUMBERS,
    heads=("", "", "", "0:", "1:", "10:"),
    separators=(".", ".", "+", "~", "^", "_", "", "..", "~~", "^^", "~^", "^~"),
    words=("a", "z", "Z", "rc", "rc1", "git", "git1", "el9", "A"),
    tails=("", "", "-1", "-0", "-1.el9", "-1.el9_3.1", "-01", "-1~bootstrap", "~", "^", "-1^2", "."),
    changes=("0", "1", ".", "+", "~", "^", "a", "rc", "_", "Z", "é"),
)
APK = Grammar(
    numbers=("0", "1", "2", "9", "10", "00", "01", "010", "20240101"),
    separators=(".", ".", ".", "_", "_", "-", "~", ""),
    words=(
        *("alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p", "a", "b", "z"),
        *("alpha1", "pre2", "p20", "git20240101", "r1", "0f", "abc", "foo"),
    ),
    tails=("", "", "", "-r0", "-r1", "-r10", "-r01", "_p1-r2", "~1af3", "_rc1_git2-r1", "-r", "~"),
    changes=("0", "1", ".", "-r", "_", "~", "a", "_rc", ".0", "_p", "A"),
)
# Without words that apk-tools has no place for.
APK_PROPER = Grammar(
    numbers=("0", "1", "2", "9", "10", "11", "100", "20240101"),
    separators=(".", ".", ".", ""),
    words=("a", "b", "z"),
    tails=(
        *("", "", "-r0", "-r1", "-r10", "-r01", "_p1-r2", "_rc1_git2-r1", "_p0", "_rc0", "_rc01"),
        *("_alpha1_beta2", "_git20240101", "_cvs1", "_pre3-r2", "a_p1", "b-r1", "_svn1_hg2"),
    ),
    changes=("0", "1", ".", "-r1", "a", "_rc1", ".0", "_p2"),
)
GENTOO = Grammar(
    numbers=("0", "1", "2", "9", "10", "00", "01", "010", "100", "20240101", NUMBERS[-2]),
    separators=(".", ".", ".", "_", ""),
    words=("a", "z", "alpha", "beta", "pre", "rc", "p", "alpha1", "pre2", "p20", "rc10", "p0", "p01"),
    tails=(
        *("", "", "", "-r0", "-r1", "-r10", "-r01", "_p1-r2", "_rc1_p2-r1", "_p", "_alpha"),
        *("_alpha0", "a", "b_p1"),
    ),
    changes=("0", "1", ".", "-r1", "_", "a", "_rc", ".0", "_p", "r"),
)
ARCH = Grammar(
    numbers=NUMBERS,
    heads=("", "", "", "0:", "1:", "10:", ":", "01:"),
    separators=(".", ".", ".", "+", "_", "", "..", "._", "~"),
    words=("a", "z", "Z", "rc", "rc1", "git", "beta", "r12", "alpha", "pre"),
    tails=("", "", "-1", "-2", "-1.1", "-01", "-10", "rc1", "a", "b-1", ".", "-", "_a", "+1"),
    changes=("0", "1", ".", "+", "~", "a", "rc", "_", "Z", ".a", "-1"),
)
CONDA = Grammar(
    numbers=NUMBERS,
    heads=("", "", "", "", "0!", "1!", "01!"),
    separators=(".", ".", ".", "_", "", "-"),
    words=("a", "rc", "dev", "post", "dev1", "post2", "BETA", "*", "rc1", "w", "Dev", "POST3", "_"),
    tails=(
        *("", "", "", "+1", "+abc.1", "_", "+a_b", "post1", "dev", "-1", "+post", "+dev.2", ".dev"),
        *(".post1", "a", "w"),
    ),
    changes=("0", "1", ".", "_", "a", "rc", ".0", "post", "dev", "!", "+", "*", "-"),
)
PYTHON = Grammar(
    numbers=NUMBERS,
    heads=("", "", "", "", "v", "V", "0!", "1!", "01!"),
    separators=(".", ".", ".", "", "-", "_"),
    words=(
        *("a", "b", "c", "rc", "alpha", "BETA", "pre", "preview", "RC1", "a1", "b2", "rc3"),
        *("post", "rev", "r", "post1", "dev", "DEV", "dev1", "post1.dev2", "rc1.post2.dev3"),
    ),
    tails=("", "", "", "+abc", "+1", "+abc.1", "+ABC-01", "+1.abc", "+10", "+ubuntu-1", ".dev", "-1"),
    changes=("0", "1", ".", "-", "+", "!", "a", "rc", ".0", "_", ".dev0", ".post"),
)
SEMVER = Grammar(
    # npm refuses numbers above 2^53.
    numbers=SMALL_NUMBERS,
    heads=("", "", "v"),
    longest=2,
    least=2,
    tails=(
        *("", "", "", "-alpha", "-alpha.1", "-alpha.beta", "-beta.2", "-beta.11", "-rc.1", "-0"),
        *("-10", "-9", "-a-b", "--", "-0a", "-A", "-1.a.-", "-x.7.z.92", "+build", "-rc.1+b.2"),
        *("-SNAPSHOT", "-20240101000000-abcdef123456", "-0.20240101000000-abcdef", "-alpha1", "-alpha10"),
    ),
    changes=("0", "1", ".", "-", "+", "a", "rc", ".0", "-0", "Z"),
)
GO = Grammar(
    numbers=NUMBERS[:7] + NUMBERS[-1:],
    heads=("v",),
    longest=2,
    least=2,
    tails=(
        *SEMVER.tails,
        *("-0.20200101000000-abcdef123456", "-pre.0.20200101000000-abcdef123456", "+incompatible"),
        "-0.20200101000000-abcdef123456+incompatible",
    ),
    changes=SEMVER.changes,
)
GO_TOOLCHAIN = Grammar(
    numbers=SMALL_NUMBERS,
    heads=("go",),
    longest=2,
    tails=("", "", "rc1", "rc2", "rc10", "beta1", "beta2", "alpha1"),
    changes=("0", "1", "rc1", ".0", ".1"),
)
MAVEN = Grammar(
    numbers=NUMBERS,
    separators=(".", ".", ".", "-", "-", ""),
    words=(
        *("alpha", "beta", "a", "b", "m", "milestone", "rc", "cr", "snapshot", "SNAPSHOT", "ga"),
        *("final", "Final", "RELEASE", "sp", "SP", "x", "foo", "jre", "android", "Alpha", "RC"),
        *("dev", "pre", "alpha-1", "beta.2", "M1", "RC1", "SP1"),
    ),
    changes=("0", "1", ".", "-", "+", "~", "a", "rc", ".0", "_", "sp", "-ga"),
)
GEMS = Grammar(
    numbers=NUMBERS,
    separators=(".", ".", ".", "-", ""),
    words=("a", "b", "rc", "pre", "A", "beta2", "x86", "Z", "alpha", "rc1", "java"),
    longest=5,
)
COMPOSER = Grammar(
    numbers=SMALL_NUMBERS,
    heads=("", "", "v"),
    longest=3,
    tails=(
        *("", "", "-dev", "-alpha", "-alpha1", "a1", "-beta2", "b2", "-RC1", "RC2", "-rc.3", "rc"),
        *("-patch2", "-p1", "pl1", "-beta", "+build", "-alpha.10", "-RC", "-b10", "_a2", "-stable"),
    ),
    changes=("0", "1", ".", ".0", "rc", "a1", "-beta"),
)
COMPOSER_FULL = replace(COMPOSER, longest=2, least=2)
HEX = Grammar(
    numbers=("0", "1", "2", "9", "10", "11", "100", *NUMBERS[-2:]),
    longest=2,
    least=2,
    tails=SEMVER.tails,
    changes=SEMVER.changes,
)
LISTS = Grammar(numbers=NUMBERS[:13], separators=(".",), longest=5, changes=("0", "1", ".", ".0"))
CRAN = Grammar(
    numbers=NUMBERS[:13], separators=(".", ".", "-"), longest=5, changes=("0", "1", ".", "-", ".0")
)
CRATES = Grammar(
    numbers=("0", "1", "2", "9", "10", "11", "100", "18446744073709551615"),
    longest=2,
    least=2,
    tails=(*SEMVER.tails, "-1.99999999999999999999999", "-rc.99999999999999999999998"),
    changes=SEMVER.changes,
)
CONAN = Grammar(
    numbers=NUMBERS,
    separators=(".", ".", ".", "", "-", "+"),
    words=("a", "b", "z", "beta", "pre", "cci", "rc1", "1a", "w", "Z"),
    tails=("", "", "", "-pre", "-pre.1", "-pre+build", "+b", "+10", "+2", "-beta.10"),
)
NUGET = Grammar(
    numbers=SMALL_NUMBERS,
    longest=3,
    tails=(
        *("", "", "", "-alpha", "-ALPHA", "-alpha.1", "-beta.2", "-beta.11", "-rc", "-RC.1", "-0"),
        *("-1a", "-a-b", "+build", "-beta+meta", "-Beta.2+x", "--", "-alpha10", "-alpha9"),
        *("-rc.-1", "-rc.2147483647", "-rc.2147483648", "-rc.10000000000", "-rc.20240101"),
    ),
    changes=("0", "1", ".", ".0", "-a", "A"),
)
