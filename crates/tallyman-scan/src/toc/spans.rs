//! The stored bytes that are fetched: chunks that lie close together make one span, and all spans
//! come as one stream.

use std::io::{self, Read};
use std::ops::Range;

use crate::toc::document::Chunk;

/// Chunks this close are fetched with what lies between them: a request and its answer have about as
/// many bytes, and every further request takes time. Small files that lie apart are most of the spans,
/// so that with larger gaps most of what is fetched would lie between them.
const GAP_BYTES: u64 = 2 << 10;

const BUFFER_BYTES: usize = 64 << 10;

/// Returns the spans that hold what is missing of chunks, which come in the order of the layer.
pub(crate) fn plan<'c>(chunks: impl IntoIterator<Item = &'c Chunk>) -> Vec<Range<u64>> {
    let mut spans: Vec<Range<u64>> = Vec::new();
    for chunk in chunks.into_iter().filter(|chunk| chunk.is_missing()) {
        match spans.last_mut() {
            Some(last) if chunk.start.saturating_sub(last.end) <= GAP_BYTES => last.end = chunk.end,
            _ => spans.push(chunk.start..chunk.end),
        }
    }
    spans
}

/// Returns the number of bytes in all spans.
pub(crate) fn total(spans: &[Range<u64>]) -> u64 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(span.end.saturating_sub(span.start)))
}

/// Reads spans that come as one stream, and knows where in the layer it stands.
pub(crate) struct SpanReader<'a> {
    stream: Box<dyn Read + 'a>,
    /// The spans that are not begun, the next one last.
    spans: Vec<Range<u64>>,
    /// What is left of the current span, seen from the first byte of the buffer that is not read.
    current: Range<u64>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<'a> SpanReader<'a> {
    pub(crate) fn new(stream: Box<dyn Read + 'a>, mut spans: Vec<Range<u64>>) -> Self {
        spans.reverse();
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        SpanReader { stream, spans, current: 0..0, buffer, start: 0, end: 0 }
    }

    /// Goes forward to a place inside a span.
    pub(crate) fn seek(&mut self, to: u64) -> io::Result<()> {
        while !self.current.contains(&to) {
            self.skip(self.current.end.saturating_sub(self.current.start))?;
            self.current = self.spans.pop().ok_or(io::ErrorKind::UnexpectedEof)?;
        }
        self.skip(to.saturating_sub(self.current.start))
    }

    /// Returns further bytes of the current span, none at its end.
    pub(crate) fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.current.end.saturating_sub(self.current.start);
        if left > 0 && self.start >= self.end {
            self.start = 0;
            self.end = self.stream.read(&mut self.buffer)?;
            if self.end == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let available = self.buffer.get(self.start..self.end).unwrap_or_default();
        let count = available.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(available.get(..count).unwrap_or_default())
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        self.current.start = self.current.start.saturating_add(count as u64);
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let mut left = count;
        while left > 0 {
            let available = self.fill_buf()?.len();
            if available == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.consume(step);
            left = left.saturating_sub(step as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::{GAP_BYTES, SpanReader, plan, total};
    use crate::toc::document::{Chunk, ChunkContent};

    fn chunk(range: Range<u64>, content: ChunkContent) -> Chunk {
        Chunk { start: range.start, end: range.end, size: 1, digest: [0; 32], content }
    }

    #[test]
    fn neighbours_are_fetched_together_and_zeros_not_at_all() {
        let bytes = |range| chunk(range, ChunkContent::Missing);
        let far = 30 + GAP_BYTES + 1;
        let chunks = [
            bytes(10..20),
            bytes(25..30),
            chunk(30..40, ChunkContent::Zeros),
            bytes(far..far + 5),
            chunk(far + 5..far + 6, ChunkContent::Zeros),
        ];
        let spans = plan(&chunks);
        assert_eq!(spans, [10..30, far..far + 5]);
        assert_eq!(total(&spans), 25);
    }

    #[test]
    fn the_reader_knows_its_place_in_the_layer() {
        let stream: Vec<u8> = (10..30).chain(100..110).collect();
        let mut reader = SpanReader::new(Box::new(&stream[..]), vec![10..30, 100..110]);
        for place in [10_u8, 15, 29, 100, 109] {
            reader.seek(place.into()).expect("inside a span");
            assert_eq!(reader.fill_buf().expect("bytes")[0], place);
        }
        reader.consume(1);
        assert!(reader.fill_buf().expect("the end").is_empty());
        assert!(reader.seek(200).is_err());
        let mut cut = SpanReader::new(Box::new(&stream[..5]), vec![10..30, 100..110]);
        assert!(cut.seek(20).is_err());
    }
}
