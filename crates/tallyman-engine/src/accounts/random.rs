//! Random identifiers and secrets.

use ring::rand::{SecureRandom, SystemRandom};

use super::AccountError;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8] = b"0123456789";

/// Returns letters and digits, each equally likely.
pub(super) fn alphanumeric(length: usize) -> Result<String, AccountError> {
    pick(ALPHANUMERIC, length)
}

/// Returns decimal digits, the first not zero.
pub(super) fn digits(length: usize) -> Result<String, AccountError> {
    let first = pick(&DIGITS[1..], 1)?;
    Ok(first + &pick(DIGITS, length.saturating_sub(1))?)
}

fn pick(alphabet: &[u8], length: usize) -> Result<String, AccountError> {
    // Bytes from the incomplete last round would make its letters likelier.
    let rounds = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while text.len() < length {
        SystemRandom::new().fill(&mut bytes).map_err(|_| AccountError::NoRandomness)?;
        let letters = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < rounds)
            .map(|byte| char::from(alphabet[byte % alphabet.len()]));
        text.extend(letters.take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_have_their_length_and_differ() {
        let one = super::alphanumeric(30).expect("random");
        assert_eq!(one.len(), 30);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, super::alphanumeric(30).expect("random"));
        assert!(!super::digits(18).expect("random").starts_with('0'));
    }
}
