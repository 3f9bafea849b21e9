//! Tests of the version order: tables of our own, foreign vectors and live oracles.

mod oracle;
mod schemes;
mod tables;
mod vectors;
