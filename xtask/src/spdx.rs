//! Licence expressions (SPDX, annex D) and whether a list of licences satisfies one.

#[cfg(test)]
mod tests;

/// Returns whether someone who accepts only the licences in `accepted` may use a work under
/// `expression`; `None` if the expression cannot be read.
///
/// `A/B`, which old manifests write, means `A OR B`. A licence with an exception counts as one
/// name (`Apache-2.0 WITH LLVM-exception`).
pub(crate) fn is_satisfied(expression: &str, accepted: &[&str]) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, accepted };
    let verdict = parser.alternatives()?;
    parser.words.is_empty().then_some(verdict)
}

struct Parser<'a> {
    words: &'a [&'a str],
    accepted: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn alternatives(&mut self) -> Option<bool> {
        let mut verdict = self.conjunction()?;
        while self.take("OR") {
            verdict |= self.conjunction()?;
        }
        Some(verdict)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut verdict = self.licence()?;
        while self.take("AND") {
            verdict &= self.licence()?;
        }
        Some(verdict)
    }

    fn licence(&mut self) -> Option<bool> {
        if self.take("(") {
            let verdict = self.alternatives()?;
            return self.take(")").then_some(verdict);
        }
        let name = self.next()?;
        if matches!(name, "AND" | "OR" | "WITH" | ")") {
            return None;
        }
        if self.take("WITH") {
            let with_exception = format!("{name} WITH {}", self.next()?);
            return Some(self.accepted.contains(&with_exception.as_str()));
        }
        Some(self.accepted.contains(&name))
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}
