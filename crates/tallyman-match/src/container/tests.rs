//! Tests of what feeds come in, whole and broken.

mod archives;
mod hostile;
