//! The names of one directory, in order, in one piece of memory: a directory of a million files
//! must not cost an allocation each.

/// Names, given out in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each begins, and how long it is.
    spans: Vec<(u32, u16)>,
    next: usize,
}

impl Names {
    /// Adds a name; `false` if there are too many to keep.
    pub(super) fn push(&mut self, name: &[u8]) -> bool {
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(name.len()))
        else {
            return false;
        };
        self.bytes.extend_from_slice(name);
        self.spans.push((start, length));
        true
    }

    /// Puts the names into their order.
    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        self.spans.sort_unstable_by(|a, b| slice(bytes, *a).cmp(slice(bytes, *b)));
    }

    /// Appends the next name to `path`; `false` if there is none.
    pub(super) fn append_next(&mut self, path: &mut Vec<u8>) -> bool {
        let Some(span) = self.spans.get(self.next) else { return false };
        self.next += 1;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(slice(&self.bytes, *span));
        true
    }

    /// Returns about how much memory is used.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<(u32, u16)>()
    }
}

fn slice(bytes: &[u8], (start, length): (u32, u16)) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    bytes.get(start..start.saturating_add(length.into())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_come_in_the_order_of_their_bytes() {
        let mut names = Names::default();
        for name in [&b"b"[..], b"a-b", b"a", b"\xff", b"a/b"] {
            assert!(names.push(name));
        }
        names.sort();
        let mut found = Vec::new();
        let mut path = b"x".to_vec();
        while names.append_next(&mut path) {
            found.push(path.split_off(1));
        }
        assert_eq!(found, [&b"/a"[..], b"/a-b", b"/a/b", b"/b", b"/\xff"]);
        assert!(!Names::default().push(&[0; 70_000]));
    }
}
