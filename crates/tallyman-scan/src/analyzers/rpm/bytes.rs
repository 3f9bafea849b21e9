//! Numbers and slices out of a file whose every offset is doubtful: what lies outside is `None`.

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let number = array(bytes, at)?;
        Some(match self {
            Order::Big => u16::from_be_bytes(number),
            Order::Little => u16::from_le_bytes(number),
        })
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let number = array(bytes, at)?;
        Some(match self {
            Order::Big => u32::from_be_bytes(number),
            Order::Little => u32::from_le_bytes(number),
        })
    }

    /// Reads a 32-bit number that counts or points to something in memory.
    pub(super) fn size(self, bytes: &[u8], at: usize) -> Option<usize> {
        self.u32(bytes, at).and_then(|number| usize::try_from(number).ok())
    }
}

/// Returns `length` bytes from `at` on.
pub(super) fn slice(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// Returns page `number`, counted from 0.
pub(super) fn page(bytes: &[u8], number: usize, page_bytes: usize) -> Option<&[u8]> {
    slice(bytes, number.checked_mul(page_bytes)?, page_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    slice(bytes, at, N)?.try_into().ok()
}
